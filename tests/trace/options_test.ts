/**
 * Options of `trace`: of each what a test sees, and that others are refused. `sublinearMemory` and
 * `dtr` are tested with the planner.
 * @module
 */
import {
  add,
  broadcastTo,
  div,
  excludeFromTrace,
  exp,
  log,
  type Machine,
  matmul,
  mul,
  open,
  OptionError,
  read,
  relu,
  returning,
  StageError,
  sum,
  type Tensor,
  tensor,
  trace,
  TraceError,
  type TraceOptions,
  transpose,
} from "../../mod.ts";
import { f32 } from "../../lib/core/type.ts";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "../std.ts";
import { targetTests } from "../targets.ts";
import { countingMachine } from "./counting.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const here = "options_test.ts:";

test("symbolic: read inside is refused where true, and results are equal on every call", async (on) => {
  for (const symbolic of [false, true]) {
    await using f = trace((x: Tensor) => mul(x, 2), { on, symbolic });
    for (const k of [1, 2, 3, 4]) assertEquals(await numbers(await f(tensor([k]))), [2 * k]);
    await using reading = trace(async (x: Tensor) => mul(x, Number((await read(x)).data[0])), {
      on,
      symbolic,
    });
    if (!symbolic) assertEquals(await numbers(await reading(tensor([3, 1]))), [9, 3]);
    else {
      const error = await assertRejects(() => reading(tensor([3, 1])), TraceError);
      assertEquals(error.reason, "value unreadable");
    }
  }
});

test("captureAsConst: false binds anew, true keeps; dump and other arguments say so", async (on) => {
  let w = tensor([1, 2]);
  const model = (x: Tensor, k?: number) => mul(x, k === undefined ? w : mul(w, k));
  await using f = trace(model, { on });
  await using g = trace(model, { on, captureAsConst: true });
  for (const h of [f, g]) assertEquals(await numbers(await h(tensor([1, 1]))), [1, 2]);
  w = tensor([3, 4]);
  assertEquals(await numbers(await f(tensor([1, 1]))), [3, 4]);
  const changed = await assertRejects(() => g(tensor([1, 1])), TraceError);
  assertEquals(changed.reason, "tensors not equals");
  await assertRejects(
    () => g(tensor([1, 1]), 3),
    TraceError,
    "argument 1: 3: Only tensor arguments are supported when captureAsConst is set",
  );
  assertEquals(await numbers(await f(tensor([1, 1]), 3)), [9, 12]);
  w = tensor([[3, 4]]);
  assertEquals(
    (await assertRejects(() => f(tensor([1, 1])), TraceError)).reason,
    "tensors not equals",
  );
  await assertRejects(() => f.dump("unused.mge"), TraceError, "captureAsConst: true");
});

test("captureAsConst: values that a device holds are compared too", async (on) => {
  await using make = trace((x: Tensor) => mul(x, 1), { on });
  let w = await make(tensor([1, 2]));
  await using f = trace((x: Tensor) => mul(x, w), { on, captureAsConst: true });
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = await make(tensor([1, 2]));
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = await make(tensor([1, 3]));
  const error = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(error.reason, "tensors not equals");
});

Deno.test("recordOnly: types but no values, no device, dump works", async () => {
  const never = new Proxy({ compile() {} } as unknown as Machine, {
    get(_, name) {
      if (name === "compile") return () => assert(false, "compiled");
      throw new Error(`the device was asked for ${String(name)}`);
    },
  });
  const w = tensor([[1], [2]]);
  const f = trace((x: Tensor) => ({ y: matmul(x, w) }), { recordOnly: true, on: never });
  for (let i = 0; i < 2; i++) {
    const { y } = await f(tensor([[1, 2]]));
    assertEquals([y.dtype, y.shape], ["f32", [1, 1]]);
    await assertRejects(() => read(y), StageError, "depends on argument");
  }
  const path = await Deno.makeTempFile({ suffix: ".mge" });
  assertEquals((await f.dump(path)).outputs, ["y"]);
  await Deno.remove(path);
  const reading = trace(async (x: Tensor) => mul(x, Number((await read(x)).data[0])), {
    recordOnly: true,
  });
  await assertRejects(() => reading(tensor([1])), TraceError, "Cannot read f32[1] here");
});

Deno.test("recordOnly: an excluded region states its output types or is refused", async () => {
  const region = (t: Tensor) => assert(false, `${t} ran`) as unknown as Tensor;
  const bare = trace((x: Tensor) => excludeFromTrace(region, x), { recordOnly: true });
  const refused = await assertRejects(() => bare(tensor([1])), TraceError, "never runs");
  assert(refused.place?.includes(here), refused.message);
  const types = { a: f32([2]), b: [f32([])] };
  const stating = trace(async (x: Tensor) => {
    const { a, b } = await excludeFromTrace(returning(types, region), x) as unknown as {
      readonly a: Tensor;
      readonly b: readonly Tensor[];
    };
    return add(add(a, b[0]), x);
  }, { recordOnly: true });
  for (let i = 0; i < 2; i++) assertEquals((await stating(tensor([1]))).shape, [2]);
  assert(String(stating.graph()).includes("hole"), String(stating.graph()));
  const error = await assertRejects(() => stating.dump("unused.mge"), TraceError, "cannot run");
  assert(error.place?.includes(here), error.message);
});

test("returning: a region that runs is held to the types that it states", async (on) => {
  let shape = [2];
  const region = returning(
    f32([2]),
    (_: Tensor) => tensor(new Float32Array(shape[0]).fill(5), shape),
  );
  await using f = trace(async (x: Tensor) => add(await excludeFromTrace(region, x), 1), { on });
  assertEquals(await numbers(await f(tensor([1]))), [6, 6]);
  shape = [3];
  await assertRejects(
    () => f(tensor([1])),
    TraceError,
    "excluded region gives: f32[3], not f32[2]",
  );
  shape = [2];
  assertEquals(await numbers(await f(tensor([1]))), [6, 6]);
});

test("optLevel: 0 gives NaN for 2x/(2x) at 0, 1 and above give 1; fusing needs level 2", async (on) => {
  const model = (x: Tensor) => [div(mul(x, 2), mul(x, 2)), log(exp(x))];
  const counts: number[] = [];
  for (const optLevel of [0, 1, 2, 3] as const) {
    const { machine, loaded } = countingMachine(on);
    await using f = trace(model, { on: machine, optLevel });
    const [q, l] = await f(tensor([0, 200]));
    assertEquals(await numbers(q), optLevel ? [1, 1] : [NaN, 1], `level ${optLevel}`);
    assertEquals(await numbers(l), optLevel ? [0, 200] : [0, Infinity], `level ${optLevel}`);
    counts.push(loaded[0].steps().filter(({ kind }) => kind !== "copy").length);
  }
  assertEquals(counts[0], 5, "as written: twice a product, a quotient, exp and log");
  assertLess(counts[1], counts[0]);
  assertEquals(counts[1], counts[2]);
});

test("graphOpt: the number of kernels changes accordingly, the numbers do not", async (on) => {
  const model = (x: Tensor, y: Tensor) => [
    relu(add(transpose(x), broadcastTo(y, { shape: [3, 2] }))),
    sum(mul(relu(x), 2), { axis: 0 }),
  ];
  const [x, y] = [tensor([[1, -2, 3], [-4, 5, 6]]), tensor([[1], [2], [3]])];
  const kernels = async (how: Pick<TraceOptions, "optLevel" | "graphOpt">) => {
    const { machine, loaded } = countingMachine(on);
    await using f = trace(model, { on: machine, ...how });
    const [a, b] = await f(x, y);
    assertEquals(await numbers(a), [2, 0, 0, 7, 6, 9]);
    assertEquals(await numbers(b), [2, 10, 18]);
    return loaded[0].steps().filter(({ kind }) => kind !== "copy").length;
  };
  const all = { jitFuseDimshuffle: true, jitFuseReduce: true };
  // transpose, broadcastTo, add, relu; relu, mul, sum
  const wanted: [Pick<TraceOptions, "optLevel" | "graphOpt">, number][] = [
    [{}, 2],
    [{ graphOpt: {} }, 2],
    [{ graphOpt: all }, 2],
    [{ graphOpt: { jitFuseDimshuffle: false } }, 4],
    [{ graphOpt: { jitFuseReduce: false } }, 3],
    [{ graphOpt: { jitFuseDimshuffle: false, jitFuseReduce: false } }, 5],
    [{ optLevel: 0 }, 5],
    [{ optLevel: 0, graphOpt: { jitFuseReduce: true } }, 3],
    [{ optLevel: 0, graphOpt: { jitFuseDimshuffle: false } }, 7],
    [{ optLevel: 1, graphOpt: all }, 3],
  ];
  const isPlanned = on.name !== "reference";
  for (const [how, n] of wanted) {
    const found = await kernels(how);
    assertEquals(found, isPlanned ? n : 7, `${JSON.stringify(how)}`);
  }
});

Deno.test("invalid options are errors at trace(), with the option and the accepted range", async () => {
  const f = (x: Tensor) => x;
  const device = await open("reference");
  const wrong: readonly [object, string][] = [
    [{ fast: true }, "option fast: known are on, symbolic, captureAsConst"],
    [{ toString: 1 }, "option toString: known are"],
    [{ on: "webgpu" }, "on: webgpu: it must be a target that open() gave"],
    [{ symbolic: 1 }, "symbolic: 1: it must be true or false"],
    [{ captureAsConst: "yes" }, "captureAsConst: yes: it must be true or false"],
    [{ recordOnly: null }, "recordOnly: null: it must be true or false"],
    [{ withoutHost: 0 }, "withoutHost: 0: it must be true or false"],
    [{ profiling: {} }, "profiling: {}: it must be true or false"],
    [{ symbolicShape: "no" }, "symbolicShape: no: it must be true or false"],
    [{ comparator: 3 }, "comparator: 3: it must be a function of two arrays"],
    [{ optLevel: 4 }, "optLevel: 4: it must be 0, 1, 2 or 3"],
    [{ optLevel: -1 }, "optLevel: -1: it must be 0, 1, 2 or 3"],
    [{ donate: 0 }, "donate: 0: it must be a list of positions from 0, or of paths"],
    [{ donate: [-1] }, "donate: [-1]: it must be a list of positions from 0"],
    [{ donate: [["a"]] }, 'donate: [["a"]]: it must be a list of positions from 0'],
    [{ graphOpt: true }, "graphOpt: true: it must be a record of jitFuseDimshuffle and"],
    [{ graphOpt: { jitFuseAll: true } }, 'graphOpt: {"jitFuseAll":true}: it must be'],
    [{ graphOpt: { jitFuseReduce: 1 } }, 'graphOpt: {"jitFuseReduce":1}: it must be'],
    [{ recordOnly: true, symbolic: false }, "symbolic: false: recordOnly needs it to be true"],
    [{ recordOnly: true, captureAsConst: false }, "captureAsConst: false: recordOnly needs it"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => trace(f, options as TraceOptions), OptionError, message);
  }
  const every: TraceOptions = {
    ...{ on: device, symbolic: true, captureAsConst: true, recordOnly: false, withoutHost: false },
    ...{ comparator: () => true, donate: [0, [1, "w", 2]], optLevel: 3, profiling: false },
    ...{ graphOpt: { jitFuseDimshuffle: undefined }, symbolicShape: true },
  };
  trace(f, every);
  trace(f, Object.fromEntries(Object.keys(every).map((name) => [name, undefined])));
  await device[Symbol.asyncDispose]();
});
