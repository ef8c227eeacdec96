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

/** The files of a tar archive, as text by name. */
function untar(bytes: Uint8Array): Map<string, string> {
  const files = new Map<string, string>();
  const text = (from: number, to: number) =>
    new TextDecoder().decode(bytes.subarray(from, to)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = parseInt(text(at + 124, at + 136), 8);
    files.set(
      text(at, at + 100),
      new TextDecoder().decode(bytes.subarray(at + 512, at + 512 + size)),
    );
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

interface Rows {
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
}

/** The f32 rows of a CSV. */
function rowsOf(csv: string): Rows {
  const rows = csv.split("\n").filter((line) => line.startsWith("np.float32"));
  const words = (column: number) =>
    new Float32Array(Uint32Array.from(rows, (r) => Number(r.split(",")[column])).buffer);
  return { inputs: words(1), outputs: words(2) };
}

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
  const home = new URL("../data/umath/umath-validation.tar.gz", import.meta.url);
  const packed = new Blob([await Deno.readFile(home)]).stream();
  const tar = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).bytes();
  const files = untar(tar);
  let seen = 0;
  for (const [name, [f, most]] of Object.entries(functions)) {
    await t.step(`${name}: at most ${most} ULP`, () => {
      const csv = files.get(`umath/umath-validation-set-${name}.csv`);
      assert(csv, `no values for ${name}`);
      const { inputs, outputs } = rowsOf(csv);
      assert(inputs.length > 100, `only ${inputs.length} rows`);
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
