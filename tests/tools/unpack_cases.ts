/**
 * MegEngine's recorded files and results as cases in memory, and as the folders that `check` reads.
 * The data lie packed under `tests/data` (see its README); a test takes the cases it needs, by the
 * operators and dtypes that a file holds, without touching the disk, or lays them out.
 *
 * `deno run -A tests/tools/unpack_cases.ts DIR [REGEXP]` writes the folders and prints how many.
 * @module
 */

/** One array of a case: little-endian bytes in row-major order, as the file or NumPy holds them. */
export interface CaseTensor {
  /** The variable's name in the file. */
  readonly name: string;
  /** `f32 f16 i32 i16 i8 u8 u16 bool`; other types have no array in NumPy and are left out. */
  readonly dtype: string;
  /** Extents; a scalar may be `[]` or `[1]`. */
  readonly shape: readonly number[];
  /** The raw values. */
  readonly bytes: Uint8Array;
}

/** One graph file with the inputs it was run on and what MegEngine computed from them. */
export interface RecordedCase {
  /** A path-like name, such as `golden/ops/elem_00_RELU.v1` or `python/lenet/base.v2`. */
  readonly name: string;
  /** Which of the three layouts the file has. */
  readonly format: "V0" | "V1" | "V2";
  /** The file image. */
  readonly model: Uint8Array;
  /** One value for each input of the file, in the file's order. */
  readonly inputs: readonly CaseTensor[];
  /** The results that a reader must reproduce, each with its position among all outputs. */
  readonly outputs: readonly (CaseTensor & { readonly position: number })[];
  /** The file keeps no names for its outputs: those above are MegEngine's own, made on loading. */
  readonly unnamed: boolean;
  /** How often the file holds each operator, by its V1 alias (`ConvolutionV2`). */
  readonly operators: Readonly<Record<string, number>>;
  /** Every dtype among constants, conversions, inputs and outputs, quantized ones too (`qs8`). */
  readonly dtypes: readonly string[];
  /** Image layouts other than NCHW that an operator works in (`NCHW44`). */
  readonly layouts: readonly string[];
  /** What MegEngine's result allows on floats: `|got - want| <= atol + rtol * |want|`. */
  readonly tolerance: { readonly rtol: number; readonly atol: number };
}

interface Entry {
  name: string;
  format: RecordedCase["format"];
  file?: string;
  inputs?: { name: string; dtype: string; shape: number[]; file: string }[];
  outputs?: Entry["inputs"];
  operators: Record<string, number>;
  dtypes: string[];
  layouts: string[];
  tolerance: { rtol: number; atol: number };
  ignore?: string[];
  unnamed?: boolean;
}

interface Hex {
  name: string;
  dtype: string;
  shape: number[];
  hex: string;
}

type Values = { inputs: Hex[]; outputs: Hex[] };

const descr: Record<string, string> = {
  f32: "<f4",
  f16: "<f2",
  i32: "<i4",
  i16: "<i2",
  i8: "|i1",
  u8: "|u1",
  u16: "<u2",
  bool: "|b1",
};

const short: Record<string, string> = {
  Float32: "f32",
  Float16: "f16",
  Int32: "i32",
  Int16: "i16",
  Int8: "i8",
  Uint8: "u8",
  Uint16: "u16",
  Bool: "bool",
};

/** Where the data lie. */
const home = new URL("../data/", import.meta.url);

/**
 * Reads every recorded case: those of the MegEngine core (`golden/…`), then those of the released
 * Python package (`python/…`). Cases with quantized inputs are not among them; quantized, raw-byte
 * and undefined outputs of the others are left out.
 */
export async function recordedCases(): Promise<RecordedCase[]> {
  return [...await goldenCases(), ...await pythonCases()];
}

/** The files and the single-operator cases that the MegEngine C++ core wrote or ran. */
export async function goldenCases(): Promise<RecordedCase[]> {
  const folder = new URL("mge-golden/", home);
  const { cases: entries } = await json<{ cases: Entry[] }>(new URL("index.json", folder));
  const expected = await json<Record<string, Values>>(new URL("expected.json", folder));
  const packed = await Deno.readFile(new URL("ops.json.gz", folder));
  const plain = new Response(packed).body!.pipeThrough(new DecompressionStream("gzip"));
  const list: (Values & { name: string; v1: string; v2: string })[] = await new Response(plain)
    .json();
  const single = new Map(list.map((one) => [one.name, one]));
  const cases: RecordedCase[] = [];
  for (const entry of entries) {
    const [, name, version] = /^ops\/(.*)\.(v[12])$/.exec(entry.name) ?? [];
    const model = entry.file
      ? await Deno.readFile(new URL(entry.file, folder))
      : Uint8Array.from(atob(single.get(name)![version as "v1" | "v2"]), (c) => c.charCodeAt(0));
    const values = entry.file ? expected[entry.file] : single.get(name)!;
    if (values.inputs.some((input) => !(input.dtype in short))) continue;
    const outputs = values.outputs
      .map((output, position) => ({ ...fromHex(output), position }))
      .filter((output) => output.dtype in descr && !entry.ignore?.includes(output.name));
    if (outputs.length === 0) continue;
    const inputs = values.inputs.map(fromHex);
    cases.push({ ...facts(entry, "golden"), model, inputs, outputs });
  }
  return cases;
}

/** The files that the released Python package dumped, with their own results in it. */
export async function pythonCases(): Promise<RecordedCase[]> {
  const folder = new URL("mge-python/", home);
  const { cases: entries } = await json<{ cases: Entry[] }>(new URL("index.json", folder));
  const load = async (tensor: NonNullable<Entry["inputs"]>[number]) => ({
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    bytes: npyBody(await Deno.readFile(new URL(tensor.file, folder))),
  });
  const cases: RecordedCase[] = [];
  for (const entry of entries) {
    const outputs = [];
    for (const output of entry.outputs!) {
      outputs.push({ ...await load(output), position: outputs.length });
    }
    cases.push({
      ...facts(entry, "python"),
      model: await Deno.readFile(new URL(entry.file!, folder)),
      inputs: await Promise.all(entry.inputs!.map(load)),
      outputs,
    });
  }
  return cases;
}

/** The same, written under `folder` the way `check` reads it. Returns the number of folders. */
export async function unpackCases(
  folder: string,
  cases: Iterable<RecordedCase>,
): Promise<number> {
  let count = 0;
  for (const one of cases) {
    const at = `${folder}/${one.name}`;
    await Deno.mkdir(`${at}/inputs`, { recursive: true });
    await Deno.mkdir(`${at}/outputs`, { recursive: true });
    await Deno.writeFile(`${at}/model.mge`, one.model);
    await Deno.writeTextFile(`${at}/tolerance.json`, JSON.stringify(one.tolerance));
    const inputs = one.inputs.map((input, position) => ({ ...input, position }));
    for (const [file, tensor] of fileNames(inputs, false)) {
      await Deno.writeFile(`${at}/inputs/${file}`, npy(tensor));
    }
    for (const [file, tensor] of fileNames(one.outputs, one.unnamed)) {
      await Deno.writeFile(`${at}/outputs/${file}`, npy(tensor));
    }
    count++;
  }
  return count;
}

/** A NumPy file (format 1.0) of a case's array. */
export function npy(tensor: Omit<CaseTensor, "name">): Uint8Array<ArrayBuffer> {
  const extents = tensor.shape.join(", ") + (tensor.shape.length === 1 ? "," : "");
  const text = `{'descr': '${
    descr[tensor.dtype]
  }', 'fortran_order': False, 'shape': (${extents}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + tensor.bytes.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(text.padEnd(length - 1) + "\n"), 10);
  bytes.set(tensor.bytes, 10 + length);
  return bytes;
}

/**
 * The file of each tensor. A name is percent-encoded; where there are none, or they repeat, or would
 * make a file name longer than file systems take, every file is named by its position.
 */
function fileNames<T extends CaseTensor & { position: number }>(
  tensors: readonly T[],
  unnamed: boolean,
) {
  const names = tensors.map((tensor) => encoded(tensor.name));
  const alike = new Set(names).size < names.length || names.some((name) => name.length > 200);
  return tensors.map((tensor, i) =>
    [`${unnamed || alike ? tensor.position : names[i]}.npy`, tensor] as const
  );
}

function encoded(name: string): string {
  const hex = (byte: number) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  return name.replace(
    /[^A-Za-z0-9._-]/gu,
    (character) => [...new TextEncoder().encode(character)].map(hex).join(""),
  );
}

function facts(entry: Entry, from: string) {
  const { format, operators, dtypes, layouts, tolerance, unnamed = false } = entry;
  const name = `${from}/${entry.name}`;
  return { name, format, operators, dtypes, layouts, tolerance, unnamed };
}

function fromHex(value: Hex): CaseTensor {
  const bytes = Uint8Array.from(value.hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return { name: value.name, dtype: short[value.dtype] ?? value.dtype, shape: value.shape, bytes };
}

/** The values of a NumPy file, whose header the index repeats. */
function npyBody(file: Uint8Array): Uint8Array {
  return file.subarray(10 + file[8] + 256 * file[9]);
}

async function json<T>(url: URL): Promise<T> {
  return JSON.parse(await Deno.readTextFile(url));
}

if (import.meta.main) {
  const [folder, pattern = ""] = Deno.args;
  if (!folder) {
    console.error("usage: deno run -A tests/tools/unpack_cases.ts DIR [REGEXP]");
    Deno.exit(2);
  }
  const wanted = new RegExp(pattern);
  const cases = (await recordedCases()).filter((one) => wanted.test(one.name));
  console.log(`${await unpackCases(folder, cases)} folders in ${folder}`);
}
