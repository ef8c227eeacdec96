/**
 * Texts of small kernels as recorded, so that a change of emission is seen and read.
 * @module
 */
import { wgsl } from "../../../kernels/wgsl/target.ts";
import type { Combine, Form, ReduceForm } from "../../../lib/core/form.ts";
import { addressOf, axesOf } from "../../../lib/core/index.ts";
import { kindOf, narrow, s, type Scalar } from "../../../lib/core/scalar.ts";
import type { Limits } from "../../../lib/core/target.ts";
import { type DType, f32, i32, type Type } from "../../../lib/core/type.ts";
import { assertEquals, assertNotEquals, assertThrows } from "../../std.ts";

const limits: Limits = {
  bindings: 8,
  bindingBytes: 2 ** 27,
  align: 256,
  workgroups: 65535,
  invocations: 256,
  sharedBytes: 16384,
  iterations: 60_000,
};

function load(operand: number, type: Type, coords: readonly Scalar[]): Scalar {
  const index = addressOf(coords, type.shape);
  return { kind: "load", type: kindOf(type.dtype), operand, index };
}

function map(
  shape: readonly number[],
  ins: readonly Type[],
  body: (axes: Scalar[]) => Scalar,
  dtype: DType = "f32",
): Form {
  const axes = axesOf(shape);
  const type = { dtype, shape };
  const index = addressOf(axes, shape);
  return { kind: "map", shape, ins, outs: [{ type, index, body: narrow(body(axes), dtype) }] };
}

function rowReduce(
  combine: Combine,
  shape: readonly number[],
  over: readonly number[],
): ReduceForm {
  const type = f32([...shape, ...over]);
  const outer = axesOf(shape);
  const isPlace = combine.startsWith("arg");
  return {
    kind: "reduce",
    shape,
    over,
    combine,
    ins: [type],
    body: load(0, type, [...outer, ...axesOf(over, shape.length)]),
    outs: [{
      type: isPlace ? i32(shape) : f32(shape),
      index: addressOf(outer, shape),
      body: s.acc(0, isPlace ? "i32" : "f32"),
    }],
  };
}

function columnSum(rows: number, columns: number): Form {
  const type = f32([rows, columns]);
  const [j] = axesOf([columns]);
  const [i] = axesOf([rows], 1);
  return {
    kind: "reduce",
    shape: [columns],
    over: [rows],
    combine: "sum",
    ins: [type],
    body: load(0, type, [i, j]),
    outs: [{ type: f32([columns]), index: j, body: s.acc(0) }],
  };
}

function softmax(rows: number, columns: number): Form {
  const x = f32([rows, columns]);
  const at = [...axesOf([rows]), ...axesOf([columns], 1)];
  const e = s.exp(s.sub(load(0, x, at), s.acc(0)));
  return {
    kind: "rows",
    shape: [rows],
    over: [columns],
    ins: [x],
    stages: [{ combine: "max", body: load(0, x, at) }, { combine: "sum", body: e }],
    outs: [{ type: x, index: addressOf(at, x.shape), body: s.div(e, s.acc(1)) }],
  };
}

const [a, b, c] = [f32([6, 8]), f32([8]), f32([8, 6])];
const half: Type = { dtype: "f16", shape: [10] };
const bytes: Type = { dtype: "u8", shape: [7] };
const picks = i32([6]);

const forms: Readonly<Record<string, Form>> = {
  "relu of a sum": map(
    [6, 8],
    [a, b],
    ([i, j]) => s.max(s.add(load(0, a, [i, j]), load(1, b, [j])), 0),
  ),
  "transpose": map([8, 6], [a], ([j, i]) => load(0, a, [i, j])),
  "transposed operand": map(
    [6, 8],
    [a, c],
    ([i, j]) => s.sub(load(0, a, [i, j]), load(1, c, [j, i])),
  ),
  "f16": map([10], [half], (at) => s.mul(load(0, half, at), 2), "f16"),
  "u8": map([7], [bytes], (at) => s.add(load(0, bytes, at), 1), "u8"),
  "comparison": map([6, 8], [a], (at) => s.not(s.lt(load(0, a, at), 0.5)), "bool"),
  "iota": map([5], [], ([i]) => s.toF32(i)),
  "gather of rows": map([6, 8], [picks, a], ([i, j]) => load(1, a, [load(0, picks, [i]), j])),
  "not a number": map([4], [b], (at) => s.select(s.isNan(load(0, b, at)), s.f(-Infinity), 1)),
  "row sums": rowReduce("sum", [40], [64]),
  "row argmax": rowReduce("argmax", [3], [12]),
  "long row maxima": rowReduce("max", [2], [1024]),
  "column sums": columnSum(100, 12),
  "softmax of short rows": softmax(5, 12),
  "softmax": softmax(3, 256),
};

for (const adapter of ["software", "gpu"] as const) {
  Deno.test(`wgsl() writes the recorded texts on a ${adapter} adapter`, async (t) => {
    const target = wgsl(limits, adapter);
    for (const [name, form] of Object.entries(forms)) {
      const [best] = target.variants(form);
      const kernel = target.emit(form, best);
      const shown = `// ${best.name}, ${kernel.workgroups.join(" x ")} work-groups, ` +
        `parameters ${kernel.params.join(" ")}\n${kernel.text}`;
      await t.assertSnapshot(shown, { name: `${adapter}: ${name}`, serializer: (text) => text });
    }
  });
}

Deno.test("wgsl() writes one text for many sizes", () => {
  const target = wgsl(limits, "software");
  const text = (form: Form) => target.emit(form, target.variants(form)[0]).text;
  const biased = (h: number, w: number) =>
    map(
      [h, w],
      [f32([h, w]), f32([w])],
      ([i, j]) => s.add(load(0, f32([h, w]), [i, j]), load(1, f32([w]), [j])),
    );
  assertEquals(text(biased(6, 8)), text(biased(20, 44)));
  assertNotEquals(text(biased(6, 8)), text(biased(6, 7)));
  assertEquals(text(columnSum(100, 12)), text(columnSum(77, 40)));
  assertEquals(text(rowReduce("sum", [500], [64])), text(rowReduce("sum", [80], [48 * 4])));
});

Deno.test("wgsl() refuses more loop iterations than the adapter makes", () => {
  const target = wgsl(limits, "software");
  const form = rowReduce("sum", [1], [80_001]);
  const alone = target.variants(form).find((v) => v.team === 1)!;
  assertThrows(() => target.emit(form, alone), RangeError, "internal: a kernel needs");
  const free = wgsl({ ...limits, iterations: Infinity }, "software");
  assertEquals(free.emit(form, alone).bindings, 2);
});

Deno.test("wgsl() takes neighbouring axes as one", () => {
  const target = wgsl(limits, "software");
  const text = (shape: number[]) => {
    const type = f32(shape);
    const form = map(shape, [type], (at) => s.neg(load(0, type, at)));
    return target.emit(form, target.variants(form)[0]).text;
  };
  assertEquals(text([2, 3, 4, 5]), text([120]));
});
