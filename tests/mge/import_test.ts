/**
 * Every recorded model file becomes a function and computes what MegEngine computed from it, or is
 * refused by the name of the operator that has no meaning here. The counts are stated, so that
 * what is supported cannot shrink unseen.
 * @module
 */
import { arrayBytes } from "../../lib/io/bytes.ts";
import { importModel } from "../../lib/mge/import.ts";
import type { FileModel, FileOpr, FileTensor } from "../../lib/mge/model.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { arg, constant, tensor } from "../../lib/core/leaf.ts";
import { f32, i32, sizeOf } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";
import { goldenCases, pythonCases, type RecordedCase } from "../tools/unpack_cases.ts";
import { dataFile, holding, valueOf } from "./model_files.ts";
import { hostOf, imported, runCase } from "./run_cases.ts";

/** Operators that have no meaning here: their files are read in full and refuse to run. */
const refusedOperators = [
  ..."AffineInt Convolution3D Convolution3DBackwardData DctChannelSelectV1".split(" "),
  ..."DeformableConvForwardV1 DeformablePSROIPoolingForward GaussianBlur GroupLocalV2".split(" "),
  ..."LocalShareForwardV1 LocalV2 MatrixInverse MultiHeadAttn".split(" "),
  ..."RegionRestrictedConvolution SVD".split(" "),
];

/** Operators of which how much they give depends on values of an input. */
const dynamicOperators = ["CondTake", "NonZero"];

/** Runs cases; gives how many agree, and the rest with their reasons. */
async function outcomes(cases: readonly RecordedCase[]) {
  let agrees = 0;
  const differing: string[] = [];
  const refused: { one: RecordedCase; reason: string }[] = [];
  for (const one of cases) {
    const { result, reason = "" } = await runCase(one);
    if (result === "agrees") agrees++;
    else if (result === "differs") differing.push(`${one.name}: ${reason}`);
    else refused.push({ one, reason });
  }
  return { agrees, differing, refused };
}

/** Each refusal names its file and an operator from the list, or says what else it is. */
function checkRefusals(refused: readonly { one: RecordedCase; reason: string }[]) {
  for (const { one, reason } of refused) {
    const [, how, type] = /^Cannot (run|stage) (\w+)/.exec(reason) ?? [];
    if (how === "stage") {
      assert(dynamicOperators.includes(type), `${one.name}: ${reason}`);
    } else if (type === undefined) {
      assert(/trap_ndim8/.test(one.name) && reason.includes("rank 8"), `${one.name}: ${reason}`);
    } else {
      assert(refusedOperators.includes(type), `${one.name}: ${reason}`);
      assert(reason.includes(one.name) && type in one.operators, reason);
    }
  }
}

Deno.test("files of the MegEngine core: 386 agree on the reference, 34 are refused by name", async () => {
  const { agrees, differing, refused } = await outcomes(await goldenCases());
  assertEquals(differing, []);
  assertEquals([agrees, refused.length], [386, 34]);
  checkRefusals(refused);
});

Deno.test("files of the Python package: all 218 agree on the reference", async () => {
  const { agrees, differing, refused } = await outcomes(await pythonCases());
  assertEquals(differing, []);
  assertEquals([agrees, refused.length], [218, 0]);
});

Deno.test("a file's inputs, outputs, parameters and metadata are known before it runs", async () => {
  const one = (await pythonCases()).find((c) => c.name === "python/mlp/base.v2")!;
  const model = await imported(one);
  assertEquals(model.inputs.map(({ name, dtype }) => [name, dtype]), [["arg_0", "f32"]]);
  const wanted = one.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  assertEquals(model.outputs, wanted);
  assertEquals(model.operators, one.operators);
  assertEquals(model.metadata.optimizeOptions, ["enable_fuse_grain"]);
  assertEquals([model.metadata.userInfo, model.metadata.isValid], [null, true]);
  assert(model.params.length > 0);
  for (const { dtype, shape, bytes } of model.params) {
    assertEquals(bytes, sizeOf(shape) * 4);
    assertEquals(dtype, "f32");
  }
});

Deno.test("a refused file is described in full", async () => {
  const one = (await goldenCases()).find((c) => c.name === "golden/ops/svd.v2")!;
  const model = await imported(one);
  assertEquals(model.operators, one.operators);
  assertEquals(model.outputs.map(({ name }) => name), one.outputs.map(({ name }) => name));
  assert(model.refusal?.message.includes("SVD"));
  assertThrows(() => model.call([tensor([[1]])]), Error, "SVD");
});

Deno.test("another batch is staged anew where the file takes its sizes from its input", async () => {
  const one = (await pythonCases()).find((c) => c.name === "python/resnet18_small/base.v2")!;
  const model = await imported(one);
  const image = hostOf(one.inputs[0]);
  const [n, ...rest] = image.shape;
  const twice = new Float32Array([...image.data as Float32Array, ...image.data as Float32Array]);
  const [out] = await evaluate(
    model.call([constant({ dtype: "f32", shape: [2 * n, ...rest], data: twice })]).outputs,
  );
  assertEquals(out.shape[0], 2 * n);
  const half = out.data.length / 2;
  assertEquals([...out.data.subarray(0, half)], [...out.data.subarray(half)]);
});

const opr = (type: string, more: Partial<FileOpr>): FileOpr => ({
  type,
  params: [],
  inputs: [],
  outputs: [],
  compNodes: [],
  tensors: [],
  blobs: [],
  ...more,
});

const file = (oprs: readonly FileOpr[], output: number): FileModel => ({
  ...holding("V2", []),
  oprs,
  outputs: [{ compact: output, original: 1 }],
});

const input = (id: number, name: string, shape: number[], dtype: "Float32" | "Int32"): FileOpr =>
  opr("Host2DeviceCopy", {
    outputs: [{ id }],
    tensors: [{ name, shape, dtype: { name: dtype }, compNode: "xpux:0" }],
  });

Deno.test("a size that depends on an input's values is refused with the operator's name", async () => {
  const model = await importModel(
    file([
      input(0, "x", [6], "Float32"),
      input(1, "size", [2], "Int32"),
      opr("ReshapeV1", {
        name: "turn",
        inputs: [0, 1],
        outputs: [{ id: 2 }],
        params: [{ table: "OptionalAxisV1", fields: { axis: 7 } }],
      }),
    ], 2),
    "dynamic.mge",
  );
  assert(
    /ReshapeV1 "turn"(.|\n)*dynamic\.mge/.test(model.refusal!.message),
    model.refusal?.message,
  );
  assertThrows(() => model.call([arg(f32([6])), arg(i32([2]))]), Error, "must be known");
});

Deno.test("the shape of an argument is a known value", async () => {
  const model = await importModel(file([
    input(0, "x", [6], "Float32"),
    opr("GetVarShapeV1", {
      inputs: [0],
      outputs: [{ id: 1 }],
      params: [{ table: "OptionalAxisV1", fields: { axis: 7 } }],
    }),
    opr("Broadcast", { inputs: [0, 1], outputs: [{ id: 2 }], params: [] }),
  ], 2));
  assertEquals(model.call([arg(f32([9]))]).outputs[0].shape, [9]);
});

Deno.test("bfloat16 weights become f32; quantized ones refuse operators", async () => {
  const held = (dtype: FileTensor["dtype"], bytes: Uint8Array, shape: number[]): FileTensor => ({
    shape,
    dtype,
    compNode: "xpux:0",
    value: valueOf(bytes),
  });
  const half = await importModel(
    holding("V2", [held({ name: "BFloat16" }, Uint8Array.of(0x80, 0x3f, 0x20, 0xc0), [2])]),
  );
  const [value] = await evaluate(half.call([]).outputs);
  assertEquals([value.dtype, ...value.data as Float32Array], ["f32", 1, -2.5]);
  const eight = held({ name: "QuantizedS8", scale: 0.5 }, Uint8Array.of(2, 255), [2]);
  const shared = opr("SharedDeviceTensor", { outputs: [{ id: 0 }], tensors: [eight] });
  const back = opr("TypeCvtV2", {
    inputs: [0],
    outputs: [{ id: 1 }],
    params: [{ table: "DType", fields: { dtype: { name: "Float32" } } }],
  });
  const [real] = await evaluate((await importModel(file([shared, back], 1))).call([]).outputs);
  assertEquals([...real.data as Float32Array], [1, -0.5]);
  const relu = opr("Elemwise", {
    inputs: [0],
    outputs: [{ id: 1 }],
    params: [{ table: "Elemwise", fields: { mode: 0 } }],
  });
  const refused = await importModel(file([shared, relu], 1), "q.mge");
  assert(/Elemwise.*quantized(.|\n)*q\.mge/.test(refused.refusal!.message));
  const low = await importModel(file([
    opr("ImmutableTensor", {
      outputs: [{ id: 0 }],
      tensors: [held({ name: "Quantized4Asymm", scale: 1 }, Uint8Array.of(1), [2])],
    }),
  ], 0));
  assert(low.refusal!.message.includes("Quantized4Asymm"));
});

Deno.test("files that are no model are refused by name", async () => {
  const wanted = {
    "git-lfs-pointer.mge": "git lfs pull",
    "pickle-tensor-v1_1.mge": "Python pickle",
    "pickle-tensor-v1_2.mge": "Python pickle",
    "pod-resblock-l2loss.head.mge": "mgb0001",
  };
  for (const [name, part] of Object.entries(wanted)) {
    const bytes = await dataFile(`mge/${name}`);
    await assertRejects(() => readModel(arrayBytes(bytes)), Error, part);
  }
  for (const name of ["v1-conv-backward-filter.mge", "v1-reshape-chain.mge"]) {
    const { models } = await readModel(arrayBytes(await dataFile(`mge/${name}`)));
    const model = await importModel(models[0], name);
    assertEquals(model.refusal, undefined);
    assert(model.outputs.every(({ shape }) => shape !== undefined));
  }
});

Deno.test("metadata: the user's object by value, the optimisations by name", async () => {
  const cases = await pythonCases();
  const read = async (name: string) =>
    (await imported(cases.find((c) => c.name === `python/${name}`)!)).metadata;
  const info = { author: "spec", n: [1, 2.5, null, true], bytes: "é" };
  assertEquals((await read("add/userinfo.v2")).userInfo, info);
  assertEquals((await read("convnet/nchw4.v2")).optimizeOptions, [
    "enable_fuse_grain",
    "enable_nchw4",
  ]);
  assertEquals((await read("add/noopt.v1")).optimizedForInference, false);
  assertEquals((await read("add/nometa.v2")).isValid, false);
});
