/**
 * Random numbers. A file's generators take no key, so these draw other numbers of the same
 * distribution, and a key that is an argument is not needed in the file; numbers drawn from a
 * constant key are constants and stay what they are.
 * @module
 */
import type { Var } from "../emitter.ts";
import type { Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** Numbers from 0 to 1, all of them different ones in each place of the graph. */
function uniform({ e }: Writing, shape: readonly number[], seed: number): Var {
  const order = e.all.length;
  const param = step.table("UniformRNG", { seed: order * 2 + seed + 1 });
  return e.opr("UniformRNGV1", [param], [step.integers(e, shape.length ? shape : [1])], {
    dtype: "f32",
    shape,
  });
}

/** Two times 16 bits, since a float has 24. */
function words(site: Writing): Var {
  const { e, out } = site;
  const half = (seed: number, from: number) => {
    const share = uniform(site, out.shape, seed);
    const wide = step.elemwise(e, "MUL", share, step.scalar(e, 65535.99, "f32"));
    const whole = step.convert(e, step.elemwise(e, "FLOOR", wide), "i32");
    return step.elemwise(e, "ADD", whole, step.scalar(e, from, "i32"));
  };
  const upper = step.elemwise(e, "MUL", half(0, -32768), step.scalar(e, 65536, "i32"));
  return step.elemwise(e, "ADD", upper, half(1, 0));
}

/** Random operations as operators. */
export const randomWriting: WritingRules = {
  uniform: {
    write(site) {
      const { e, attrs: { from, to }, out } = site;
      const share = uniform(site, out.shape, 0);
      const scaled = to - from === 1
        ? share
        : step.elemwise(e, "MUL", share, step.scalar(e, to - from, "f32"));
      return from === 0 ? scaled : step.elemwise(e, "ADD", scaled, step.scalar(e, from, "f32"));
    },
  },
  randomBits: { write: words },
  splitKeys: { write: words },
};
