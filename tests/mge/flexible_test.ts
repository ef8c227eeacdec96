/**
 * Files whose sizes may change: written at one size, run at others.
 * @module
 */
import { resultsOf } from "../../lib/core/graph.ts";
import { arg } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, i32, type Type } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { gathered } from "../../lib/io/stream.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { importModel } from "../../lib/mge/import.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { relu } from "../../lib/ops/activation.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { iota } from "../../lib/ops/create.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { mean, sum } from "../../lib/ops/reduce.ts";
import { broadcastTo, flatten, reshape, transpose } from "../../lib/ops/shape.ts";
import { slice } from "../../lib/ops/slice.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { stage } from "../../lib/stage/stage.ts";
import { dump } from "../../lib/trace/dump.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { valueOf, worst } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";

type Model = (...ins: Tensor[]) => unknown;

/** Dumps for some types, runs the file for others, and compares with the function itself. */
async function follows(model: Model, types: readonly Type[], others: readonly Type[]) {
  for (const format of ["FBS", "FBS_V2"] as const) {
    const stream = dump(model as never, types, { format });
    const info = await stream.info;
    assertEquals(info.reported, []);
    const file = await readModel(arrayBytes(await gathered(stream)));
    const read = await importModel(file.models[0]);
    assertEquals(read.inputs.map(({ shape }) => shape), types.map(({ shape }) => [...shape]));
    const args = others.map((t) => arg(t));
    const values = others.map((type, i) => valueOf({ type, from: -1, to: 2 }, i + 5));
    const own = stage(model as never, others);
    const want = await evaluate(
      resultsOf(own),
      new Map(own.args.map((t, i) => [t.node, values[i]])),
    );
    const got = await evaluate(
      read.call(args).outputs,
      new Map(args.map((t, i) => [t.node, values[i]])),
    );
    want.forEach((w, i) => {
      assertEquals(got[i].shape, w.shape.length ? w.shape : [1]);
      assertEquals(worst(got[i], w, 1e-5, 1e-5), undefined);
    });
  }
}

const kernel = (x: Tensor) =>
  broadcastTo(slice(x, [0, 1], [0, 1], [0, 2], [0, 2]), { shape: [3, 2, 2, 2] });

Deno.test("flexible: reshapes, products and windows follow the batch", async () => {
  const model: Model = (x) => softmax(flatten(relu(conv2d(x, kernel(x), { padding: 1 }))));
  await follows(model, [f32([1, 2, 4, 4])], [f32([5, 2, 4, 4])]);
  await follows(model, [f32([4, 2, 4, 4])], [f32([1, 2, 4, 4])]);
  const heads: Model = (x) => {
    const [n, t, c] = x.shape;
    const split = transpose(reshape(x, { shape: [n, t, 2, c / 2] }), { perm: [0, 2, 1, 3] });
    return reshape(matmul(split, split, { transposeB: true }), { shape: [n * 2, t, t] });
  };
  await follows(heads, [f32([2, 3, 4])], [f32([7, 3, 4])]);
});

Deno.test("flexible: numbers made of the size follow it", async () => {
  const model: Model = (x) => [
    mul(sum(x), 1 / x.shape[0]),
    add(x, x.shape[0]),
    broadcastTo(sum(x, { axis: 0, keep: true }), { shape: [x.shape[0] * 2 + 1, 3] }),
    slice(x, [x.shape[0] - 2]),
  ];
  await follows(model, [f32([4, 3])], [f32([9, 3])]);
  const gradient: Model = (x) => grad((v: Tensor) => mean(mul(v, v)))(x);
  await follows(gradient, [f32([4, 3])], [f32([9, 3])]);
});

Deno.test("flexible: arguments of one extent follow together, others alone", async () => {
  const model: Model = (x, y) => add(matmul(x, y), sum(x));
  await follows(model, [f32([2, 3]), f32([3, 4])], [f32([6, 3]), f32([3, 4])]).then(
    () => assert(false, "y's axis 0 cannot follow"),
    () => {},
  );
  const stream = dump(model as never, [f32([2, 3]), f32([3, 4])]);
  const { reported } = await stream.info;
  assertEquals(reported.length, 1);
  assert(reported[0].startsWith("axis 0 of arg_1 is fixed: "), reported[0]);
});

Deno.test("flexible: what does not generalise is fixed and said, or refused by name", async () => {
  const counted: Model = (x) => add(x, iota({ shape: [x.shape[0], 1], dtype: "f32" }));
  const report = async (options: DumpOptions) =>
    (await dump(counted as never, [f32([4, 3])], options).info).reported;
  const [line] = await report({});
  assert(line.startsWith("the sizes of all arguments are fixed: "), line);
  assertEquals(await report({ flexible: false }), []);
  await assertRejects(
    () => report({ flexible: { arg_0: [0] } }),
    RangeError,
    "axis 0 of arg_0 open",
  );
  await assertRejects(
    () => report({ flexible: { x: [0] } }),
    RangeError,
    "the arguments are arg_0",
  );
  assertEquals(await report({ flexible: { arg_0: [1] } }), []);
  const branching: Model = (x) => x.shape[0] === 4 ? add(x, 1) : mul(x, 2);
  const info = await dump(branching as never, [i32([4])]).info;
  assert(info.reported[0].includes("other steps for other sizes"), info.reported[0]);
});
