/**
 * Dumping functions: streams, sinks, test cases, strip info, and what goes wrong.
 * @module
 */
import { FormatError, TraceError } from "../../lib/core/fault.ts";
import type { Source } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, i32, named } from "../../lib/core/type.ts";
import { gathered, gunzip } from "../../lib/io/stream.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { add, mul, sub } from "../../lib/ops/arithmetic.ts";
import { relu } from "../../lib/ops/activation.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { dump } from "../../lib/trace/dump.ts";
import { dumpTo } from "../../lib/trace/dump_to.ts";
import { excludeFromTrace } from "../../lib/trace/exclude.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { trace } from "../../lib/trace/trace.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";
import { inFolder } from "./folder.ts";

const line = (x: Tensor) => relu(sub(mul(x, 2), 1));
const megabyte = 2 ** 20;

/** Floats made while they are asked for; counts how many chunks were. */
function made(megabytes: number, failAt = Infinity): { source: Source; given: () => number } {
  let given = 0;
  const source: Source = {
    ...f32([megabytes * 256, 1024]),
    async *open() {
      for (let i = 0; i < megabytes; i++) {
        if (i >= failAt) throw new Error("the disk is gone");
        given++;
        await Promise.resolve();
        yield new Uint8Array(megabyte).fill(i);
      }
    },
  };
  return { source, given: () => given };
}

Deno.test("dump: a stream of the file with its info, gzip or not", async () => {
  const plain = dump(line, [f32([1, 4])]);
  const info = await plain.info;
  const bytes = await gathered(plain);
  assertEquals(bytes.length, info.totBytes);
  const packed = dump(line, [f32([1, 4])], { gzip: true });
  assertEquals(await gathered(gunzip(packed)), bytes);
  const model = await load(bytes);
  const out = await model(tensor([[0, 1, 2, 3]]));
  assertEquals([...(await read(out.RELU)).data], [0, 1, 3, 5]);
});

Deno.test("dump: a traced function writes what its latest call did", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/line.mge`;
    const traced = trace(line, { captureAsConst: true });
    await traced(tensor([[1, 2]]));
    const seen: number[] = [];
    const info = await dumpTo(traced, path, {
      onProgress: (n) => seen.push(n),
      userInfo: { by: "me" },
    });
    assertEquals(info.totBytes, (await Deno.stat(path)).size);
    assertEquals(seen[seen.length - 1], info.totBytes);
    const model = await load(path);
    assertEquals(model.inputs.map(({ name, shape }) => [name, shape]), [["arg_0", [1, 2]]]);
    assertEquals(model.metadata.userInfo, { by: "me" });
    const other = trace(line, { recordOnly: true });
    await dumpTo(other, path, { types: [named("img", f32([3, 4]))], format: "FBS" });
    assertEquals((await load(path)).inputs.map(({ name }) => name), ["img"]);
    using file = await Deno.open(`${folder}/open.mge`, { write: true, create: true });
    await dumpTo(traced, file);
    assertEquals((await Deno.stat(`${folder}/open.mge`)).size > 0, true);
    const whole = new TransformStream<Uint8Array, Uint8Array>();
    const [, got] = await Promise.all([
      dumpTo(traced, whole.writable),
      gathered(whole.readable),
    ]);
    assert(got.length > 100);
    await traced.dispose();
  });
});

Deno.test("dump: what stands in the way is said", async () => {
  assertThrows(() => dump(line, [f32([4])], { enableFoo: true } as object), RangeError, "known");
  const bound = trace(line);
  await assertRejects(() => dumpTo(bound, "x.mge"), TraceError, "captureAsConst: true");
  const fresh = trace(line, { captureAsConst: true });
  await assertRejects(() => dumpTo(fresh, "x.mge"), TraceError, "never called");
  const silent = dump(() => [], []);
  await assertRejects(() => silent.info, RangeError, "should return a tensor");
  await assertRejects(() => gathered(silent), RangeError, "should return a tensor");
  await assertRejects(
    () => dumpTo(fresh, new WritableStream(), { append: true }),
    RangeError,
    "append is for paths",
  );
  const outside = trace(async (x: Tensor) => {
    const y = await excludeFromTrace(async (t: Tensor) => tensor((await read(t)).data), x);
    return add(x, y as Tensor);
  }, { captureAsConst: true });
  await outside(tensor([1, 2]));
  const error = await assertRejects(() => dumpTo(outside, "x.mge"), TraceError, "excluded");
  assertEquals(error.reason, "excluded region");
});

Deno.test("dump: test cases hold NumPy's numbers and what the graph makes of them", async () => {
  const logged: string[] = [];
  const stream = dump(line, [f32([1, 4])], {
    inputData: ["#rand(0,255)", "#rand(-1, 1, 3, ...)"],
    log: (text) => logged.push(text),
  });
  const info = await stream.info;
  assertEquals([info.nrOpr, info.inputs], [17, ["RELU:expect", "arg_0"]]);
  const bytes = await gathered(stream);
  assertEquals(bytes.length, info.totBytes);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, 8)), "mgbtest0");
  const { testcases } = await readModel(arrayBytes(bytes));
  assertEquals(testcases.length, 2);
  const first = await Promise.all(
    testcases[0].oprs.map(async ({ tensors: [t] }) =>
      new Float32Array((await gathered(t.value!.open())).slice().buffer)
    ),
  );
  // what MegEngine 1.13.0 stores for the same function and spec
  assertEquals(first.map((v) => [...v]), [
    [278.8948974609375, 363.74658203125, 306.4093322753906, 276.8904113769531],
    [139.94744873046875, 182.373291015625, 153.7046661376953, 138.94520568847656],
  ]);
  assertEquals(testcases[1].oprs.map(({ tensors: [t] }) => [...t.shape]), [[3, 4], [3, 4]]);
  assertEquals(logged.length, 4);
  assert(logged[0].startsWith("arg_0: shape [1,4], f32, 138.9"));
});

Deno.test("dump: specs of test cases", async () => {
  await inFolder(async (folder) => {
    const array = `${folder}/a.npy`;
    await Deno.writeFile(
      array,
      writeNpy({ ...f32([1, 4]), data: new Float32Array([1, 2, 3, 4]) }),
    );
    await Deno.writeTextFile(`${folder}/list.txt`, `${array}\n\n#rand(0,1)\n`);
    const cases = async (f: (...ins: never[]) => unknown, inputData: string[], more = {}) => {
      const types = Array.from({ length: f.length }, () => f32([1, 4]));
      const bytes = await gathered(dump(f, types, { inputData, ...more }));
      const file = await readModel(arrayBytes(bytes));
      return [...file.models, ...file.testcases];
    };
    assertEquals((await cases(line, [`@${folder}/list.txt`, "#rand(0,1)"])).length, 4);
    const [main, repeated] = await cases(line, [array], { repeat: 3, noAssert: true });
    assertEquals(main.oprs.some(({ type }) => type === "AssertEqual"), false);
    assertEquals([...repeated.oprs[0].tensors[0].shape], [3, 4]);
    const both = (a: Tensor, b: Tensor) => [add(a, b), mul(a, b)];
    const [, two] = await cases(both, ["arg_1:#rand(5,6);arg_0:#rand(0,1)"], { format: "FBS" });
    assertEquals([two.format, two.oprs.length], ["V1", 4]);
    const refused = (spec: string, text: string, more = {}) =>
      assertRejects(() => cases(line, [spec], more), RangeError, text);
    await refused("#rnd(0,1)", "bad spec #rnd(0,1)");
    await refused("#rand(1)", "bad spec #rand(1)");
    await refused("#rand(0,1,4)", "input/data shapes mismatch: [1,4] vs [4]");
    await refused("foo:#rand(0,1)", "no such input");
    await assertRejects(() => cases(line, ["cat.jpg"]), FormatError, "cat.jpg: there is no such");
    await refused("#rand(0,1)", "files only", { inputTransform: (h: unknown) => h });
    await assertRejects(() => cases(line, []), RangeError, "testcases can not be empty");
    await assertRejects(() => cases(both, ["arg_0:#rand(0,1)"]), RangeError, "required inputs");
  });
});

Deno.test("dump: cases as values, with what is expected of them or without", async () => {
  const host = (shape: readonly number[], ...data: number[]) => ({
    ...f32(shape),
    data: Float32Array.from(data),
  });
  const x = host([2, 4], 1, 2, 3, 4, 5, 6, 7, 8);
  const double = (x: Tensor) => ({ y: mul(x, 2) });
  const bytes = async (...cases: Readonly<Record<string, unknown>>[]) =>
    await gathered(dump(double, [named("x", f32([1, 4]))], { inputData: cases as never }));
  const wrong = host([2, 4], 0, 0, 0, 0, 0, 0, 0, 0);
  const model = await load(await bytes({ x }, { x, "y:expect": wrong }));
  const [computed, given] = await Promise.all(model.testcases.map((one) => one.run()));
  assertEquals([computed.passed, given.passed, given.worst], [true, false, 16]);
  model.dispose();
  const refused = (one: Readonly<Record<string, unknown>>, text: string) =>
    assertRejects(() => bytes(one), RangeError, text);
  await refused({}, "Cannot make a test case without a value for the input x");
  await refused({ x, z: x }, "Cannot make a test case with z: there is no such input, they are x");
  await refused({ x: host([4], 1, 2, 3, 4) }, "with x: f32[4]: it is f32[1,4]");
});

Deno.test("dump: strip info, new and merged; appended files", async () => {
  await inFolder(async (folder) => {
    const [path, strip] = [`${folder}/m.mge`, `${folder}/strip.json`];
    const types = [f32([1, 4])];
    const first = trace(line, { captureAsConst: true });
    const info = await dumpTo(first, path, { types, stripInfoFile: strip, format: "FBS" });
    const one = JSON.parse(await Deno.readTextFile(strip));
    assertEquals(one.elemwise_modes, ["MUL", "RELU", "SUB"]);
    assertEquals(one.opr_types, ["Elemwise", "Host2DeviceCopy", "ImmutableTensor"]);
    assertEquals(one.dtypes, ["Float32"]);
    assert((await Deno.readTextFile(strip)).endsWith(`"hash": ${info.contentHash}}`));
    const second = trace((x: Tensor) => add(x, 1), { captureAsConst: true });
    const more = { types: [i32([2])], stripInfoFile: strip, appendJson: true };
    const size = (await Deno.stat(path)).size;
    const appended = await dumpTo(second, path, { ...more, append: true });
    const two = JSON.parse(await Deno.readTextFile(strip));
    assertEquals(two.elemwise_modes, ["MUL", "RELU", "SUB", "ADD"]);
    assertEquals(two.dtypes, ["Float32", "Int32"]);
    assertEquals((await Deno.stat(path)).size, size + appended.totBytes);
  });
});

Deno.test("dump: 256 MB pass through without being held", async () => {
  const { source, given } = made(256);
  const w = constant(source, "w");
  const types = [f32([1, 65536])];
  const stream = dump((x: Tensor) => matmul(x, w), types, { keepParamName: true });
  const info = await stream.info;
  assertEquals([info.tensorValueBytes, info.params], [256 * megabyte, ["w"]]);
  assertEquals(given(), 0);
  let bytes = 0, most = 0;
  const before = Deno.memoryUsage().rss;
  const see = (chunk: Uint8Array) => {
    bytes += chunk.length;
    most = Math.max(most, Deno.memoryUsage().rss - before);
  };
  for await (const chunk of stream) see(chunk);
  assertEquals(bytes, info.totBytes);
  const traced = trace((x: Tensor) => matmul(x, w), { captureAsConst: true });
  await dumpTo(traced, new WritableStream({ write: see }), { types, format: "FBS" });
  assertEquals(given(), 512);
  assert(most < 224 * megabyte, `${most} bytes more`);
});

Deno.test("dump: a cancelled or failing dump leaves the old file and asks for no more", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/old.mge`;
    await Deno.writeTextFile(path, "old");
    const writing = (source: Source, signal?: AbortSignal) => {
      const w = constant(source, "w");
      const f = trace((x: Tensor) => matmul(x, w), { captureAsConst: true });
      return dumpTo(f, path, { types: [f32([1, source.shape[0]])], format: "FBS", signal });
    };
    await assertRejects(() => writing(made(8, 5).source), Error, "the disk is gone");
    const short: Source = {
      ...f32([256, 1024]),
      open: () => ReadableStream.from([new Uint8Array(4)]),
    };
    await assertRejects(() => writing(short), FormatError, "its source gave 4 bytes");
    const { source, given } = made(64);
    const control = new AbortController();
    const slow: Source = {
      ...source,
      async *open() {
        for await (const chunk of source.open()) {
          yield chunk;
          if (given() === 3) control.abort(new Error("enough"));
        }
      },
    };
    await assertRejects(() => writing(slow, control.signal), Error, "enough");
    assert(given() < 10, `${given()} chunks`);
    assertEquals(await Deno.readTextFile(path), "old");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["old.mge"]);
    const held = made(64);
    const stream = dump((x: Tensor) => matmul(x, constant(held.source)), [f32([1, 16384])]);
    const reader = stream.getReader();
    for (let i = 0; i < 4; i++) await reader.read();
    await reader.cancel();
    assert(held.given() < 16, `${held.given()} chunks`);
  });
});
