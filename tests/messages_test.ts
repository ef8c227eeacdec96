/**
 * What common mistakes say: each message names the author's line, what was found, and what to try.
 * @module
 */
import {
  add,
  argmax,
  batchNorm,
  broadcastTo,
  concat,
  conv2d,
  f32,
  gather,
  grad,
  layerNorm,
  logicalNot,
  matmul,
  max,
  mean,
  mul,
  open,
  pad,
  read,
  relu,
  reshape,
  shl,
  slice,
  softmax,
  stack,
  stage,
  sum,
  type Tensor,
  tensor,
  trace,
  transpose,
} from "../mod.ts";
import * as nn from "../lib/model/nn.ts";
import { assertEquals } from "./std.ts";

const t = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const ints = tensor(new Int32Array([1, 2, 3]));
const bytes = tensor(new Uint8Array([1, 2, 3]));

const mistakes: readonly [string, () => unknown][] = [
  ["matmul of shapes that do not meet", () => matmul(t(2, 3), t(4, 5))],
  ["matmul of batches that do not broadcast", () => matmul(t(2, 3, 4), t(3, 4, 5))],
  ["matmul of two dtypes", () => matmul(t(3, 3), ints)],
  ["addition of shapes that do not broadcast", () => add(t(2, 3), t(4))],
  ["addition of two dtypes", () => add(t(3), ints)],
  ["broadcastTo a smaller shape", () => broadcastTo(t(2, 3), { shape: [3] })],
  ["reshape to another count", () => reshape(t(2, 3), { shape: [4, 2] })],
  ["reshape with two open extents", () => reshape(t(2, 3), { shape: [-1, -1] })],
  ["conv2d of channels that differ", () => conv2d(t(1, 3, 8, 8), t(4, 2, 3, 3))],
  ["conv2d of too small an image", () => conv2d(t(1, 3, 2, 2), t(4, 3, 3, 3))],
  ["conv2d of a rank that is not 4", () => conv2d(t(3, 8, 8), t(4, 3, 3, 3))],
  ["softmax of integers", () => softmax(ints)],
  ["relu of truth", () => relu(tensor([true]) as Tensor)],
  ["logicalNot of numbers", () => logicalNot(t(2))],
  ["a shift of floats", () => shl(t(2), t(2))],
  ["an axis outside", () => sum(t(2, 3), { axis: 2 })],
  ["an axis twice", () => mean(t(2, 3), { axis: [0, -2] })],
  ["an axis that is no integer", () => softmax(t(2, 3), { axis: 0.5 })],
  ["an axis of a scalar", () => argmax(tensor(1))],
  ["the largest of nothing", () => max(t(0))],
  ["an option that does not exist", () => sum(t(2), { axes: 0 } as never)],
  ["an option that is missing", () => reshape(t(2), {} as never)],
  ["a word that is no choice", () => gather(t(2), ints, { axis: "last" } as never)],
  ["a permutation that is none", () => transpose(t(2, 3), { perm: [0, 0] })],
  ["a slice outside", () => slice(t(2, 3), 5)],
  ["a slice of a list of ranges", () => slice(t(2, 3), [[0, 1]] as never)],
  ["a pad that is too short", () => pad(t(2, 3), { before: [1], after: [1], value: 0 })],
  ["concat of extents that differ", () => concat([t(2, 3), t(2, 4)])],
  ["concat of dtypes that differ", () => concat([ints, bytes])],
  ["stack of shapes that differ", () => stack([t(2), t(3)])],
  ["gather by floats", () => gather(t(4), t(2), { axis: 0 })],
  ["layerNorm of a weight that does not fit", () => layerNorm(t(2, 3), { dims: 1, weight: t(4) })],
  ["batchNorm of channels that differ", () => batchNorm(t(1, 3, 2, 2), t(4), t(4))],
  ["a layer of another width", () => nn.linear({ weight: t(4, 3), bias: t(4) })(t(2, 5))],
  ["a promise as an operand", () => add(Promise.resolve(t(2)) as never, 1)],
  ["nothing as an operand", () => add(undefined as never, 1)],
  ["a tensor as a number", () => Number(t(2)) + 1],
  ["ragged lists", () => tensor([[1], [2, 3]])],
  ["a count that does not fit", () => tensor([1, 2, 3], [2])],
  ["a gradient of many numbers", () => grad((x: Tensor) => x)(t(2))],
  ["an async model", () => stage((x: Tensor) => Promise.resolve(x), [f32([])])],
  ["an async loss", () => grad(((x: Tensor) => Promise.resolve(x)) as never)(t())],
  ["a value of an argument", () => stage((x: Tensor) => [...(x as never)], [f32([2])])],
  ["reading what is no tensor", () => read(3 as never)],
  ["an unknown option of trace", () => trace((x: Tensor) => x, { optlevel: 1 } as never)],
  [
    "a memory option out of range",
    () => trace((x: Tensor) => x, { sublinearMemory: { geneticNrIter: -1 } }),
  ],
  [
    "two memory options",
    () => trace((x: Tensor) => x, { sublinearMemory: true, dtr: { evictionThreshold: 1 } }),
  ],
  [
    "a threshold that is too low",
    () => trace((x: Tensor) => softmax(mul(sum(x), x)), { dtr: { evictionThreshold: 1 } })(t(2)),
  ],
  ["an unknown device", () => open("cuda" as never)],
  [
    "an option of trace with a number",
    () => trace((x: Tensor, _: number) => x, { captureAsConst: true })(t(), 3),
  ],
];

/** Mistakes whose message speaks of no operation, so that there is no line to name. */
const withoutPlace: ReadonlySet<string> = new Set([
  "reading what is no tensor",
  "an unknown option of trace",
  "a memory option out of range",
  "two memory options",
  "a threshold that is too low",
  "an unknown device",
  "an option of trace with a number",
]);

Deno.test("messages: common mistakes", async (t) => {
  const texts: string[] = [];
  const faults: string[] = [];
  for (const [name, body] of mistakes) {
    let error: Error | undefined;
    try {
      await body();
    } catch (e) {
      error = e as Error;
    }
    if (!error) {
      faults.push(`${name} is taken`);
      continue;
    }
    const { name: kind, message } = error;
    if (!/^(Shape|DType|Option|Stage|Trace|Device)Error$/.test(kind)) {
      faults.push(`${name}: ${kind}`);
    }
    if (/internal:|undefined|\[object/.test(message)) faults.push(`${name}: ${message}`);
    if (message.endsWith(".")) faults.push(`${name} ends with a full stop`);
    if (!withoutPlace.has(name) && !/at \S*messages_test\.ts:\d+:\d+/.test(message)) {
      faults.push(`${name} names no line: ${message}`);
    }
    const text = error.message.replaceAll(/\S*\/(messages_test\.ts):\d+:\d+/g, "$1");
    texts.push(`${name}\n${error.name}: ${text}`);
  }
  assertEquals(faults, []);
  await (t as unknown as { assertSnapshot(x: string): Promise<void> }).assertSnapshot(
    texts.join("\n\n"),
  );
});
