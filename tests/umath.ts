/**
 * NumPy's correctly rounded values of elementary functions.
 * @module
 */
import { assert } from "./std.ts";

/** The f32 rows of one function. */
export interface Rows {
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
}

/** A table from NumPy's names of functions to their values. */
export async function umathRows(): Promise<(name: string) => Rows> {
  const home = new URL("data/umath/umath-validation.tar.gz", import.meta.url);
  const packed = new Blob([await Deno.readFile(home)]).stream();
  const tar = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).bytes();
  const files = untar(tar);
  return (name) => {
    const csv = files.get(`umath/umath-validation-set-${name}.csv`);
    assert(csv, `no values for ${name}`);
    const rows = rowsOf(csv);
    assert(rows.inputs.length > 100, `only ${rows.inputs.length} rows`);
    return rows;
  };
}

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

function rowsOf(csv: string): Rows {
  const rows = csv.split("\n").filter((line) => line.startsWith("np.float32"));
  const words = (column: number) =>
    new Float32Array(Uint32Array.from(rows, (r) => Number(r.split(",")[column])).buffer);
  return { inputs: words(1), outputs: words(2) };
}
