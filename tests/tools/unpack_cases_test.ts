/**
 * The recorded cases are what the data's README says: as many, with their values, laid out as
 * `check` reads them.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { goldenCases, npy, pythonCases, recordedCases, unpackCases } from "./unpack_cases.ts";

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];

const width: Record<string, number> = { f32: 4, i32: 4, f16: 2, i16: 2, u16: 2 };

Deno.test("all recorded cases are read, each complete", async () => {
  const golden = await goldenCases();
  const python = await pythonCases();
  assertEquals([golden.length, python.length], [420, 218]);
  assertEquals(new Set([...golden, ...python].map((one) => one.name)).size, 638);
  for (const { name, model, inputs, outputs, operators } of [...golden, ...python]) {
    assert(outputs.length > 0 && model.length > 0 && Object.keys(operators).length > 0, name);
    for (const { dtype, shape, bytes } of [...inputs, ...outputs]) {
      const count = shape.reduce((a, b) => a * b, 1);
      assertEquals(bytes.length, count * (width[dtype] ?? 1), name);
    }
  }
});

Deno.test("the perceptron of the format specification has its published result", async () => {
  for (const name of ["golden/mlp.v0", "golden/mlp.v1", "golden/mlp.v2"]) {
    const one = (await goldenCases()).find((found) => found.name === name)!;
    assertEquals(floats(one.outputs[0].bytes), [2.375, 0, 0, 0, 2.125, 0]);
    assertEquals(one.operators.MatrixMulV2, 1);
    assertEquals(one.dtypes, ["f32"]);
  }
});

Deno.test("a file that computes something else than its function keeps the file's values", async () => {
  const find = async (name: string) =>
    (await pythonCases()).find((one) => one.name === `python/elemwise_zoo/${name}`)!
      .outputs.find((output) => output.name === "SIGN")!;
  const right = floats((await find("base.v1")).bytes);
  const wrong = floats((await find("base.v2")).bytes);
  assertEquals(wrong.map((x) => x + 0), right.map((x) => 0 - x));
});

Deno.test("a NumPy file's header is padded to 64 bytes and states type and shape", () => {
  const bytes = Uint8Array.of(1, 0, 2, 0, 3, 0);
  const file = npy({ dtype: "i16", shape: [3], bytes });
  const length = file[8] + 256 * file[9];
  assertEquals((10 + length) % 64, 0);
  const header = new TextDecoder("latin1").decode(file.subarray(0, 10 + length));
  assertEquals(file[0], 0x93);
  assert(header.startsWith("NUMPY\x01\x00", 1) && header.endsWith("\n"));
  assert(header.includes("{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }"), header);
  assertEquals(file.subarray(10 + length), bytes);
});

Deno.test("folders name their files by encoded name, or by position where names fail", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const wanted = /^python\/(elemwise_zoo\/base\.v1|add\/keep0\.v2)$/;
    const cases = (await recordedCases()).filter((one) => wanted.test(one.name));
    assertEquals(await unpackCases(folder, cases), 2);
    const list = (at: string) => [...Deno.readDirSync(`${folder}/python/${at}`)].map((e) => e.name);
    assert(list("elemwise_zoo/base.v1/outputs").includes("POW%5B0%5D.npy"));
    assertEquals(list("elemwise_zoo/base.v1/inputs").sort(), ["arg_0.npy", "arg_1.npy"]);
    assertEquals(list("add/keep0.v2/outputs"), ["0.npy"]);
    assertEquals(list("add/keep0.v2").sort(), ["inputs", "model.mge", "outputs", "tolerance.json"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
