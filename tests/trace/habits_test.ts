/**
 * MegEngine's habits and what we do about each, one test a topic where no other file has it:
 * rewriting, random operators and long dumps are tested with the writer and in `dump_test.ts`.
 * @module
 */
import { constant } from "../../lib/core/leaf.ts";
import { host } from "../../lib/core/host.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { gathered } from "../../lib/io/stream.ts";
import {
  add,
  clip,
  div,
  dump,
  exp,
  f32,
  floorDiv,
  grad,
  i32,
  isInf,
  load,
  matmul,
  maximum,
  mod,
  mul,
  OptionError,
  read,
  relu,
  round,
  sign,
  sum,
  type Tensor,
  tensor,
  trace,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const formats = ["FBS", "FBS_V2"] as const;
const types = [f32([1, 2])];
const values = Float32Array.of(1, 2, 3, 4);

Deno.test("captured tensors: constants are ImmutableTensors, parameters holders with names", async () => {
  const bare = tensor(values, [2, 2]);
  const leaf = constant(host(f32([2, 2]), values), "fc.weight");
  for (const format of formats) {
    const of = async (w: Tensor) => {
      const stream = dump((x: Tensor) => matmul(x, w), types, { format, keepParamName: true });
      await using model = await load(stream);
      const { ImmutableTensor = 0, SharedDeviceTensor = 0 } = model.operators;
      return [ImmutableTensor, SharedDeviceTensor, (await stream.info).params];
    };
    assertEquals(await of(bare), [1, 0, []]);
    assertEquals(await of(leaf), [0, 1, ["fc.weight"]]);
  }
});

Deno.test("names: of operators, in their modules, several alike with numbers", async () => {
  const p = { w: constant(host(f32([2, 2]), values), "net.fc.weight") };
  const model = (x: Tensor) => [add(matmul(x, p.w), 1), relu(matmul(x, p.w)), add(x, 1)];
  const { outputs } = await dump(model, types).info;
  assertEquals(outputs, ["net.ADD", "net.RELU", "ADD"]);
  assertEquals((await dump((x: Tensor) => [add(x, 1), add(x, 2)], types).info).outputs, [
    ...["ADD[0]", "ADD[1]"],
  ]);
});

Deno.test("an argument that no output needs is not in the file, and is reported", async () => {
  const { inputs, reported } = await dump((a: Tensor, _: Tensor) => mul(a, 2), [
    ...[f32([2]), f32([2])],
  ]).info;
  assertEquals(inputs, ["arg_0"]);
  assertEquals(reported, ["argument arg_1 is not in the file: no result needs it"]);
});

test("results as a record with constants captured: keys are names, sorted", async (on) => {
  const w = tensor([2, 3]);
  await using f = trace((x: Tensor) => ({ z: mul(x, w), a: { q: add(x, w), b: x } }), {
    ...{ on, captureAsConst: true },
  });
  const out = await f(tensor([1, 1]));
  assertEquals(Object.keys(out), ["z", "a"], "the caller's own order");
  const bytes = new TransformStream<Uint8Array, Uint8Array>();
  const [info, got] = await Promise.all([f.dump(bytes.writable), gathered(bytes.readable)]);
  assertEquals(info.outputs, ["a.b", "a.q", "z"]);
  await using back = await load(got, { on });
  const found = await back(tensor([1, 1]));
  assertEquals(await Promise.all(Object.values(found).map(numbers)), [[1, 1], [3, 4], [2, 3]]);
});

Deno.test("two layouts asked for: an error that names both", () => {
  assertThrows(
    () => dump((x: Tensor) => x, types, { enableNchw4: true, enableNchw64: true }),
    OptionError,
    "enableNchw4 and enableNchw64",
  );
});

Deno.test("several asserted cases work, and their graphs have the main file's format", async () => {
  for (const format of formats) {
    const inputData = ["#rand(0,1)", "#rand(2,3)"];
    const bytes = await gathered(dump((x: Tensor) => exp(x), types, { format, inputData }));
    const { models, testcases } = await readModel(arrayBytes(bytes));
    const own = format === "FBS" ? "V1" : "V2";
    assertEquals([...models, ...testcases].map((m) => m.format), [own, own, own]);
    await using model = await load(bytes);
    for (const { run } of model.testcases) assert((await run()).passed);
  }
});

test("optLevel acts from the first call on, and 3 works", async (on) => {
  for (const [optLevel, want] of [[0, NaN], [1, 1], [2, 1], [3, 1]] as const) {
    await using f = trace((x: Tensor) => div(x, x), { on, optLevel });
    assertEquals(await numbers(await f(tensor([0]))), [want], `level ${optLevel}`);
  }
});

test("rounding, remainders, quotients and ties are MegEngine's", async (on) => {
  const ints = (...list: number[]) => constant(host(i32([list.length]), Int32Array.from(list)));
  const f = (x: Tensor, y: Tensor, i: Tensor, k: Tensor) => [
    ...[round(x), mod(x, y), floorDiv(x, y), mod(i, k), floorDiv(i, k), div(i, k)],
    ...[grad((a: Tensor) => sum(maximum(a, x)))(x), grad((a: Tensor) => sum(maximum(x, a)))(x)],
  ];
  await using traced = trace(f, { on });
  const outs = await traced(
    ...[tensor([2.5, -2.5, -7]), tensor([2, 2, 3]), ints(7, -7, 7), ints(2, 2, -2)] as const,
  );
  assertEquals(await Promise.all(outs.map(numbers)), [
    ...[[3, -3, -7], [0.5, -0.5, -1], [1, -2, -3], [1, 1, -1], [3, -4, -4], [3.5, -3.5, -3.5]],
    ...[[1, 1, 1], [0, 0, 0]],
  ]);
  assertEquals(outs.map(({ dtype }) => dtype).slice(3, 6), ["i32", "i32", "f32"]);
});

test("NaN and infinity go through as IEEE has them, but for 0 times them on a GPU", async (on) => {
  await using f = trace((x: Tensor) => [exp(x), add(x, 1), isInf(x), div(1, x), mul(x, 0)], { on });
  const outs = await f(tensor([NaN, Infinity, -Infinity]));
  const [nan, inf] = [NaN, Infinity];
  assertEquals(await Promise.all(outs.map(numbers)), [
    ...[[nan, inf, 0], [nan, inf, -inf], [0, 1, 1], [nan, 0, -0]],
    // WGSL lets a driver take a product with the number 0 for 0; llvmpipe does.
    on.name === "webgpu" ? (await numbers(outs[4])).map((v) => v === 0 ? 0 : nan) : [nan, nan, nan],
  ]);
});

test("what the release rewrites wrongly for V2 comes back right", async (on) => {
  const f = (x: Tensor) => [sign(x), clip(x, { lower: -1, upper: 1 }), isInf(x)];
  const x = tensor([[-Infinity, 0.5]]);
  for (const format of formats) {
    await using model = await load(dump(f, types, { format }), { on });
    const outs = await Promise.all(Object.values(await model(x)).map(numbers));
    assertEquals(outs, [[-1, 1], [-1, 0.5], [1, 0]]);
  }
});
