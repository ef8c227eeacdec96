/**
 * The structured operations against small independent loops, and the messages of what they refuse.
 * @module
 */
import { ownForm } from "../../lib/core/draft.ts";
import { OptionError, ShapeError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, sizeOf, type Type } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { conv1d, convTranspose2d } from "../../lib/ops/conv_transpose.ts";
import { eye, linspace } from "../../lib/ops/create.ts";
import * as gathers from "../../lib/ops/gather.ts";
import * as joins from "../../lib/ops/join.ts";
import * as norms from "../../lib/ops/norm.ts";
import * as pools from "../../lib/ops/pool.ts";
import * as reduce from "../../lib/ops/reduce.ts";
import * as soft from "../../lib/ops/softmax.ts";
import { norm, std, variance } from "../../lib/ops/statistics.ts";
import { valueOf } from "./case_values.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";

/** Seeded numbers of a type. */
function sample(type: Type, from: number, to: number, seed: number): Host {
  return valueOf({ type, from, to }, seed);
}

function value(t: Tensor): Host {
  return evaluateNow([t])[0];
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number, what: string): void {
  assertEquals(a.length, b.length, what);
  for (let i = 0; i < a.length; i++) {
    const ok = Object.is(a[i], b[i]) ||
      Math.abs(a[i] - b[i]) <= tolerance * (1 + Math.abs(b[i]));
    assert(ok, `${what}: element ${i} is ${a[i]}, not ${b[i]}`);
  }
}

function data(shape: readonly number[], seed: number): Tensor {
  return constant(sample(f32(shape), -1, 1, seed));
}

/** The result of naive loops: `body` at every coordinate of a shape. */
function loops(shape: readonly number[], body: (...c: number[]) => number): Float32Array {
  const out = new Float32Array(sizeOf(shape));
  const coords = shape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = body(...coords);
    for (let d = shape.length - 1; d >= 0 && ++coords[d] === shape[d]; d--) coords[d] = 0;
  }
  return out;
}

/** Reads by coordinates; zero outside. */
function reader(t: Tensor): (...c: number[]) => number {
  const { data, shape } = value(t);
  return (...c) => {
    let at = 0;
    for (const [d, extent] of shape.entries()) {
      if (!(c[d] >= 0 && c[d] < extent)) return 0;
      at = at * extent + c[d];
    }
    return Number(data[at]);
  };
}

function total(n: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += term(i);
  return sum;
}

Deno.test("conv2d() with stride, padding, dilation, groups and bias is seven loops", () => {
  const [x, w, bias] = [data([2, 4, 7, 8], 1), data([6, 2, 3, 2], 2), data([6], 3)];
  const out = conv2d(x, w, { bias, stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 });
  const [rx, rw, rb] = [reader(x), reader(w), reader(bias)];
  const want = loops(
    [2, 6, 4, 10],
    (n, o, i, j) =>
      rb(o) +
      total(2, (c) =>
        total(3, (a) =>
          total(2, (b) =>
            rx(n, Math.floor(o / 3) * 2 + c, i * 2 + a - 1, j + 2 * b - 2) * rw(o, c, a, b)))),
  );
  assertEquals(out.shape, [2, 6, 4, 10]);
  close(value(out).data, want, 1e-5, "conv2d");
});

Deno.test("conv1d() is conv2d() of one row", () => {
  const [x, w] = [data([2, 3, 9], 1), data([4, 3, 3], 2)];
  const out = conv1d(x, w, { stride: 2, padding: 1 });
  const [rx, rw] = [reader(x), reader(w)];
  const want = loops(
    [2, 4, 5],
    (n, o, i) => total(3, (c) => total(3, (k) => rx(n, c, i * 2 + k - 1) * rw(o, c, k))),
  );
  assertEquals(out.shape, [2, 4, 5]);
  close(value(out).data, want, 1e-5, "conv1d");
});

Deno.test("convTranspose2d() scatters every input through the kernel", () => {
  const [x, w] = [data([1, 2, 3, 4], 1), data([2, 3, 3, 2], 2)];
  const out = convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 });
  assertEquals(out.shape, [1, 3, 6, 7]);
  const want = new Float32Array(3 * 6 * 7);
  const [rx, rw] = [reader(x), reader(w)];
  loops([2, 3, 4, 3, 3, 2], (c, i, j, o, a, b) => {
    const [y, v] = [i * 2 + a - 1, j * 2 + b - 1];
    if (y >= 0 && y < 6 && v >= 0 && v < 7) {
      want[(o * 6 + y) * 7 + v] += rx(0, c, i, j) * rw(c, o, a, b);
    }
    return 0;
  });
  close(value(out).data, want, 1e-5, "convTranspose2d");
});

Deno.test("pooling counts and compares only what windows really hold", () => {
  const x = data([1, 2, 5, 6], 4);
  const rx = reader(x);
  const held = (f: (v: readonly number[]) => number) =>
    loops([1, 2, 3, 3], (n, c, i, j) => {
      const found: number[] = [];
      for (let a = i * 2 - 1; a < i * 2 + 2; a++) {
        for (let b = j * 2 - 1; b < j * 2 + 2; b++) {
          if (a >= 0 && a < 5 && b >= 0 && b < 6) found.push(rx(n, c, a, b));
        }
      }
      return f(found);
    });
  const options = { kernel: 3, stride: 2, padding: 1 };
  const mean = (v: readonly number[], n: number) => v.reduce((p, q) => p + q, 0) / n;
  close(value(pools.maxPool2d(x, options)).data, held((v) => Math.max(...v)), 0, "max");
  close(value(pools.avgPool2d(x, options)).data, held((v) => mean(v, 9)), 1e-6, "with padding");
  const inner = pools.avgPool2d(x, { ...options, countIncludePad: false });
  close(value(inner).data, held((v) => mean(v, v.length)), 1e-6, "without padding");
  const pooled = value(pools.globalAvgPool(x));
  close(
    pooled.data,
    loops([1, 2], (_, c) => total(30, (i) => rx(0, c, i / 6 | 0, i % 6)) / 30),
    1e-6,
    "global",
  );
  assertEquals(pooled.shape, [1, 2, 1, 1]);
  const line = tensor([[[1, 5, 2, 8, 3]]]);
  assertEquals([...value(pools.maxPool1d(line, { kernel: 2 })).data], [5, 8]);
  assertEquals([...value(pools.avgPool1d(line, { kernel: 2, stride: 3 })).data], [3, 5.5]);
});

Deno.test("gather() counts negative indices from the end and clamps the others", () => {
  const x = tensor([10, 11, 12, 13]);
  const i = tensor(new Int32Array([0, -1, 9, -9, 2]));
  const out = gathers.gather(x, i);
  assertEquals([...value(out).data], [10, 13, 13, 10, 12]);
  assertEquals([
    ...evaluateForm(ownForm(out.node.op, [x, i], out.node.attrs, [out])!, [
      value(x),
      value(i),
    ])[0].data,
  ], [10, 13, 13, 10, 12]);
  const rows = gathers.embedding(tensor([[1, 2], [3, 4]]), tensor(new Int32Array([1, 1]), [2, 1]));
  assertEquals(rows.shape, [2, 1, 2]);
  assertEquals([...value(rows).data], [3, 4, 3, 4]);
});

Deno.test("scatterAdd() sums updates of one index; oneHot() and setOneHot() mark one place", () => {
  const i = tensor(new Int32Array([1, 0, 1]));
  const sums = gathers.scatterAdd(tensor([1, 2, 4]), i, { axis: 0, size: 3 });
  assertEquals([...value(sums).data], [2, 5, 0]);
  assertEquals([...value(gathers.oneHot(i, 2)).data], [0, 1, 1, 0, 0, 1]);
  const one = tensor(new Int32Array([-1]), [1, 1]);
  const set = gathers.setOneHot(tensor([[1, 2, 3]]), one, tensor([[9]]));
  assertEquals([...value(set).data], [1, 2, 9]);
});

Deno.test("concat() joins more tensors than one kernel binds, split() takes them apart", () => {
  const parts = Array.from({ length: 15 }, (_, i) => tensor([[i, i]]));
  const whole = joins.concat(parts);
  assertEquals(whole.shape, [15, 2]);
  assertEquals([...value(whole).data], parts.flatMap((_, i) => [i, i]));
  assert(whole.node.ins.length <= 6);
  const again = joins.split(whole, { sizes: [4, 11] });
  assertEquals([...value(again[1]).data].slice(0, 2), [4, 4]);
  assertEquals(joins.unstack(whole, { axis: 1 }).map((t) => t.shape), [[15], [15]]);
  const stacked = joins.stack(parts.slice(0, 2), { axis: -1 });
  assertEquals([...value(stacked).data], [0, 1, 0, 1]);
  assertEquals([...value(joins.flip(tensor([[1, 2], [3, 4]]))).data], [4, 3, 2, 1]);
});

Deno.test("statistics follow their definitions", () => {
  const x = tensor([[1, 2, 6], [-3, 0, 3]]);
  close(value(variance(x, { axis: 1 })).data, [14 / 3, 6], 1e-6, "variance");
  close(value(std(x, { axis: 1 })).data, [Math.sqrt(14 / 3), Math.sqrt(6)], 1e-6, "std");
  close(value(norm(x, { axis: 1, order: 1 })).data, [9, 6], 1e-6, "norm 1");
  close(value(norm(x, { order: Infinity })).data, [6], 0, "norm inf");
  close(value(norm(x, { axis: 1, order: -Infinity })).data, [1, 0], 0, "norm -inf");
  close(value(norms.normalize(tensor([3, 4]))).data, [0.6, 0.8], 1e-6, "normalize");
  close(value(eye(2, 3, { k: 1 })).data, [0, 1, 0, 0, 0, 1], 0, "eye");
  close(value(linspace(1, 3, 5)).data, [1, 1.5, 2, 2.5, 3], 1e-6, "linspace");
});

Deno.test("prod() gives gradients through zeros", () => {
  const x = tensor([[0, 2, 3], [0, 0, 5], [1, 2, 3]]);
  const g = grad((t: Tensor) => reduce.sum(reduce.prod(t, { axis: 1 })))(x);
  assertEquals([...value(g).data], [6, 0, 0, 0, 0, 0, 6, 3, 2]);
});

Deno.test("logSumExp() keeps infinities", () => {
  const x = tensor([[-Infinity, -Infinity], [1, Infinity], [1000, 1000]]);
  const out = value(soft.logSumExp(x)).data;
  close(out, [-Infinity, Infinity, 1000 + Math.log(2)], 1e-6, "logSumExp");
});

Deno.test("structured operations refuse what does not fit, and say what to try", () => {
  const x = data([1, 3, 4, 4], 1);
  const says = (body: () => unknown, text: string, type: typeof ShapeError | typeof OptionError) =>
    assertThrows(body, type as typeof ShapeError, text);
  says(() => conv2d(x, data([2, 4, 3, 3], 2)), "x has 3 channels, w takes 4", ShapeError);
  says(() => conv2d(x, data([2, 3, 5, 5], 2)), "the kernel reaches over 5 rows", ShapeError);
  says(() => conv2d(x, data([2, 3, 1, 1], 2), { bias: data([3], 1) }), "2 channels", ShapeError);
  says(() => conv2d(x, data([2, 3, 1, 1], 2), { groups: 0 }), "an integer from 1", OptionError);
  says(() => pools.maxPool2d(x, { kernel: 5 }), "larger than the image", ShapeError);
  says(() => pools.avgPool2d(x, { kernel: 2, padding: 2 }), "only padding", ShapeError);
  says(() => pools.adaptiveAvgPool2d(x, { size: 5 }), "from 1 to the image's", OptionError);
  says(() => joins.split(x, { axis: 1, sections: 2 }), "into 2 equal parts", ShapeError);
  says(() => joins.concat([x, data([1, 3, 4], 1)]), "the other extents must agree", ShapeError);
  says(() => gathers.takeAlongAxis(x, tensor(new Int32Array([1]))), "try gather", ShapeError);
  says(() => norms.groupNorm(x, { groups: 2 }), "divide the 3 channels", OptionError);
  says(() => soft.crossEntropy(x, tensor(new Int32Array([1]))), "of shape [1,4,4]", ShapeError);
});
