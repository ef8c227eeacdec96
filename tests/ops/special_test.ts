/**
 * The error function and its kin against 40-digit values, computed in double precision as the
 * reference does and rounded to f32 after each step as devices do; and MegEngine's fused modes.
 * @module
 */
import { tensor } from "../../lib/core/leaf.ts";
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { primitive } from "../../lib/cpu/scalar.ts";
import type { Unary } from "../../lib/op/kinds.ts";
import { gelu, silu } from "../../lib/ops/activation.ts";
import { mulHigh } from "../../lib/ops/bits.ts";
import { composedMode } from "../../lib/ops/gradient_modes.ts";
import { erf, erfc, erfcinv, erfinv } from "../../lib/ops/special.ts";
import { assert, assertEquals } from "../std.ts";

type Table = readonly (readonly [x: number, y: number])[];

// Computed with mpmath 1.3.0 at 40 digits; the arguments are f32.
const erfs: Table = [
  [-5.0, -0.9999999999984626],
  [-3.0, -0.9999779095030014],
  [-1.5, -0.9661051464753108],
  [-1.0, -0.8427007929497149],
  [-0.5, -0.5204998778130465],
  [-0.0010000000474974513, -0.0011283788445643173],
  [9.999999974752427e-07, 1.1283791642462529e-06],
  [0.25, 0.27632639016823696],
  [0.84375, 0.7672256612323416],
  [0.9990000128746033, 0.8422852755615352],
  [1.0, 0.8427007929497149],
  [1.25, 0.9229001282564583],
  [2.0, 0.9953222650189527],
  [2.875, 0.9999521451602562],
  [3.9000000953674316, 0.9999999652077781],
  [5.0, 0.9999999999984626],
];
const erfcs: Table = [
  [-4.0, 1.999999984582742],
  [-1.0, 1.8427007929497148],
  [-0.25, 1.276326390168237],
  [0.25, 0.7236736098317631],
  [0.5, 0.4795001221869535],
  [1.0, 0.15729920705028513],
  [2.0, 0.004677734981047266],
  [4.0, 1.541725790028002e-08],
  [6.0, 2.1519736712498913e-17],
  [8.0, 1.1224297172982926e-29],
  [9.0, 4.13703174651381e-37],
  [7.699999809265137, 1.2942778400111533e-27],
];
const erfinvs: Table = [
  [-0.9999999403953552, -3.832506856900711],
  [-0.9900000095367432, -1.8213866009002777],
  [-0.5, -0.4769362762044699],
  [-9.999999747378752e-05, -8.862269053849193e-05],
  [1.0000000116860974e-07, 8.862269358092946e-08],
  [0.10000000149011612, 0.08885599182530649],
  [0.699999988079071, 0.7328690598827589],
  [0.8999999761581421, 1.1630870719457722],
  [0.9950000047683716, 1.984872829842413],
  [0.9998999834060669, 2.7510354379032873],
  [0.9999999403953552, 3.832506856900711],
];
const erfcinvs: Table = [
  [1.0000000031710769e-30, 8.14861622297672],
  [1.000000013351432e-10, 4.57282496596228],
  [9.999999747378752e-05, 2.7510639100462573],
  [0.019999999552965164, 1.6449763630633176],
  [0.10000000149011612, 1.1630871485684922],
  [0.5, 0.4769362762044699],
  [0.75, 0.2253120550121781],
  [1.25, -0.2253120550121781],
  [1.5, -0.4769362762044699],
  [1.899999976158142, -1.1630870719457722],
  [1.9989999532699585, -2.326744469262684],
];

/** A term of one argument with every step rounded to f32. */
function stepwise(term: Scalar, x: number): number {
  if (term.kind === "lit") return term.value;
  if (term.kind !== "call") return x;
  const [a, b, c] = term.args;
  const go = (part: Scalar) => stepwise(part, x);
  if (term.fn === "select") return go(a) ? go(b) : go(c);
  const found = primitive(term.fn, a.type, term.type)(go(a), b ? go(b) : 0);
  return term.type === "f32" ? Math.fround(found) : found;
}

const tables: readonly (readonly [Unary, Table, reference: number, device: number])[] = [
  [erf, erfs, 1.1e-7, 2e-7],
  [erfc, erfcs, 1e-7, 1e-5],
  [erfinv, erfinvs, 1.2e-7, 2e-7],
  [erfcinv, erfcinvs, 1e-7, 2e-7],
];

for (const [f, table, reference, device] of tables) {
  Deno.test(`${f.op.name}: relative error at most ${reference}, ${device} stepwise`, () => {
    const [got] = evaluateNow([f(tensor(table.map(([x]) => x)))]);
    const term = f.op.scalar!([s.arg(0, "f32")], {}, []);
    table.forEach(([x, y], i) => {
      const own = Math.abs(Number(got.data[i]) / y - 1);
      assert(own <= reference, `${f.op.name}(${x}) is ${got.data[i]}, not ${y}: ${own}`);
      const step = stepwise(term, x);
      assert(Math.abs(step / y - 1) <= device, `${f.op.name}(${x}) stepwise is ${step}, not ${y}`);
    });
  });
}

function values(t: ReturnType<typeof tensor>): number[] {
  return Array.from(evaluateNow([t])[0].data, Number);
}

Deno.test("special functions: ends, infinities and NaN", () => {
  const { NaN: none, POSITIVE_INFINITY: inf } = Number;
  assertEquals(values(erf(tensor([-inf, inf, none, -0, 0]))), [-1, 1, none, -0, 0]);
  assertEquals(values(erfc(tensor([-inf, inf, none, 0]))), [2, 0, none, 1]);
  assertEquals(values(erfinv(tensor([-1, 1, 1.5, -2, none, 0]))), [-inf, inf, none, none, none, 0]);
  assertEquals(values(erfcinv(tensor([0, 2, 1, -1, 3, none]))), [inf, -inf, 0, none, none, none]);
  assertEquals(values(gelu(tensor([-inf, inf, none, 0]))), [-0, inf, none, 0]);
  assertEquals(values(silu(tensor([-inf, inf, none, 0]))), [-0, inf, none, 0]);
});

Deno.test("mulHigh() is the rounded upper half of twice the product", () => {
  const numbers = [-(2 ** 31), -(2 ** 31) + 1, -65537, -3, -1, 0, 1, 2, 32768, 99999, 2 ** 31 - 1];
  for (const a of numbers) {
    for (const b of numbers) {
      const product = BigInt(a) * BigInt(b);
      const up = (product >> 31n) + ((product >> 30n) & 1n);
      const want = a === b && a === -(2 ** 31) ? 2 ** 31 - 1 : Number(up);
      const [got] = values(mulHigh(tensor(new Int32Array([a])), tensor(new Int32Array([b]))));
      assertEquals(got, want, `${a} and ${b}`);
    }
  }
});

/** Modes of floats with arguments, and their values by the definition in MegEngine's kernels. */
const known: readonly (readonly [mode: string, ins: readonly number[], value: number])[] = [
  ["ABS_GRAD", [-2, 3], -3],
  ["SIGMOID_GRAD", [0.25, 2], 0.375],
  ["SWITCH_GT0", [0, 3], 0],
  ["TANH_GRAD", [0.5, 2], 1.5],
  ["LT", [1, 1], 0],
  ["LEQ", [1, 1], 1],
  ["EQ", [1, 2], 0],
  ["NEQ", [1, 2], 1],
  ["COND_LEQ_MOV", [1, 1, 5], 5],
  ["COND_LT_MOV", [1, 1, 5], 0],
  ["FUSE_MUL_ADD3", [2, 3, 4], 10],
  ["FUSE_MUL_ADD4", [2, 3, 4, 5], 26],
  ["FUSE_ADD_RELU", [2, -3], 0],
  ["FUSE_ADD_SIGMOID", [2, -2], 0.5],
  ["FUSE_ADD_TANH", [1, -1], 0],
  ["FUSE_ADD_H_SWISH", [2, -1], 4 / 6],
  ["FAST_TANH", [1], 28 / 36],
  ["FAST_TANH_GRAD", [1, 2], (-48 / 4 + 28) / 36 * 2],
  ["H_SWISH_GRAD", [1, 2], 10 / 6],
  ["H_SWISH_GRAD", [-4, 2], 0],
  ["H_SWISH_GRAD", [4, 2], 2],
  ["SILU_GRAD", [0, 2], 1],
  ["GELU_GRAD", [0, 2], 1],
  ["GELU_GRAD", [1, 1], 1.0833154705876864],
  ["ASINH_GRAD", [0, 2], 2],
  ["ACOSH_GRAD", [Math.SQRT2, 2], 2],
  ["ATANH_GRAD", [0.5, 3], 4],
  ["PRELU_GRAD", [0, 3, 0.5], 3],
  ["PRELU_GRAD", [-1, 3, 0.5], 1.5],
  ["SOFTPLUS_GRAD", [0, 3], 1.5],
  ["RELU6_GRAD", [6, 3], 0],
  ["RELU6_GRAD", [5, 3], 3],
  ["HSIGMOID_GRAD", [3, 6], 0],
  ["HSIGMOID_GRAD", [0, 6], 1],
];

Deno.test("composedMode() gives what MegEngine's modes compute", () => {
  for (const [mode, ins, want] of known) {
    const [got] = values(composedMode(mode)!(...ins.map((x) => tensor([x]))));
    assert(
      Math.abs(got - want) <= 1e-6 * Math.max(1, Math.abs(want)),
      `${mode}: ${got}, not ${want}`,
    );
  }
  assertEquals(composedMode("ADD"), undefined);
});
