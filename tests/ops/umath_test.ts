/**
 * The CPU reference against NumPy's correctly rounded values, in units in the last place of f32.
 * The bounds are what was measured; the interpreter computes in double precision and rounds once.
 * @module
 */
import { tensor } from "../../lib/core/leaf.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import type { Unary } from "../../lib/op/kinds.ts";
import * as math from "../../lib/ops/math.ts";
import * as trig from "../../lib/ops/trig.ts";
import { assert, assertEquals } from "../std.ts";
import { umathRows } from "../umath.ts";

/** Our function for each of NumPy's, and the largest error allowed in ULP. */
const functions: Readonly<Record<string, readonly [Unary, number]>> = {
  arccos: [trig.acos, 0],
  arccosh: [trig.acosh, 0],
  arcsin: [trig.asin, 0],
  arcsinh: [trig.asinh, 1],
  arctan: [trig.atan, 0],
  arctanh: [trig.atanh, 1],
  cos: [trig.cos, 0],
  cosh: [trig.cosh, 0],
  exp: [math.exp, 0],
  expm1: [math.expm1, 0],
  log: [math.log, 1],
  log1p: [math.log1p, 0],
  sin: [trig.sin, 0],
  sinh: [trig.sinh, 1],
  tan: [trig.tan, 0],
  tanh: [trig.tanh, 0],
};

/** The place of a number among all floats, so that neighbours differ by 1; both zeros are 0. */
function place(x: number): number {
  const [word] = new Int32Array(new Float32Array([x]).buffer);
  return word < 0 ? -(word & 0x7fffffff) : word;
}

function ulps(got: number, want: number): number {
  if (got !== got || want !== want) return got !== got && want !== want ? 0 : Infinity;
  return Math.abs(place(got) - place(want));
}

Deno.test("the reference keeps to NumPy's values", async (t) => {
  const rowsOf = await umathRows();
  let seen = 0;
  for (const [name, [f, most]] of Object.entries(functions)) {
    await t.step(`${name}: at most ${most} ULP`, () => {
      const { inputs, outputs } = rowsOf(name);
      seen += inputs.length;
      const [got] = evaluateNow([f(tensor(inputs))]);
      let worst = 0, at = 0;
      outputs.forEach((want, i) => {
        const off = ulps(Number(got.data[i]), want);
        if (off > worst) worst = off, at = i;
      });
      const what = `${name}(${inputs[at]}) is ${got.data[at]}, not ${outputs[at]}`;
      assert(worst <= most, `${what}: ${worst} ULP`);
    });
  }
  assertEquals(seen, 10_125, "values");
});
