/**
 * The single rewritings for inference: what each takes, what it leaves, and that it fires.
 * @module
 */
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f16, f32, i16, i32, type Type, u8 } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { gathered } from "../../lib/io/stream.ts";
import { dumpGraph } from "../../lib/mge/dump.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { packedData } from "../../lib/mge/infer/pack_data.ts";
import { kernelPacking, packed } from "../../lib/mge/packing.ts";
import { hardSwish, relu, sigmoid } from "../../lib/ops/activation.ts";
import { add, div, mul, neg, sub } from "../../lib/ops/arithmetic.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { concat } from "../../lib/ops/join.ts";
import { pow } from "../../lib/ops/math.ts";
import { batchNorm } from "../../lib/ops/norm.ts";
import { pad } from "../../lib/ops/pad.ts";
import { avgPool2d, maxPool2d } from "../../lib/ops/pool.ts";
import { max, mean, sum } from "../../lib/ops/reduce.ts";
import { as } from "../../lib/ops/select.ts";
import { reshape, transpose } from "../../lib/ops/shape.ts";
import { tanh } from "../../lib/ops/trig.ts";
import { stage } from "../../lib/stage/stage.ts";
import { assert, assertEquals } from "../std.ts";
import { seeded } from "./dump_networks.ts";
import { printed } from "./inference_files.ts";
import { readBytes } from "./model_files.ts";

type Model = (...ins: Tensor[]) => unknown;

/** The operators of a dump but its inputs and constants, without their numbers. */
async function list(model: Model, types: readonly Type[], options: DumpOptions = {}) {
  const { emit } = dumpGraph(stage(model as never, types), options);
  const { models: [file] } = await readBytes(await gathered(emit()));
  return printed(file).split("\n").map((line) => line.replace(/^.*? = | %[\d %]*$/g, ""))
    .filter((line) => !/^(Host2|Immutable|Shared)/.test(line));
}

const [x, y] = [f32([2, 3, 4]), f32([2, 3, 4])];
const w = (name: string, ...shape: number[]) =>
  constant(seeded(f32(shape), shape.length + 40), name);

Deno.test("arithmetic: products and sums of floats become one operator, whole numbers stay", async () => {
  const fused = (model: Model, ...types: Type[]) => list(model, types);
  assertEquals(await fused((a, b) => add(mul(a, b), b), x, y), ["Elemwise FUSE_MUL_ADD3"]);
  assertEquals(await fused((a) => add(mul(a, 2), a), x), ["Elemwise FUSE_MUL_ADD3"]);
  const four = await fused((a, b) => add(mul(a, b), mul(b, b)), x, y);
  assertEquals(four, ["Elemwise FUSE_MUL_ADD4"]);
  for (const [op, mode] of [[relu, "RELU"], [sigmoid, "SIGMOID"], [tanh, "TANH"]] as const) {
    assertEquals(await fused((a, b) => op(add(a, b)), x, y), [`Elemwise FUSE_ADD_${mode}`]);
  }
  assertEquals(await fused((a, b) => hardSwish(add(a, b)), x, y), ["Elemwise FUSE_ADD_H_SWISH"]);
  assertEquals(await fused((a) => pow(a, 3), x), ["PowC exp=3"]);
  const spread = await fused((a, b) => add(mul(a, b), 1), x, y);
  assertEquals(spread, ["Elemwise MUL", "Elemwise ADD"]);
  const whole = await fused((a, b) => add(mul(a, b), b), i32([4]), i32([4]));
  assertEquals(whole, ["Elemwise MUL", "Elemwise ADD"]);
  const twice = await fused(
    (a, b) => {
      const product = mul(a, b);
      return [add(product, b), product];
    },
    x,
    y,
  );
  assertEquals(twice, ["Elemwise MUL", "Elemwise ADD"]);
  const plain = { optimizeForInference: false };
  assertEquals(await list((a) => relu(pow(add(a, a), 3)), [x], plain), [
    ...["Elemwise ADD", "Elemwise POW", "Elemwise RELU"],
  ]);
});

Deno.test("norms: scales and shifts of channels go into the convolution before them", async () => {
  const image = f32([1, 3, 5, 5]);
  const conv = (t: Tensor, bias = true) =>
    conv2d(t, w("net.w", 4, 3, 3, 3), bias ? { bias: w("net.b", 4) } : {});
  const per = (name: string) => reshape(w(name, 4), { shape: [1, 4, 1, 1] });
  const chains: readonly Model[] = [
    (t) => batchNorm(conv(t), w("m", 4), mul(w("v", 4), w("v", 4))),
    (t) => mul(conv(t, false), per("s")),
    (t) => div(sub(per("a"), conv(t)), 3),
    (t) => add(neg(mul(conv(t, false), 2)), per("a")),
    (t) => add(conv(t), per("a")),
  ];
  for (const chain of chains) {
    const lines = await list(chain, [image]);
    assertEquals(lines.filter((l) => l !== "Elemwise ADD"), ["ConvolutionV2"]);
    assert(lines.length <= 2, lines.join());
  }
  const kept = await list((t) => mul(conv(t), per("s")), [image], { optimizeForInference: false });
  assertEquals(kept, ["ConvolutionV2", "Elemwise ADD", "Elemwise MUL"]);
  const along = w("rows", 1, 1, 3, 1);
  assertEquals((await list((t) => mul(conv(t), along), [image])).length, 3);
  const used = await list((t) => {
    const c = conv(t, false);
    return [mul(c, 2), c];
  }, [image]);
  assertEquals(used, ["ConvolutionV2", "Elemwise MUL"]);
  const open: Model = (t, k) => mul(conv2d(t, k), per("s"));
  assertEquals(await list(open, [image, f32([4, 3, 1, 1])]), ["ConvolutionV2", "Elemwise MUL"]);
});

Deno.test("norms: a scaled kernel keeps its name where nothing else uses it", () => {
  const shared = w("net.w", 3, 3, 1, 1);
  const params = (model: Model) =>
    dumpGraph(stage(model as never, [f32([1, 3, 4, 4])]), { keepParamName: true }).info.params;
  assertEquals(params((t) => mul(conv2d(t, shared), 2)), ["net.w"]);
  const both: Model = (t) => conv2d(mul(conv2d(t, shared), 2), shared);
  assertEquals(params(both), ["net.w"]);
});

Deno.test("grain: sums over a size are means, and means of whole images pooling", async () => {
  const third: Model = (t) => div(sum(t, { axis: 2 }), t.shape[2]);
  assertEquals(await list(third, [x]), ["ReduceV2 MEAN axis=2", "AxisAddRemove"]);
  const product: Model = (t) => mul(sum(t, { axis: [1, 2], keep: true }), Math.fround(1 / 12));
  assertEquals(await list(product, [x]), ["ReduceV2 MEAN axis=2", "ReduceV2 MEAN axis=1"]);
  const other: Model = (t) => div(sum(t, { axis: 2 }), 5);
  assertEquals((await list(other, [x]))[0], "ReduceV2 SUM axis=2");
  const off = { enableFuseGrain: false };
  assertEquals((await list(third, [x], off))[0], "ReduceV2 SUM axis=2");
  for (const [reduction, mode] of [[mean, "AVERAGE"], [max, "MAX"]] as const) {
    const whole: Model = (t) =>
      reshape(reduction(reshape(t, { shape: [2, 3, 30] }), { axis: 2 }), { shape: [2, 3, 1, 1] });
    const image = f32([2, 3, 5, 6]);
    assertEquals(await list(whole, [image]), [`AdaptivePoolingV1 ${mode}`]);
    assert(!(await list(whole, [image], off)).includes(`AdaptivePoolingV1 ${mode}`));
  }
});

Deno.test("conv + bias + nonlinearity: each part alone and together, one user only", async () => {
  const image = f32([2, 3, 5, 5]);
  const on = { enableFuseConvBiasNonlinearity: true };
  const conv = (t: Tensor) => conv2d(t, w("k", 3, 3, 1, 1));
  const bias = reshape(w("b", 3), { shape: [1, 3, 1, 1] });
  const one = async (model: Model) => await list(model, [image], on);
  assertEquals(await one(conv as Model), ["ConvolutionV2"]);
  assertEquals(await one((t) => add(bias, conv(t))), ["ConvBiasForwardV4"]);
  assertEquals(await one((t) => relu(conv(t))), ["ConvBiasForwardV4 RELU"]);
  assertEquals(await one((t) => sigmoid(add(conv(t), bias))), ["ConvBiasForwardV4 SIGMOID"]);
  assertEquals(await one((t) => hardSwish(add(conv(t), bias))), ["ConvBiasForwardV4 H_SWISH"]);
  assertEquals(await one((t) => relu(add(conv(t), t))), ["ConvBiasForwardV4 RELU"]);
  const twice = await one((t) => {
    const c = conv(t);
    return [relu(c), c];
  });
  assertEquals(twice, ["ConvolutionV2", "Elemwise RELU"]);
  const ends = await one((t) => tanh(add(conv(t), bias)));
  assertEquals(ends, ["ConvolutionV2", "Elemwise FUSE_ADD_TANH"]);
  const spread = await one((t) => add(conv(t), w("rows", 1, 1, 5, 1)));
  assertEquals(spread, ["ConvolutionV2", "Elemwise ADD"]);
  const held = await one((t) => add(conv(t), w("whole", 2, 3, 5, 5)));
  assertEquals(held, ["ConvolutionV2", "Elemwise ADD"]);
});

Deno.test("conv + bias + z: z is an operand where kernels add it, else a part of the bias", async () => {
  const image = f32([2, 4, 5, 5]);
  const block: Model = (t) =>
    relu(add(conv2d(t, w("k", 4, 4, 3, 3), { bias: w("b", 4), padding: 1 }), t));
  const operands = async (options: DumpOptions) => {
    const { emit } = dumpGraph(stage(block as never, [image]), options);
    const { models: [{ oprs }] } = await readBytes(await gathered(emit()));
    const [conv] = oprs.filter((o) => o.type === "ConvBiasForwardV4");
    return [conv.inputs.length, oprs.filter((o) => o.type === "Elemwise").length];
  };
  assertEquals(await operands({ enableFuseConvBiasWithZ: true }), [3, 1]);
  assertEquals(await operands({ enableFuseConvBiasWithZ: true, enableNchw44: true }), [3, 1]);
  assertEquals(await operands({ enableNchw4: true }), [4, 0]);
  assertEquals(await operands({ enableNchw44: true }), [3, 1]);
});

Deno.test("preprocess: bytes are rearranged first, converted, scaled and shifted at once", async () => {
  const on = { enableFusePreprocess: true };
  const one = (model: Model, type: Type = u8([2, 4, 5, 3])) => list(model, [type], on);
  const bytes = "ElemwiseMultiType FUSE_MUL_ADD3_UINT8xF32xF32xF32";
  assertEquals(await one((t) => mul(sub(as(t, "f32"), 128), 1 / 64)), [bytes]);
  assertEquals(await one((t) => div(as(t, "f32"), tensor([50, 60, 70]))), [bytes]);
  assertEquals(await one((t) => sub(as(t, "f32"), 128)), [bytes]);
  const words = "ElemwiseMultiType FUSE_MUL_ADD3_INT16xF32xF32xF32";
  assertEquals(await one((t) => add(mul(as(t, "f32"), 2), 1), i16([2, 3])), [words]);
  const turned: Model = (t) => transpose(mul(as(t, "f32"), w("s", 3)), { perm: [0, 3, 1, 2] });
  assertEquals(await one(turned), ["Dimshuffle pattern=[0,3,1,2]", bytes]);
  const shaped: Model = (t) => reshape(as(t, "f32"), { shape: [2, 60] });
  assertEquals(await one(shaped), ["ReshapeV1", "TypeCvtV2 Float32"]);
  assertEquals(await one((t) => mul(as(t, "f32"), 2), i32([4])), [
    ...["TypeCvtV2 Float32", "Elemwise MUL"],
  ]);
});

Deno.test("preprocess: channels padded and split into fours are one operator", async () => {
  const on = { enableFusePreprocess: true };
  const four = (t: Tensor) =>
    transpose(reshape(t, { shape: [2, t.shape[1] / 4, 4, 3, 5] }), { perm: [0, 1, 3, 4, 2] });
  const wide = (t: Tensor) => pad(t, { before: [0, 0, 0, 0], after: [0, 1, 0, 0] });
  const zeros = (t: Tensor) => constant({ ...t, dtype: t.dtype, shape: [2, 1, 3, 5], ...none(t) });
  const none = (t: Tensor) => ({
    data: t.dtype === "u8" ? new Uint8Array(30) : new Float32Array(30),
  });
  const packing = ["RelayoutFormatV1 NCHW_NCHW4"];
  assertEquals(await list(four as Model, [f32([2, 8, 3, 5])], on), packing);
  for (const type of [f32([2, 3, 3, 5]), u8([2, 3, 3, 5])]) {
    assertEquals(await list((t) => four(wide(t)), [type], on), packing);
    assert((await list((t) => four(wide(t)), [type])).length > 2);
  }
  for (const type of [f32([2, 3, 3, 5]), u8([2, 3, 3, 5])]) {
    const joined: Model = (t) => four(concat([t, zeros(t)], { axis: 1 }));
    assertEquals(await list(joined, [type], on), packing);
    assertEquals((await list(joined, [type])).length, 3);
  }
  const before = await list(
    (t) => four(concat([zeros(t), t], { axis: 1 })),
    [f32([2, 3, 3, 5])],
    on,
  );
  assertEquals(before.length, 2);
});

Deno.test("halves: conversions stand at both ends, constants beyond f16 stop at its largest number", async () => {
  const on = { enableIo16xc32: true };
  const [line] = await list((t) => mul(t, 3), [x], on);
  assertEquals(line, "TypeCvtV2 Float16");
  assertEquals(await list((t) => mul(t, 3), [f16([4])], on), ["Elemwise MUL"]);
  assertEquals(await list((t) => add(t, 1), [i32([4])], on), ["Elemwise ADD"]);
  assertEquals(await list((t) => t, [x], on), []);
  const { emit } = dumpGraph(stage(((t) => add(t, -1e9)) as Model, [x]), on);
  const { models: [file] } = await readBytes(await gathered(emit()));
  const held = file.oprs.find((o) => o.type === "ImmutableTensor")!.tensors[0].value!;
  const bytes = await gathered(held.open());
  assertEquals([...new Float16Array(bytes.slice().buffer)], [-65504]);
});

Deno.test("halves: pooling that the release computes wrongly goes through floats", async () => {
  const image = f16([1, 2, 6, 6]);
  const through = (mode: string) => ["TypeCvtV2 Float32", `PoolingV1 ${mode}`, "TypeCvtV2 Float16"];
  const one = (model: Model) => list(model, [image]);
  assertEquals(await one((t) => maxPool2d(t, { kernel: 2 })), through("MAX"));
  const padded: Model = (t) => avgPool2d(t, { kernel: 3, padding: 1 });
  assertEquals(await one(padded), through("AVERAGE"));
  assertEquals(await one((t) => avgPool2d(t, { kernel: 2 })), [
    ...["PoolingV1 AVERAGE_COUNT_EXCLUDE_PADDING"],
  ]);
});

Deno.test("packedData() is packed() on bytes, for values in memory and on demand", async () => {
  const shapes: readonly (readonly [string, boolean, number, readonly number[]])[] = [
    ["NCHW4", false, 5, [8, 6, 3, 2]],
    ["NCHW44", false, 6, [6, 5, 2, 3]],
    ["NCHW44", false, 5, [6, 3, 2, 3]],
    ["NCHW44", true, 6, [6, 1, 1, 3, 2]],
    ["NCHW44_DOT", true, 7, [2, 4, 8, 1, 3]],
    ["NCHW88", false, 6, [12, 9, 3, 3]],
    ["NHWCD4", true, 5, [8, 1, 1, 2, 2]],
    ["CHWN4", true, 6, [2, 4, 4, 2, 1]],
  ];
  for (const [format, groups, rank, shape] of shapes) {
    const host = seeded(f32(shape), 3);
    const packing = kernelPacking(format, groups, rank)!;
    const [want] = evaluateNow([packed(constant(host), packing)]);
    assertEquals(packedData(host, packing), want, format);
    const open = () => ReadableStream.from([new Uint8Array(host.data.buffer as ArrayBuffer)]);
    const later = packedData({ ...f32(shape), open }, packing);
    assert("open" in later);
    const bytes = await gathered(later.open());
    assertEquals([...new Float32Array(bytes.slice().buffer)], [...want.data], format);
  }
  const [wide] = [
    packedData(seeded(f32([4, 3, 1, 1]), 3), kernelPacking("NHWCD4", false, 5)!, [4, 4, 1, 1]),
  ];
  assertEquals(wide.shape, [1, 1, 1, 4, 4]);
  assertEquals([...(wide as { data: Float32Array }).data].slice(12), [0, 0, 0, 0]);
});
