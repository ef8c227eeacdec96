/**
 * A model file is loaded from anything, called by name or by position, and its embedded test cases
 * run and pass.
 * @module
 */
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { gathered, gzip } from "../../lib/io/stream.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { openReference } from "../../lib/trace/reference.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";
import { goldenCases, pythonCases, type RecordedCase } from "../tools/unpack_cases.ts";
import { difference, hostOf } from "../mge/run_cases.ts";

const home = new URL("../data/mge-python/", import.meta.url);
const add = new URL("add/base.v2.mge", home);

async function numbers(t: Tensor): Promise<number[]> {
  return Array.from((await read(t)).data as Float32Array);
}

Deno.test("a model loads from a path, a URL, bytes, a blob, a stream and gzip", async () => {
  const bytes = await Deno.readFile(add);
  const packed = await gathered(gzip([bytes]));
  const sources = [
    add,
    add.pathname,
    add.href,
    bytes,
    new Blob([bytes]),
    new Blob([bytes]).stream(),
    packed,
    new Blob([Uint8Array.from(packed)]).stream(),
  ];
  for (const source of sources) {
    await using model = await load(source);
    assertEquals([model.format, model.bytes], ["V2", bytes.length]);
    assertEquals(model.inputs.map(({ name }) => name), ["arg_0", "arg_1"]);
    const [a, b] = model.inputs.map(({ shape }, i) =>
      constant({
        ...f32(shape),
        data: new Float32Array(shape.reduce((n, e) => n * e, 1)).fill(i + 1),
      })
    );
    const { ADD } = await model(a, b);
    assertEquals(new Set(await numbers(ADD)), new Set([3]));
    const named = await model({ arg_1: b, arg_0: a });
    assertEquals(await numbers(named.ADD), await numbers(ADD));
  }
});

Deno.test("recorded networks agree when they are called by name, V1 and V2", async () => {
  const wanted = /^(python\/(lenet|mlp|resnet18_small|transformer_small)|golden\/(cnn|mlp))[/.]/;
  const cases = [...await goldenCases(), ...await pythonCases()].filter((c) => wanted.test(c.name));
  assert(cases.length > 40, `${cases.length} cases`);
  for (const one of cases) await agrees(one);
});

async function agrees(one: RecordedCase): Promise<void> {
  await using model = await load(one.model, { name: one.name });
  const given = model.inputs.map(({ name }, i) => [name, constant(hostOf(one.inputs[i]))] as const);
  const out = await model(Object.fromEntries(given));
  const names = Object.keys(out);
  assertEquals(names, model.outputs.map(({ name }) => name));
  for (const want of one.outputs) {
    const got = await read(out[names[want.position]]);
    const found = difference(got, hostOf(want), one.tolerance);
    assertEquals(found, undefined, `${one.name} ${want.name}`);
  }
}

Deno.test("all 33 embedded cases of 25 files run and pass", async () => {
  const index: { name: string; file?: string; n_cases?: number; operators: object }[] = JSON.parse(
    await Deno.readTextFile(new URL("testcases/index.json", home)),
  );
  let files = 0, count = 0;
  for (const { file, name, n_cases } of index) {
    if (!file) continue;
    files++;
    await using model = await load(new URL(`testcases/${file}`, home));
    assertEquals(model.testcases.length, n_cases, name);
    for (const { run, values } of model.testcases) {
      count++;
      assertEquals(Object.keys(values), model.inputs.map((i) => i.name).sort(), name);
      const { passed, worst, checks, outputs } = await run();
      assert(passed && worst <= 1e-2, `${name}: ${worst}`);
      assertEquals(checks.length, name === "no_assert" ? 0 : Object.keys(outputs).length);
      for (const { got, want, error } of checks) {
        const [a, b] = [await read(got!), await read(want!)];
        assertEquals(difference(a, b, { rtol: error + 1e-7, atol: error + 1e-7 }), undefined, name);
      }
    }
  }
  assertEquals([files, count], [25, 33]);
});

Deno.test("a call with a wrong expectation is refused; without one it computes", async () => {
  await using model = await load(new URL("testcases/rand.mge", home));
  const [{ values }] = model.testcases;
  const x = values.arg_0;
  const good = await model({ ...values });
  const [name] = Object.keys(good);
  const wrong = tensor([[0, 0, 0, 0]]);
  const error = await assertRejects(() => model({ arg_0: x, "RELU:expect": wrong }), Error);
  assert(error.message.includes("RELU:expect"), error.message);
  const free = await model({ arg_0: x });
  const want = await numbers(values["RELU:expect"]);
  (await numbers(free[name])).forEach((v, i) => assert(Math.abs(v - want[i]) <= 1e-3 * want[i]));
  assertEquals(await numbers((await model(x))[name]), await numbers(free[name]));
});

Deno.test("calls with other names, counts or types say what is wanted", async () => {
  await using model = await load(add);
  const one = tensor([1]);
  const calls: [() => Promise<unknown>, string][] = [
    [() => model({ arg_0: one, foo: one }), "with foo: its inputs are arg_0, arg_1"],
    [() => model({ arg_0: one }), "without arg_1"],
    [() => model(one), "with 1 tensors: its inputs are arg_0, arg_1"],
    [() => model(one, tensor([1], [1], "i32")), "arg_1: i32[1]: it is f32["],
    [
      () => model({ arg_0: one, arg_1: 3 as unknown as Tensor }),
      "it must be a tensor, found number 3",
    ],
  ];
  for (const [call, part] of calls) {
    const error = await assertRejects(call, Error);
    assert(error.message.includes(part), error.message);
    assert(error.message.includes(add.pathname), error.message);
  }
});

Deno.test("the graph is staged for the file's types and for others", async () => {
  await using model = await load(add);
  const own = String(model.graph());
  assert(own.includes("add") && own.includes("arg_0"), own);
  assert(String(model.graph([f32([5]), f32([5])])).includes("f32[5]"));
  assertThrows(() => model.graph([f32([5])]), Error, "its inputs are arg_0, arg_1");
  const [a, b] = [tensor([1, 2]), tensor([10])];
  assertEquals(await numbers(model.source(a, b).ADD), [11, 12]);
});

Deno.test("a file with operators of no meaning here loads and refuses to run by name", async () => {
  const one = (await goldenCases()).find((c) => c.name === "golden/ops/svd.v2")!;
  const path = await Deno.makeTempFile({ suffix: ".mge" });
  await Deno.writeFile(path, one.model);
  await using model = await load(path);
  await Deno.remove(path);
  assertEquals([model.operators.SVD, model.inputs.length], [1, 1]);
  const error = await assertRejects(() => model(tensor([[[1]]])), Error, "Cannot run SVD");
  assert(error.message.includes(path));
  assertEquals(model.refusal, error);
});

Deno.test("loading stops when it is told to, and refuses unknown options", async () => {
  await assertRejects(() => load(add, { signal: AbortSignal.abort() }), Error, "abort");
  const stop = new AbortController();
  const loading = load(new URL("resnet18_small/base.v1.mge", home), { signal: stop.signal });
  stop.abort();
  await assertRejects(() => loading, Error, "abort");
  await assertRejects(() => load(add, { onn: 1 } as object), RangeError, "option onn");
});

Deno.test("residents feed further calls, on the machine that is named", async () => {
  await using machine = openReference();
  await using model = await load(add, { on: machine });
  const x = tensor([1, 2, 3]);
  const first = await model(x, x);
  const second = await model(first.ADD, x);
  assertEquals(await numbers(second.ADD), [3, 6, 9]);
});
