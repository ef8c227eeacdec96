/**
 * Reading rules that no recorded file reaches: seeds, modes and forms, on numbers worked out here.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import type { HostArray } from "../../lib/core/host.ts";
import { tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { importModel } from "../../lib/mge/import.ts";
import type { FieldValue, FileDTypeName, FileModel, FileOpr, Param } from "../../lib/mge/model.ts";
import { paramTable } from "../../lib/mge/schema.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { holding } from "./model_files.ts";

const fileNames: Readonly<Record<string, FileDTypeName>> = {
  f32: "Float32",
  i32: "Int32",
  u8: "Uint8",
  bool: "Bool",
};

/** A parameter table with its defaults filled in, as the reader gives it. */
function table(name: string, fields: Record<string, FieldValue> = {}): Param {
  const known = paramTable(name)!.fields.map((f) => [f.name, f.fallback] as const);
  return { table: name, fields: { ...Object.fromEntries(known), ...fields } };
}

/** Runs one operator on some values, which are known while it is staged. */
async function run(
  type: string,
  params: readonly Param[],
  ins: readonly Tensor[],
  outputs = 1,
): Promise<HostArray[]> {
  const oprs: FileOpr[] = ins.map((t, id) => ({
    ...bare,
    type: "Host2DeviceCopy",
    outputs: [{ id }],
    tensors: [{
      name: `x${id}`,
      shape: t.shape,
      dtype: { name: fileNames[t.dtype] },
      compNode: "xpux:0",
    }],
  }));
  const ids = Array.from({ length: outputs }, (_, i) => ins.length + i);
  oprs.push({
    ...bare,
    type,
    params,
    inputs: ins.map((_, i) => i),
    outputs: ids.map((id) => ({ id })),
  });
  const model: FileModel = {
    ...holding("V2", []),
    oprs,
    outputs: ids.map((id) => ({ compact: id, original: id })),
  };
  const values = await evaluate((await importModel(model)).call(ins).outputs);
  return values.map((h) => h.data);
}

const bare = { params: [], inputs: [], compNodes: [], tensors: [], blobs: [] } as const;

const row = (...values: number[]) => tensor(values);
const list = (data: HostArray) => Array.from(data as Float32Array);
const near = (got: HostArray, want: readonly number[]) =>
  assert(
    got.length === want.length && want.every((w, i) => Math.abs(Number(got[i]) - w) < 1e-5),
    `${list(got)} is not ${want}`,
  );

Deno.test("random numbers come from the seed in the file, and differ by seed", async () => {
  const shape = tensor([4000], [1], "i32");
  const draw = async (type: string, params: Record<string, FieldValue>) =>
    list((await run(`${type}V1`, [table(type, params)], [shape]))[0]);
  const a = await draw("UniformRNG", { seed: 7n });
  assertEquals(a, await draw("UniformRNG", { seed: 7n }));
  assert(a.some((v, i) => v !== i) && a.every((v) => v >= 0 && v < 1));
  const b = await draw("UniformRNG", { seed: 8n });
  assert(a.filter((v, i) => v === b[i]).length < 5);
  const mean = (x: number[]) => x.reduce((s, v) => s + v, 0) / x.length;
  assert(Math.abs(mean(a) - 0.5) < 0.03);
  const n = await draw("GaussianRNG", { seed: 7n, mean: 3, std: 2 });
  assert(Math.abs(mean(n) - 3) < 0.2);
  assert(Math.abs(mean(n.map((v) => (v - 3) ** 2)) - 4) < 0.4);
  assertEquals(
    list((await run("Alloc", [table("param.DType", { dtype: 4 })], [shape]))[0]).length,
    4000,
  );
});

Deno.test("dropout is the identity without a rate, else scaled, with a mask that tells", async () => {
  const x = row(...Array.from({ length: 1000 }, (_, i) => i + 1));
  const none = await run("Dropout", [table("Dropout", { drop_prob: 0 })], [x], 2);
  assertEquals([...none[0]], list(none[0]).map((_, i) => i + 1));
  const [y, mask] = await run("Dropout", [table("Dropout", { drop_prob: 0.25, seed: 3n })], [x], 2);
  list(y).forEach((v, i) =>
    assertEquals(v, mask[i] ? Math.fround((i + 1) * Math.fround(4 / 3)) : 0)
  );
  const kept = list(mask).filter(Boolean).length;
  assert(kept > 700 && kept < 800, `${kept}`);
});

Deno.test("padding repeats edges or mirrors", async () => {
  const x = row(1, 2, 3);
  const pad = async (mode: number) =>
    list(
      (await run("Padding", [
        table("Padding", { front_offset_dim0: 2, back_offset_dim0: 2, padding_mode: mode }),
      ], [x]))[0],
    );
  assertEquals(await pad(0), [1, 1, 1, 2, 3, 3, 3]);
  assertEquals(await pad(1), [3, 2, 1, 2, 3, 2, 1]);
  assertEquals(await pad(2), [0, 0, 1, 2, 3, 0, 0]);
});

Deno.test("a convolution of mode CONVOLUTION turns its kernel, and so do its gradients", async () => {
  const image = tensor([[[[1, 2, 3]]]]);
  const kernel = tensor([[[[10, 1]]]]);
  const params = (mode: number) => [table("Convolution", { mode })];
  assertEquals(list((await run("ConvolutionV2", params(0), [image, kernel]))[0]), [12, 23]);
  assertEquals(list((await run("ConvolutionV2", params(1), [image, kernel]))[0]), [21, 32]);
  const ct = tensor([[[[1, 0]]]]);
  const data = (mode: number) =>
    run("ConvolutionBackwardDataV2", params(mode), [kernel, ct, image]);
  assertEquals(list((await data(0))[0]), [10, 1, 0]);
  assertEquals(list((await data(1))[0]), [1, 10, 0]);
  const filter = (mode: number) =>
    run("ConvolutionBackwardFilterV2", params(mode), [image, ct, kernel]);
  assertEquals(list((await filter(0))[0]), [1, 2]);
  assertEquals(list((await filter(1))[0]), [2, 1]);
});

Deno.test("the gradient of pooling goes where its mode says", async () => {
  const image = tensor([[[[1, 5, 2, 3]]]]);
  const at = { window_h: 1, window_w: 2, stride_h: 1, stride_w: 2 };
  const back = async (mode: number, out: number[]) =>
    list(
      (await run("PoolingBackwardV1", [table("Pooling", { mode, ...at })], [
        image,
        tensor([[[out]]]),
        tensor([[[[10, 20]]]]),
      ]))[0],
    );
  assertEquals(await back(0, [5, 3]), [0, 10, 0, 20]);
  assertEquals(await back(1, [3, 2.5]), [5, 5, 10, 10]);
  assertEquals(await back(2, [3, 2.5]), [5, 5, 10, 10]);
});

Deno.test("batch norm in training gives running and saved statistics, the result last", async () => {
  const x = tensor([[[[1, 3]]], [[[5, 7]]]]);
  const one = (v: number) => tensor([[[[v]]]]);
  const params = [table("BN", { param_dim: 2, fwd_mode: 0, epsilon: 1e-5, avg_factor: 0.1 })];
  const outs = await run("BatchNormV1", params, [x, one(2), one(1), one(10), one(20)], 6);
  near(outs[0], [10 * 0.9 + 4 * 0.1]);
  near(outs[1], [20 * 0.9 + 20 / 3 * 0.1]);
  near(outs[2], [4]);
  near(outs[3], [1 / Math.sqrt(5 + 1e-5)]);
  near(outs[5], [1, 3, 5, 7].map((v) => 2 * (v - 4) / Math.sqrt(5 + 1e-5) + 1));
});

Deno.test("reductions keep the dtype that their data type says", async () => {
  const x = row(1000, 2000, 3000);
  const reduce = (fields: Record<string, FieldValue>) =>
    run("ReduceV2", [table("Reduce", fields)], [x]);
  assert((await reduce({ mode: 0, axis: 0, data_type: 2 }))[0] instanceof Float32Array);
  const half = (await reduce({ mode: 5, axis: -1, data_type: 3 }))[0];
  assert(half instanceof Float16Array);
  assertEquals(list(half), [2000]);
  await assertRejects(() => run("ReduceV2", [], [x]), FormatError, "it has no parameter mode");
});
