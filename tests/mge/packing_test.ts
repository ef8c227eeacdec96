/**
 * Packed arrangements of images and kernels: they come back as they were, and every operator that
 * has a format computes in each of them what it computes in NCHW.
 * @module
 */
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, sizeOf } from "../../lib/core/type.ts";
import { evaluate, evaluateNow } from "../../lib/cpu/evaluate.ts";
import { readNpy } from "../../lib/io/npy.ts";
import { importModel } from "../../lib/mge/import.ts";
import type { FieldValue, FileOpr } from "../../lib/mge/model.ts";
import {
  imagePackings,
  kernelPacking,
  packed,
  packedShape,
  unpacked,
} from "../../lib/mge/packing.ts";
import { enumNumber, fileEnums, paramTable } from "../../lib/mge/schema.ts";
import { relu } from "../../lib/ops/activation.ts";
import { add } from "../../lib/ops/arithmetic.ts";
import { conv2d, conv2dData } from "../../lib/ops/conv.ts";
import { adaptiveAvgPool2d, avgPool2d } from "../../lib/ops/pool.ts";
import { worst } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { seeded } from "./dump_networks.ts";
import { dataFile, holding, readBytes } from "./model_files.ts";

function image(...shape: number[]): Tensor {
  return constant(seeded(f32(shape), sizeOf(shape)));
}

/** What one operator of a file computes. */
async function computed(
  type: string,
  table: string,
  fields: Readonly<Record<string, FieldValue>>,
  ins: readonly Tensor[],
): Promise<Tensor> {
  const bare = { params: [], inputs: [], outputs: [], compNodes: [], tensors: [], blobs: [] };
  const names = { f32: "Float32", i32: "Int32", u8: "Uint8" } as const;
  const known = paramTable(table)!.fields.map((f) => [f.name, f.fallback] as const);
  const oprs: FileOpr[] = ins.map((t, id) => ({
    ...bare,
    type: "Host2DeviceCopy",
    outputs: [{ id }],
    tensors: [{
      name: `x${id}`,
      shape: t.shape,
      dtype: { name: names[t.dtype as "f32"] },
      compNode: "xpux:0",
    }],
  }));
  oprs.push({
    ...bare,
    type,
    params: [{ table, fields: { ...Object.fromEntries(known), ...fields } }],
    inputs: ins.map((_, i) => i),
    outputs: [{ id: ins.length }],
  });
  const outputs = [{ compact: ins.length, original: 1 }];
  const model = await importModel({ ...holding("V2", []), oprs, outputs });
  return model.call(ins).outputs[0];
}

function format(name: string): number {
  return enumNumber("ConvolutionFormat", name)!;
}

function same(got: Tensor, want: Tensor, what: string): void {
  const [a, b] = evaluateNow([got, want]);
  assertEquals(a.shape, b.shape, what);
  assertEquals(worst(a, b, 1e-5, 1e-5), undefined, what);
}

/** Formats with a kernel and the order in which it stands in them. */
const kernels: readonly (readonly [string, readonly number[], string])[] = [
  ["NCHW", [16, 8, 3, 2], "oihw"],
  ["NCHW", [2, 8, 8, 3, 2], "goihw"],
  ["NHWC", [16, 8, 3, 2], "ohwi"],
  ["NHWC", [2, 8, 8, 3, 2], "gohwi"],
  ["NCHW4", [16, 8, 3, 2], "oIhwi"],
  ["NCHW4", [2, 8, 8, 3, 2], "goIhwi"],
  ["NCHW8", [16, 8, 3, 2], "oIhwi"],
  ["NCHW32", [32, 32, 3, 2], "oIhwi"],
  ["NCHW64", [64, 64, 1, 2], "oIhwi"],
  ["CHWN4", [16, 8, 3, 2], "Ihwoi"],
  ["CHWN4", [2, 8, 8, 3, 2], "gIhwoi"],
  ["NCHW44", [16, 8, 3, 2], "OIhwio"],
  ["NCHW44", [2, 8, 8, 3, 2], "gOIhwio"],
  ["NCHW44", [8, 1, 1, 3, 2], "Goihwg"],
  ["NCHW44_DOT", [16, 8, 3, 2], "OIhwoi"],
  ["NCHW44_DOT", [2, 8, 8, 3, 2], "gOIhwoi"],
  ["NCHW88", [16, 8, 3, 2], "OIhwio"],
  ["NCHW88", [2, 8, 8, 3, 2], "gOIhwio"],
  ["NCHW88", [8, 1, 1, 3, 2], "Goihwg"],
  ["NHWCD4", [8, 8, 3, 2], "Ohwio"],
  ["NHWCD4", [8, 8, 3, 2], "OhwIoi"],
  ["NHWCD4", [2, 4, 8, 3, 2], "gOhwio"],
  ["NHWCD4", [2, 4, 8, 3, 2], "gOhwIoi"],
  ["NHWCD4", [8, 1, 1, 3, 2], "Gohwg"],
];

Deno.test("packed() and unpacked() are inverses, with zeros behind channels that fill no block", () => {
  for (const [name, packing] of Object.entries(imagePackings)) {
    const x = image(2, 6, 3, 5);
    const y = packed(x, packing);
    assertEquals(y.shape, packedShape(x.shape, packing), name);
    const [back] = evaluateNow([unpacked(y, packing)]);
    const whole = Math.ceil(6 / packing.block) * packing.block;
    assertEquals(back.shape, [2, whole, 3, 5], name);
    const [own] = evaluateNow([x]);
    back.data.forEach((v, i) => {
      const [n, c, rest] = [Math.floor(i / (whole * 15)), Math.floor(i / 15) % whole, i % 15];
      assertEquals(v, c < 6 ? own.data[(n * 6 + c) * 15 + rest] : 0, `${name} ${i}`);
    });
  }
});

Deno.test("a packed tensor stands block by block", () => {
  const x = tensor(Float32Array.from({ length: 8 }, (_, i) => i), [1, 8, 1, 1]);
  const [y] = evaluateNow([packed(x, { axes: "nchw", order: "nChwc", block: 4 })]);
  assertEquals([y.shape, [...y.data]], [[1, 2, 1, 1, 4], [0, 1, 2, 3, 4, 5, 6, 7]]);
  const w = tensor(Float32Array.from({ length: 16 }, (_, i) => i), [4, 4, 1, 1]);
  const orders = { OIhwio: [0, 4, 8, 12, 1], OIhwoi: [0, 1, 2, 3, 4], Ohwio: [0, 4, 8, 12, 1] };
  for (const [order, first] of Object.entries(orders)) {
    const [v] = evaluateNow([packed(w, { axes: "oihw", order, block: 4 })]);
    assertEquals([...v.data].slice(0, 5), first, order);
  }
});

Deno.test("a convolution is the same in every format, with and without bias, z and nonlinearity", async () => {
  for (const [name, shape, order] of kernels) {
    const groups = shape.length === 5 ? shape[0] : 1;
    const [o, i] = shape.length === 5 ? [shape[1], shape[2]] : shape;
    const [x, w] = [image(2, i * groups, 5, 6), image(...shape)];
    const high = shape[shape.length - 2];
    const plain = conv2d(x, w, { stride: [2, 1], padding: [high === 3 ? 1 : 0, 0], groups });
    const [b, z] = [image(1, o * groups, 1, 1), image(2, o * groups, 3, 5)];
    const fields = {
      ...{ format: format(name), sparse: groups > 1 ? 1 : 0 },
      ...{ stride_h: 2, pad_h: high === 3 ? 1 : 0 },
    };
    const own = imagePackings[name];
    const axes = groups > 1 ? "goihw" : "oihw";
    const kernel = packed(w, { axes, order, block: own.block });
    const ins = [packed(x, own), kernel];
    const what = `${name} ${order}`;
    same(await computed("ConvolutionV2", "Convolution", fields, ins), packed(plain, own), what);
    const fused = await computed("ConvBiasForwardV4", "ConvBias", { ...fields, nonlineMode: 1 }, [
      ...ins,
      ...[b, z].map((t) => packed(t, own)),
    ]);
    same(fused, packed(relu(add(add(plain, b), z)), own), `${what} with bias and z`);
  }
});

Deno.test("a plain image goes into a blocked convolution; mixed formats give what they say", async () => {
  const x = image(1, 3, 5, 5);
  for (const [name, o] of [["NCHW44", 8], ["NCHW88", 16]] as const) {
    const w = image(o, 3, 3, 3);
    const kernel = packed(w, kernelPacking(name, false, 5)!);
    const got = await computed("ConvolutionV2", "Convolution", { format: format(name) }, [
      x,
      kernel,
    ]);
    same(got, packed(conv2d(x, w), imagePackings[name]), name);
  }
  const [y, w] = [image(1, 32, 3, 3), image(32, 32, 1, 1)];
  const ends = { NCHW4_NCHW32: ["NCHW4", "NCHW32"], NCHW32_NCHW4: ["NCHW32", "NCHW4"] };
  const more = { NCHW4_NCHW: ["NCHW4", "NCHW"], NHWC_NCHW: ["NHWC", "NCHW"] };
  for (const [name, [from, to]] of Object.entries({ ...ends, ...more })) {
    const kernel = packed(w, kernelPacking(from, false, from === "NHWC" ? 4 : 5)!);
    const ins = [packed(y, imagePackings[from]), kernel];
    const got = await computed("ConvolutionV2", "Convolution", { format: format(name) }, ins);
    same(got, packed(conv2d(y, w), imagePackings[to]), name);
  }
});

Deno.test("a convolution runs backwards, and pooling pools, in packed formats", async () => {
  const [ct, w] = [image(1, 8, 3, 3), image(8, 4, 2, 2)];
  for (const name of ["NCHW4", "NHWCD4", "NCHW44"]) {
    const rank = { NCHW4: 5, NHWCD4: 5, NCHW44: 6 }[name]!;
    const [own, kernel] = [imagePackings[name], packed(w, kernelPacking(name, false, rank)!)];
    const ins = [kernel, packed(ct, own)];
    const fields = { format: format(name) };
    const got = await computed("ConvolutionBackwardDataV2", "Convolution", fields, ins);
    same(got, packed(conv2dData(w, ct, { shape: [1, 4, 4, 4] }), own), name);
  }
  const x = image(2, 8, 6, 5);
  for (const [name, own] of Object.entries(imagePackings)) {
    const whole = unpacked(packed(x, own), own);
    const window = { mode: 2, format: format(name), window_h: 3, pad_h: 1, stride_w: 1 };
    const got = await computed("PoolingV1", "Pooling", window, [packed(x, own)]);
    const at = { kernel: [3, 2], stride: [2, 1], padding: [1, 0] } as const;
    same(got, packed(avgPool2d(whole, { ...at, countIncludePad: false }), own), name);
    const sizes = tensor(Int32Array.of(2, 3), [2]);
    const adaptive = { mode: 1, format: format(name) };
    const small = await computed("AdaptivePoolingV1", "AdaptivePooling", adaptive, [
      packed(x, own),
      sizes,
    ]);
    same(small, packed(adaptiveAvgPool2d(whole, { size: [2, 3] }), own), `adaptive ${name}`);
  }
});

Deno.test("RelayoutFormat: every mode is read, there and back", async () => {
  const mode = (name: string) => enumNumber("RelayoutFormatV0Mode", name)!;
  const run = (name: string, x: Tensor, more: Record<string, number> = {}) =>
    computed("RelayoutFormatV1", "RelayoutFormat", { mode: mode(name), ...more }, [x]);
  const x = image(2, 8, 3, 5);
  for (
    const [there, back] of [
      ["NCHW_NHWCD4I", "NHWCD4I_NCHW"],
      ["NCHW_NCHW4", "NCHW4_NCHW"],
      ["NCHW_NCHW88", "NCHW88_NCHW"],
      ["NCHW_NHWC", "NHWC_NCHW"],
    ]
  ) same(await run(back, await run(there, x)), x, there);
  const six = image(2, 6, 3, 5);
  same(await run("NCHW4_NCHW", await run("NCHW_NCHW4", six), { oc: 6 }), six, "cut");
  const grouped = await run("NCHW_NCHW4", six, { group: 2 });
  assertEquals(grouped.shape, [2, 2, 3, 5, 4]);
  same(await run("NCHW4_NCHW", grouped, { oc: 6, group: 2 }), six, "cut by group");
  assertEquals((await run("INTER_WEIGHT_DENSEI", image(8, 3, 2, 2))).shape, [2, 2, 2, 4, 4]);
  assertEquals((await run("NCHW_NCHW4_WEIGHT", image(6, 3, 2, 2))).shape, [8, 1, 2, 2, 4]);
  const shapes = [[8, 8, 3, 3], [8, 3, 3, 3], [2, 8, 8, 3, 3], [8, 1, 1, 3, 3], [2, 8, 3, 5]];
  const packedShapes = [[2, 3, 2, 5, 4], [2, 2, 3, 5, 8], [2, 2, 3, 5, 4], [2, 3, 5, 8]];
  for (const name of fileEnums.get("RelayoutFormatV0Mode")!.values()) {
    let ran = false;
    for (const shape of [...shapes, [2, 3, 5, 64], [2, 3, 3, 5], ...packedShapes]) {
      ran ||= await run(name, image(...shape)).then(() => true, () => false);
    }
    assert(ran, name);
  }
});

Deno.test("images of the wrong rank are refused by the operator's name", async () => {
  const bad = () =>
    computed("PoolingV1", "Pooling", { format: format("NCHW44") }, [image(1, 4, 4, 4)]);
  await assertRejects(bad, Error, "Cannot run PoolingV1: its image is [1,4,4,4] of format NCHW44");
});

Deno.test("half-precision dumps whose results are NaN in the release are right here", async () => {
  const [x, want] = await Promise.all(
    ["in0", "out0"].map(async (n) => readNpy(await dataFile(`mge-python/convnet/${n}.npy`))),
  );
  for (const name of ["io16xc32.v1", "io16xc32.v2", "ioc16.v2"]) {
    const file = await readBytes(await dataFile(`mge-python/convnet/${name}.mge`));
    const { outputs } = (await importModel(file.models[0])).call([constant(x)]);
    const [got] = await evaluate(outputs);
    assertEquals(worst(got, want, 2e-3, 2e-3), undefined, name);
    assert(worst(got, want, 1e-6, 1e-6) !== undefined, `${name} is not of half precision`);
  }
});
