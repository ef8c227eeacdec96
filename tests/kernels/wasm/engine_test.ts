/**
 * Primitives in the engine that runs this: bit for bit what their terms mean with every step rounded
 * once, so that what is measured of the terms holds for kernels.
 * @module
 */
import { expand, primErrors } from "../../../kernels/wasm/prims.ts";
import type { Features } from "../../../kernels/wasm/module.ts";
import { wasm, wasmLimits } from "../../../kernels/wasm/target.ts";
import type { Form } from "../../../lib/core/form.ts";
import { call, type Prim, s } from "../../../lib/core/scalar.ts";
import { f32 } from "../../../lib/core/type.ts";
import { mapForm } from "../../forms/maps.ts";
import { load } from "../../forms/values.ts";
import { assert, assertEquals } from "../../std.ts";
import { newRunner } from "./run_kernel.ts";
import { machine } from "./term_machine.ts";

const runner = newRunner();
const target = wasm(wasmLimits(2 ** 32));
const binary: ReadonlySet<string> = new Set(["atan2", "pow", "rem"]);

/** Floats of every exponent, with other low bits each. */
function spread(n: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return new Float32Array(
    Uint32Array.from({ length: n }, (_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return ((i * 2 ** 32 / n) + (state >>> 18)) >>> 0;
    }).buffer,
  );
}

const bitsOf = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer);

/** What the second term of a sum of two products leaves of the first: nothing if it rounds twice. */
function remainder(madd: boolean): number {
  // (1 + 2^-12)² - 1 - 2^-11 is 2^-24, which two roundings lose.
  const [row, columns] = [f32([1, 2]), f32([2, 4])];
  const product: Form = {
    ...{ kind: "matmul", batch: [], m: 1, n: 4, k: 2 },
    ins: [row, columns],
    a: load(0, row, [s.i(0), s.axis(2, 2)]),
    b: load(1, columns, [s.axis(2, 2), s.axis(1, 4)]),
    outs: [{ type: f32([1, 4]), index: s.axis(1, 4), body: s.acc(0) }],
  };
  const near = 1 + 2 ** -12;
  const hosts = [
    { ...row, data: new Float32Array([-1 - 2 ** -11, near]) },
    { ...columns, data: new Float32Array([1, 1, 1, 1, near, near, near, near]) },
  ];
  const kernel = target.emit(product, target.variants(product)[0]);
  const features: Features = { madd, wide: false, shared: false };
  const [[got]] = runner.run(product, kernel, features, hosts, [[[0, kernel.units]]]);
  return Number(got.data[2]);
}

/** Engines may round relaxed multiply-adds twice on machines without the instruction. */
const isFused = remainder(true) !== 0;

Deno.test("sums of products round as the features say", () => {
  assertEquals(remainder(false), 0);
  assertEquals(remainder(true), isFused ? 2 ** -24 : 0);
});

for (const fn of Object.keys(primErrors) as Prim[]) {
  Deno.test(`${fn} has the bits that its term has, fused and not`, () => {
    const n = 1 << 15;
    const [a, b] = [spread(n, 1), spread(n, 7)];
    // Pairs of every two exponents.
    for (let i = 0; i < n; i++) b[i] = binary.has(fn) ? a[Math.imul(i, 40503) & (n - 1)] : 0;
    const type = f32([n]);
    const ins = binary.has(fn) ? [type, type] : [type];
    const form: Form = mapForm(
      [n],
      ins,
      "f32",
      (at) => call(fn, ...ins.map((t, i) => load(i, t, at))),
    );
    const term = expand(call(fn, ...ins.map((_, i) => s.arg(i, "f32"))))!;
    const [variant] = target.variants(form);
    const kernel = target.emit(form, variant);
    for (const madd of [true, false]) {
      const features: Features = { madd, wide: false, shared: false };
      const hosts = ins.map((t, i) => ({ ...t, data: i ? b : a }));
      const [[got]] = runner.run(form, kernel, features, hosts, [[[0, kernel.units]]]);
      const want = machine(term, madd && isFused)(a, b);
      const [x, y] = [got.data as Float32Array<ArrayBuffer>, want as Float32Array<ArrayBuffer>];
      const [p, q] = [bitsOf(x), bitsOf(y)];
      for (let i = 0; i < n; i++) {
        if (p[i] === q[i] || (x[i] !== x[i] && y[i] !== y[i])) continue;
        assert(false, `${fn}(${a[i]}, ${b[i]}) is ${x[i]}, its term ${y[i]}, fused: ${madd}`);
      }
    }
  });
}
