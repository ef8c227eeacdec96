/**
 * Every primitive of the scalar language as kernels of each target against the CPU, over ordinary and
 * special values, for every variant.
 * @module
 */
import type { Form } from "../../lib/core/form.ts";
import { axesOf } from "../../lib/core/index.ts";
import { call, kindOf, type Prim, s, type Scalar, signatures } from "../../lib/core/scalar.ts";
import { f32, i32, type Type } from "../../lib/core/type.ts";
import { wgslJudge } from "../gpu/agree.ts";
import { openBench } from "../gpu/run_kernel.ts";
import { wasmJudge } from "../kernels/wasm/agree.ts";
import { assertEquals } from "../std.ts";
import type { Judge } from "./values.ts";

const bench = await openBench();

/** The targets, by what tests of them are called. */
const judges: Readonly<Record<string, Judge | undefined>> = {
  "wgsl()": bench && wgslJudge(bench),
  "wasm()": wasmJudge(),
};

const ordinary = [-1e4, -100, -20.5, -7, -2.5, -1, -0.75, -0.3, -1e-3, 1e-3, 0.3, 0.5, 0.9, 1, 1.5]
  .concat([2, 2.5, 3, 4.7, 10, 33.3, 88, 1000]);
const special = [NaN, Infinity, -Infinity, 0, -0, 1e30, -1e30, 1e-30];
const integers = [-(2 ** 31), -1000, -7, -1, 0, 1, 2, 3, 31, 32, 255, 65537, 2 ** 31 - 1];

/** Relative and absolute error allowed, where it is not one rounding. */
const tolerances: Partial<Record<Prim, readonly [number, number]>> = {
  pow: [1e-5, 1e-37],
  atan2: [4e-7, 0],
  exp: [4e-7, 1e-37],
  log: [3e-7, 0],
  sin: [1e-6, 3e-7],
  cos: [1e-6, 3e-7],
  tan: [1e-6, 1e-6],
  asin: [4e-7, 0],
  acos: [4e-7, 2e-7],
  atan: [4e-7, 0],
  tanh: [4e-7, 0],
  rem: [1e-6, 1e-6],
};

function column(
  values: readonly number[],
  isFloat: boolean,
): { type: Type; data: Float32Array | Int32Array } {
  return isFloat
    ? { type: f32([values.length]), data: Float32Array.from(values) }
    : { type: i32([values.length]), data: Int32Array.from(values) };
}

/** Compares the values of a body over columns of operands. */
async function agree(
  judge: Judge,
  columns: readonly { type: Type; data: Float32Array | Int32Array }[],
  body: (xs: Scalar[]) => Scalar,
  [rtol, atol]: readonly [number, number] = [1.3e-7, 0],
): Promise<void> {
  const shape = columns[0].type.shape;
  const [index] = axesOf(shape);
  const xs = columns.map(({ type }, operand): Scalar => ({
    kind: "load",
    type: kindOf(type.dtype),
    operand,
    index,
  }));
  const value = body(xs);
  const dtype = value.type === "f32" ? "f32" : value.type === "bool" ? "bool" : "i32";
  const form: Form = {
    kind: "map",
    shape,
    ins: columns.map((c) => c.type),
    outs: [{
      type: { dtype, shape },
      index,
      body: value.type === "u32" ? s.bitsI32(value) : value,
    }],
  };
  const ins = columns.map(({ type, data }) => ({ ...type, data }));
  await judge({ form, ins, tolerance: { rtol, atol } });
}

function pairs(values: readonly number[]): [number[], number[]] {
  const all = values.flatMap((a) => values.map((b) => [a, b]));
  return [all.map((p) => p[0]), all.map((p) => p[1])];
}

/** Values within the domain that a primitive is asked for. */
function floatsFor(fn: Prim): number[] {
  const all = [...ordinary, ...special];
  if (fn === "roundF16") {
    return [...all.filter((x) => !(Math.abs(x) > 65519 && Math.abs(x) < 1e38)), 1e-7, 3e-6];
  }
  if (fn === "exp") return [...all, -87, -80.3, 80.3, 88.7];
  if (fn === "sin" || fn === "cos") {
    return [...all.filter((x) => !(Math.abs(x) > 1e6 && x < 1e38 && x > -1e38)), 12345.6, -54321.1];
  }
  if (fn === "tan") return all.filter((x) => !(Math.abs(x) > 1e6));
  if (fn === "log") return [...all, 0.99, 1.01, 0.70710677, 0.9999999, 1.0000001];
  if (fn === "round") return [...all, 0.49999997, -0.49999997, -0.5, 8388609, -3.5];
  return all;
}

/** Declares a test for each target. */
function test(name: string, body: (judge: Judge) => Promise<void>): void {
  for (const [target, judge] of Object.entries(judges)) {
    Deno.test({
      name: `${target} ${name}${judge ? "" : " (skipped: no WebGPU adapter)"}`,
      ignore: judge === undefined,
      // The device is shared by the tests of this file, so its operations outlive each of them.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => body(judge!),
    });
  }
}

for (const fn of Object.keys(signatures) as Prim[]) {
  const takes = (signatures[fn] as readonly string[]).slice(1);
  test(
    `computes ${fn} as the CPU does`,
    async (judge) => {
      const tolerance = tolerances[fn];
      if (takes.includes("bool")) {
        const [a, b] = pairs([0, 1, 2]);
        const columns = [column(a, false), column(b, false)];
        await agree(judge, columns, ([x, y]) => {
          const [p, q] = [s.gt(x, 0), s.gt(y, 1)];
          return fn === "select"
            ? s.select(p, s.toF32(x), s.toF32(y))
            : fn === "not"
            ? s.not(p)
            : call(fn, p, q);
        });
        return;
      }
      const canFloat = takes.every((t) => t !== "u32") && !fn.startsWith("bit") ||
        fn.startsWith("bits");
      if (canFloat) {
        const values = floatsFor(fn);
        const [a, b] = takes.length === 1 ? [values, []] : pairs(values);
        // Remainders of huge quotients have no digits left in single precision.
        const keep = a.map((x, i) =>
          fn !== "rem" || !(Math.abs(x / b[i]) > 4096 && Math.abs(x) < 1e38)
        );
        const columns = [a, b].slice(0, takes.length).map((v) =>
          column(v.filter((_, i) => keep[i]), true)
        );
        await agree(judge, columns, (xs) => call(fn, ...xs), tolerance);
      }
      if (takes[0] === "n" || takes[0] === "t") {
        const [a, b] = takes.length === 1 ? [integers, []] : pairs(integers);
        const isDivision = fn === "div" || fn === "rem";
        const keep = a.map((_, i) => !isDivision || b[i] !== 0);
        const columns = [a, b].slice(0, takes.length).map((v) =>
          column(v.filter((_, i) => keep[i]), false)
        );
        await agree(
          judge,
          columns,
          ([x, y]) =>
            takes.length === 1 ? call(fn, x) : call(fn, x, takes[1] === "u32" ? s.toU32(y) : y),
        );
        if (fn === "bitsF32") return;
        await agree(
          judge,
          columns,
          ([x, y]) =>
            takes.length === 1 ? call(fn, s.bitsU32(x)) : call(fn, s.bitsU32(x), s.bitsU32(y)),
        );
      }
    },
  );
}

test(
  "keeps NaN apart in turned comparisons and constants",
  async (judge) => {
    const [a, b] = pairs([...special, 1, 2]);
    const columns = [column(a, true), column(b, true)];
    const bodies: ((xs: Scalar[]) => Scalar)[] = [
      ([x, y]) => s.not(s.lt(x, y)),
      ([x, y]) => s.not(s.le(x, y)),
      ([x, y]) => s.ne(x, y),
      ([x]) => s.ne(x, x),
      ([x]) => s.eq(x, x),
      ([x]) => s.not(s.lt(x, 1)),
      ([x]) => s.select(s.lt(x, 1), s.f(NaN), s.f(-Infinity)),
      ([x]) => s.max(x, 0),
      ([x]) => s.min(s.f(6), x),
      ([x]) => s.mul(x, s.f(-1)),
      ([x]) => s.add(s.div(s.f(1), s.f(0)), x),
      ([x]) => s.pow(x, 2),
      ([x]) => s.pow(x, 3),
      ([x]) => s.pow(x, 0),
      ([x]) => s.pow(x, -1),
      ([x]) => s.pow(x, 0.5),
      ([x]) => s.toI32(x),
      ([x]) => s.toU32(x),
    ];
    for (const body of bodies) {
      await agree(judge, columns, body, [2e-6, 0]);
    }
  },
);

Deno.test("the table of tolerances names primitives only", () => {
  assertEquals(Object.keys(tolerances).filter((fn) => !(fn in signatures)), []);
});
