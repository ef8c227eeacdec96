/**
 * Recurrent layers: cells and layers agree, sequences may be cut, batches may come first, and a
 * layer is one operator of a file.
 * @module
 */
import { host } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import { f32, sizeOf } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import * as nn from "../../lib/model/nn.ts";
import {
  concat,
  DTypeError,
  dump,
  key,
  load,
  lstm,
  recurrentWeights,
  rnn,
  ShapeError,
  slice,
  stack,
  type Tensor,
  transpose,
  zeros,
} from "../../mod.ts";
import { gathered } from "../../lib/io/stream.ts";
import { random } from "../ops/case_values.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";

function values(shape: readonly number[], seed: number): Tensor {
  const next = random(seed);
  return constant(
    host(f32(shape), Float32Array.from({ length: sizeOf(shape) }, () => next() * 2 - 1)),
  );
}

async function assertSame(got: readonly Tensor[], want: readonly Tensor[]): Promise<void> {
  const all = await evaluate([...got, ...want]);
  for (let k = 0; k < got.length; k++) {
    const [a, b] = [all[k], all[k + got.length]];
    assertEquals(a.shape, b.shape);
    a.data.forEach((v, i) => assert(Math.abs(Number(v) - Number(b.data[i])) < 1e-5, `${k}[${i}]`));
  }
}

const x = values([5, 2, 3], 1);

Deno.test("lstm() of a sequence is that of its parts, and that of its cell step by step", async () => {
  const cell = nn.init(nn.lstmCellSpec(3, 4), key(1));
  const weights = recurrentWeights([{
    ...{ weightIh: cell.weight_ih, weightHh: cell.weight_hh },
    ...{ biasIh: cell.bias_ih, biasHh: cell.bias_hh },
  }]);
  const layer = nn.lstm({ _flatten_weights: weights });
  const whole = layer(x);
  const head = layer(slice(x, [0, 2]));
  const tail = layer(slice(x, [2]), head);
  const outputs = concat([head.output, tail.output]);
  await assertSame([whole.output, whole.h, whole.c], [outputs, tail.h, tail.c]);
  const step = nn.lstmCell(cell);
  let state = { h: zeros([2, 4]), c: zeros([2, 4]) };
  const steps = Array.from({ length: 5 }, (_, i) => (state = step(slice(x, i), state)).h);
  await assertSame([whole.output], [stack(steps)]);
});

Deno.test("rnn() of a sequence is that of its cell step by step", async () => {
  const cell = nn.init(nn.rnnCellSpec(3, 4), key(1));
  const weights = recurrentWeights([{
    ...{ weightIh: cell.weight_ih, weightHh: cell.weight_hh },
    ...{ biasIh: cell.bias_ih, biasHh: cell.bias_hh },
  }]);
  for (const nonlinearity of ["tanh", "relu", "identity"] as const) {
    const whole = nn.rnn({ _flatten_weights: weights }, { nonlinearity })(x);
    const step = nn.rnnCell(cell, { nonlinearity });
    let h = zeros([2, 4]);
    const steps = Array.from({ length: 5 }, (_, i) => h = step(slice(x, i), h));
    await assertSame([whole.output, whole.h], [stack(steps), stack([h])]);
  }
});

Deno.test("two directions are two layers, one of them backwards; batches may come first", async () => {
  const sizes = { layers: 2, bidirectional: true, bias: false };
  const p = nn.init(nn.lstmSpec(3, 4, sizes), key(3));
  assertEquals(p._flatten_weights.shape, [16, 2 * (3 + 4) + 2 * (8 + 4)]);
  const how = { bidirectional: true, bias: false };
  const plain = nn.lstm(p, how)(x);
  assertEquals([plain.output.shape, plain.c.shape], [[5, 2, 8], [4, 2, 4]]);
  const turned = (t: Tensor) => transpose(t, { perm: [1, 0, 2] });
  const first = nn.lstm(p, { ...how, batchFirst: true })(turned(x));
  await assertSame([turned(first.output), first.h, first.c], [plain.output, plain.h, plain.c]);
});

Deno.test("a layer is one operator of a file, its weights a constant", async () => {
  const p = nn.init(nn.lstmSpec(3, 4), key(3));
  const stream = dump((x: Tensor) => nn.lstm(p)(x).output, [f32([5, 2, 3])]);
  const { reported } = await stream.info;
  await using model = await load(await gathered(stream));
  const { LSTMForward, Host2DeviceCopy, ...rest } = model.operators;
  assertEquals([reported, LSTMForward, Host2DeviceCopy], [[], 1, 1]);
  assertEquals(Object.keys(rest).filter((name) => /Concat|Subtensor|MatrixMul/.test(name)), []);
});

Deno.test("what does not fit is said", () => {
  const p = nn.init(nn.lstmSpec(3, 4), key(3));
  const says = (f: () => unknown, part: string, kind: typeof ShapeError | typeof DTypeError) =>
    assertThrows(f, kind, part);
  says(() => nn.lstm(p)(values([5, 2, 4], 1)), "another size of input", ShapeError);
  const [h, w] = [zeros([1, 2, 4]), p._flatten_weights];
  says(() => lstm(x, zeros([1, 3, 4]), h, w), "states must be [layers,2,h]", ShapeError);
  says(
    () => lstm(x, zeros([2, 2, 4]), zeros([2, 2, 4]), w),
    "2 layers of 1 directions",
    ShapeError,
  );
  says(() => lstm(x, zeros([1, 2, 4], "f16"), h, w), "one float dtype", DTypeError);
  says(() => rnn(slice(x, 0), h, w), "x must be [l,n,in]", ShapeError);
});
