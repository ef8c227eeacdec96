/**
 * Reading model files: those that MegEngine wrote, those that are none, and large ones in part.
 * @module
 */
import { gunzipSync, strFromU8 } from "fflate";
import { FormatError } from "../../lib/core/fault.ts";
import { arrayBytes, type ByteSource, pathBytes } from "../../lib/io/bytes.ts";
import { slotsV2 } from "../../lib/mge/decode.ts";
import { layOut } from "../../lib/mge/layout.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import {
  newTables,
  offsetVector,
  u32Vector,
  writeCompNode,
  writeDType,
} from "../../lib/mge/shared_tables.ts";
import { writeOpr } from "../../lib/mge/tables.ts";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "../std.ts";
import {
  dataFile,
  f32Tensor,
  holding,
  joined,
  modelFiles,
  readBytes,
  valueOf,
} from "./model_files.ts";

Deno.test("readModel() finds the operators of every golden file", async () => {
  const counts: Record<string, number> = {};
  for (const { name, bytes } of await modelFiles("mge-golden")) {
    const file = await readBytes(bytes);
    assertEquals([file.container, file.bytes, file.appended], ["bare", bytes.length, 0], name);
    assertEquals(file.models[0].format, `V${/v([012])/.exec(name)?.[1]}`, name);
    counts[name.slice("mge-golden/".length, -".mge".length)] = file.models[0].oprs.length;
  }
  assertEquals(counts, {
    "cnn.opt.v1": 39,
    "cnn.v1": 46,
    "cnn.v1.nochange": 40,
    "cnn.v2": 42,
    "cnn.v2m1": 40,
    "mlp.v0": 6,
    "mlp.v1": 6,
    "mlp.v1.keep0": 6,
    "mlp.v2": 6,
    "mlp.v2.keep2": 6,
    "mlp.v2m1": 6,
  });
});

Deno.test("readModel() gives what mlp.v1.mge and mlp.v2.mge say", async () => {
  const v1 = (await readBytes(await dataFile("mge-golden/mlp.v1.mge"))).models[0];
  const v2 = (await readBytes(await dataFile("mge-golden/mlp.v2.mge"))).models[0];
  const types = (model: typeof v1) => model.oprs.map((opr) => opr.type).toSorted();
  assertEquals(types(v1), types(v2));
  assertEquals([v1.version, v1.modelVersion, v1.sharedTensors], [1099900, undefined, 1]);
  assertEquals([v2.version, v2.modelVersion, v2.hash], [1099900, 2, undefined]);
  const bias = v2.oprs[0];
  assertEquals(bias.type, "ImmutableTensor");
  assertEquals(bias.outputs, [{ id: 0, name: "fc.bias", shape: [1, 3] }]);
  const bytes = await joined(bias.tensors[0].value!.open());
  assertEquals(new Float32Array(bytes.buffer), Float32Array.of(-1.25, 0.5, -0.5));
  const input = v2.oprs.find((opr) => opr.type === "Host2DeviceCopy")!;
  assertEquals(input.tensors, [{
    name: "data",
    shape: [2, 4],
    dtype: { name: "Float32" },
    compNode: "xpux:0",
  }]);
  assertEquals(input.params, [{
    table: "Host2DeviceCopy",
    fields: { enable_value_infer: true, dump_default_value: false, allow_cpu_mem_fwd: true },
  }]);
  assertEquals(v2.oprs[5].outputs[0].name, "out");
  assertEquals(v2.metadata, {
    isValid: true,
    graphModified: false,
    userInfo: Uint8Array.of(0x80, 4, 0x4e, 0x2e),
    optimizeOptions: 0x40n,
  });
  const zeroth = (await readBytes(await dataFile("mge-golden/mlp.v0.mge"))).models[0];
  assertEquals(types(zeroth), types(v1));
});

interface Recorded {
  readonly file: string;
  readonly format: string;
  readonly operators: Readonly<Record<string, number>>;
  readonly outputs: readonly { readonly name: string }[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly graph_modified: boolean } | null;
}

Deno.test("readModel() finds what is recorded of every dump of MegEngine's Python", async () => {
  const index = new TextDecoder().decode(await dataFile("mge-python/index.json"));
  const cases: Recorded[] = JSON.parse(index).cases;
  assert(cases.length > 200, `${cases.length} cases`);
  for (const one of cases) {
    const { models: [model], appended } = await readBytes(await dataFile(`mge-python/${one.file}`));
    const counts: Record<string, number> = {};
    for (const opr of model.oprs) counts[opr.type] = (counts[opr.type] ?? 0) + 1;
    assertEquals(counts, one.operators, one.file);
    assertEquals(model.format, one.format, one.file);
    assertEquals(appended, one.file.includes("append") ? 1 : 0, one.file);
    assertEquals(model.metadata?.isValid, one.metadata !== null, one.file);
    const names = new Map(model.oprs.flatMap((opr) => opr.outputs).map((o) => [o.id, o.name]));
    // A wrong count of outputs anywhere would shift the numbers that outputs are found by.
    if ("keep_var_name" in one.options && one.options.keep_var_name === 0) continue;
    const found = model.outputs.map((output) => names.get(output.compact));
    assertEquals(found, one.outputs.map((output) => output.name), one.file);
  }
});

Deno.test("readModel() gives V1 and V2 files of one operator the same variables", async () => {
  const zipped = await dataFile("mge-golden/ops.json.gz");
  const cases: Record<string, string>[] = JSON.parse(strFromU8(gunzipSync(zipped)));
  let compared = 0;
  for (const { name, v1, v2 } of cases) {
    if (v1 === undefined || v2 === undefined || /ndim8|unknown/.test(name)) continue;
    const [first, second] = await Promise.all(
      [v1, v2].map(async (text) => (await readBytes(Uint8Array.fromBase64(text))).models[0]),
    );
    const ids = (model: typeof first) => model.oprs.map((opr) => [opr.type, opr.outputs.length]);
    assertEquals(ids(first), ids(second), name);
    assertEquals(first.oprs.map((o) => o.params), second.oprs.map((o) => o.params), name);
    compared++;
  }
  assert(compared > 220, `${compared} cases`);
});

Deno.test("readModel() reads containers of test cases in any mix of formats", async () => {
  const formats = new Set<string>();
  for (const { name, bytes } of await modelFiles("mge-python/testcases")) {
    const { container, models: [main], testcases, bytes: end } = await readBytes(bytes);
    assertEquals([container, end], ["mgbtest0", bytes.length], name);
    const inputs = main.oprs.filter((opr) => opr.type === "Host2DeviceCopy").length;
    for (const one of testcases) assertEquals(one.outputs.length, inputs, name);
    formats.add(`${main.format} ${testcases.map((one) => one.format)[0]}`);
  }
  assertEquals([...formats].sort(), ["V1 V2", "V2 V2"]);
});

Deno.test("readModel() reads the first of several dumps and counts the others", async () => {
  const v1 = await dataFile("mge-golden/mlp.v1.mge");
  const v2 = await dataFile("mge-golden/mlp.v2.mge");
  const junk = Uint8Array.of(1, 2, 3);
  const file = await readBytes(await joined(ReadableStream.from([v1, v2, v1, junk])));
  assertEquals([file.bytes, file.appended, file.models[0].format], [v1.length, 2, "V1"]);
});

Deno.test("readModel() keeps an unknown operator in V2 and names its id in V1", async () => {
  const model = holding("V2", [f32Tensor([1], valueOf(new Uint8Array(4)))]);
  const odd = {
    ...model.oprs[0],
    type: "Mystery",
    unknown: { typeId: 0xfedcba9876543210n, version: 3 },
  };
  const bytes = await joined(layOut({ ...model, oprs: [odd] }).emit());
  const [opr] = (await readBytes(bytes)).models[0].oprs;
  assertEquals([opr.type, opr.unknown], ["Mystery", odd.unknown]);

  const v1 = await dataFile("mge-golden/mlp.v1.mge");
  const id = 0xebb39bdd9278b6dan; // Elemwise
  const view = new DataView(v1.buffer);
  for (let at = 0; at + 8 <= v1.length; at++) {
    if (view.getBigUint64(at, true) === id) view.setBigUint64(at, 12345n, true);
  }
  const error = await assertRejects(() => readBytes(v1), FormatError);
  assertStringIncludes(error.message, "unknown type 12345");
});

Deno.test("readModel() refuses files of other kinds by name", async () => {
  const refused: [string, string | Uint8Array][] = [
    ["closed format mgb0001", await dataFile("mge/pod-resblock-l2loss.head.mge")],
    ["closed format mgb0000a", "mgb0000a, and so on"],
    ["Git LFS pointer", await dataFile("mge/git-lfs-pointer.mge")],
    ["Python pickle", await dataFile("mge/pickle-tensor-v1_1.mge")],
    ["Python pickle", await dataFile("mge/pickle-tensor-v1_2.mge")],
    ["zip archive", "PK\x03\x04 and so on"],
    ["ONNX", "\x08\x07\x12\x0bbackend-test"],
    ["this is gzip", Uint8Array.of(0x1f, 0x8b, 8, 0)],
    ["mge2", "0000" + "\0\0\0\0" + "mge2" + "0".repeat(40)],
    ["no bytes", ""],
    ["none of MGBC", "MGBC1234 these four bytes must be zero"],
  ];
  for (const [what, content] of refused) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const error = await assertRejects(() => readBytes(bytes), FormatError);
    assertStringIncludes(error.message, what);
  }
});

Deno.test("readModel() reads only pages with tables, and values when they are opened", async () => {
  // As MegEngine lays files out: each operator's tables next to its bytes.
  const megabytes = 4;
  const bytes = interleaved(8, megabytes << 20);
  const counted = counting(arrayBytes(bytes));
  const { models: [model] } = await readModel(counted.source);
  assertEquals(model.oprs.length, 8);
  assertLess(counted.read(), 1 << 20);
  const before = counted.read();
  const value = await joined(model.oprs[5].tensors[0].value!.open());
  assertEquals(value.length, megabytes << 20);
  assert(value.every((byte) => byte === 6));
  assertEquals(counted.read() - before, megabytes << 20);
});

Deno.test("pathBytes() reads a model at any offset and notices that it shrank", async () => {
  const path = await Deno.makeTempFile();
  try {
    const bytes = await dataFile("mge-golden/cnn.v2.mge");
    await Deno.writeFile(path, bytes);
    const source = await pathBytes(path);
    assertEquals((await readModel(source)).models[0].oprs.length, 42);
    assertEquals(await source.read(100, 50), bytes.slice(100, 150));
    await Deno.truncate(path, 100);
    const error = await assertRejects(() => source.read(90, 50), FormatError);
    assertStringIncludes(error.message, "changed after it was opened");
  } finally {
    await Deno.remove(path);
  }
});

/** A V2 file of parameters whose bytes are 1, 2, 3 …, each before the tables that refer to it. */
function interleaved(count: number, bytesEach: number): Uint8Array {
  const tables = newTables();
  const { builder } = tables;
  const oprs = Array.from({ length: count }, (_, id) => {
    const data = builder.createByteVector(new Uint8Array(bytesEach).fill(id + 1));
    const [shape, outputs] = [u32Vector(builder, [bytesEach]), u32Vector(builder, [id])];
    const compNode = writeCompNode(tables, "xpux:0");
    const dtype = writeDType(tables, { name: "Uint8" });
    builder.startObject(7);
    builder.addFieldOffset(1, shape, 0);
    builder.addFieldOffset(2, compNode, 0);
    builder.addFieldOffset(3, dtype, 0);
    builder.addFieldOffset(6, data, 0);
    const tensor = builder.endObject();
    const opr = holding("V2", [f32Tensor([1])]).oprs[0];
    return writeOpr(tables, opr, slotsV2, [tensor], [], [
      (b) => b.addFieldInt64(slotsV2.typeId, 0x546f1693eb92309fn, 0n),
      (b) => b.addFieldInt32(slotsV2.version!, 1, 0),
      (b) => b.addFieldOffset(slotsV2.outputs!, outputs, 0),
    ]);
  });
  const all = offsetVector(builder, oprs);
  builder.startObject(8);
  builder.addFieldOffset(2, all, 0);
  builder.finish(builder.endObject(), "mgv2", true);
  return builder.asUint8Array();
}

function counting(source: ByteSource): { source: ByteSource; read: () => number } {
  let bytes = 0;
  return {
    source: {
      size: source.size,
      read(at, length) {
        bytes += length;
        return source.read(at, length);
      },
    },
    read: () => bytes,
  };
}
