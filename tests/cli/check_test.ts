/**
 * `check`: recorded folders and embedded cases, what counts as agreeing, what is found and what is
 * refused; and all recorded cases of MegEngine on the reference.
 * @module
 */
import { hostFromBytes } from "../../lib/core/host.ts";
import { readNpy, writeNpy } from "../../lib/io/npy.ts";
import { safetensors } from "../../lib/io/safetensors.ts";
import { writeTo } from "../../lib/io/sink.ts";
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "../std.ts";
import { adapterOrSkip } from "../gpu/adapter.ts";
import { recordedCases, unpackCases } from "../tools/unpack_cases.ts";
import { dataFile, temporaryFolder, weft as whole } from "./commands.ts";

const isThere = await adapterOrSkip();

const weft = (...args: string[]) => whole("check", ...args, "--device", "reference");

const f32 = (shape: readonly number[], ...data: number[]) =>
  hostFromBytes({ dtype: "f32", shape }, new Uint8Array(new Float32Array(data).buffer));

/** The perceptron of the format specification with its published result. */
const output = [2.375, 0, 0, 0, 2.125, 0];

async function perceptron(folder: string, want: readonly number[] = output): Promise<void> {
  await Deno.mkdir(`${folder}/inputs`, { recursive: true });
  await Deno.mkdir(`${folder}/outputs`, { recursive: true });
  await Deno.copyFile(dataFile("mge-golden/mlp.v2.mge"), `${folder}/model.mge`);
  const one = (await recordedCases()).find(({ name }) => name === "golden/mlp.v2")!;
  const { shape, bytes } = one.inputs[0];
  await Deno.writeFile(
    `${folder}/inputs/data.npy`,
    writeNpy(hostFromBytes({ dtype: "f32", shape }, bytes.slice())),
  );
  await Deno.writeFile(`${folder}/outputs/out.npy`, writeNpy(f32([2, 3], ...want)));
}

/** Where some bytes occur last. */
function lastIndexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.length - part.length; at >= 0; at--) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  throw new Error("the bytes do not occur");
}

interface Test {
  readonly name: string;
  readonly result: string;
  readonly reason: string | null;
  readonly worst: { output: string; index: number[]; got: number; want: number } | null;
  readonly ms: number;
  readonly device: string | null;
}

async function results(...args: string[]): Promise<{ status: number; tests: readonly Test[] }> {
  const { status, out } = await weft(...args, "--json");
  return { status, tests: JSON.parse(out).tests };
}

for (const name of ["reference", "wasm"]) {
  Deno.test(`check runs every recorded case on ${name}: what it can run agrees`, async () => {
    await using folder = await temporaryFolder();
    assertEquals(await unpackCases(folder.path, await recordedCases()), 638);
    const { status, out } = await whole("check", folder.path, "--json", "--device", name);
    const tests: readonly Test[] = JSON.parse(out).tests;
    assertEquals([status, tests.length], [1, 638]);
    const failed = tests.filter(({ result }) => result === "failed");
    const refusal =
      /^Cannot (run|stage) [A-Z]\w+( ".*")?( of .*)?: |: a tensor has rank 8, at most 7/;
    const differing = failed.filter(({ reason }) => !refusal.test(reason!));
    assertEquals(differing, []);
    assertGreaterOrEqual(tests.length - failed.length, 604);
    assert(tests.every(({ device, reason }) => device === name && !reason?.includes("\n")));
  });
}

Deno.test("check passes a folder that agrees, and says nothing but the counts", async () => {
  await using folder = await temporaryFolder();
  await perceptron(`${folder.path}/a`);
  const { status, out } = await weft(folder.path);
  assertEquals([status, out], [0, "1 passed, 0 failed, 0 skipped\n"]);
  const { tests } = await results(`${folder.path}/a/`);
  const { ms, ...test } = tests[0];
  assert(ms > 0);
  assertEquals(test, {
    name: `${folder.path}/a`,
    result: "passed",
    reason: null,
    worst: null,
    device: "reference",
  });
});

Deno.test("check exits 1 on a difference and names output, index, got and want", async () => {
  await using folder = await temporaryFolder();
  await perceptron(`${folder.path}/a`, [2.375, 0, 0, 0, 2.25, 7]);
  await perceptron(`${folder.path}/b`);
  const { status, out } = await weft(folder.path);
  assertEquals(status, 1);
  assertEquals(
    out,
    `FAILED ${folder.path}/a: output out: 2 of 6 values differ, first [1,1] is 2.125, ` +
      "wanted 2.25, off by 0.125, worst [1,2] is 0, wanted 7, off by 7\n1 passed, 1 failed, 0 skipped\n",
  );
  const { tests } = await results(folder.path);
  assertEquals(tests[0].worst, { output: "out", index: [1, 2], got: 0, want: 7 });
  const fast = await weft(folder.path, "--fail-fast");
  assertStringIncludes(fast.out, "0 passed, 1 failed, 0 skipped");
  const kept = await weft(folder.path, "--filter", "/b$");
  assertEquals([kept.status, kept.out], [0, "1 passed, 0 failed, 0 skipped\n"]);
});

Deno.test("check takes its tolerance from the flags, else the folder, else the suite", async () => {
  await using folder = await temporaryFolder();
  await perceptron(folder.path, [2.375, 0, 0, 0, 2.2, 0]);
  const status = async (...flags: string[]) => (await weft(folder.path, ...flags)).status;
  assertEquals(await status(), 1);
  assertEquals(await status("--rtol", "0.05"), 0);
  assertEquals(await status("--atol", "0.1"), 0);
  await Deno.writeTextFile(`${folder.path}/tolerance.json`, '{"rtol": 0.05}');
  assertEquals(await status(), 0);
  assertEquals(await status("--rtol", "0.001"), 1);
  await Deno.writeTextFile(`${folder.path}/tolerance.json`, '{"rtol": "much"}');
  const { out } = await weft(folder.path);
  assertStringIncludes(out, "rtol must be a number from 0 on, found much");
});

Deno.test("check finds values by encoded name, by position, and in safetensors", async () => {
  await using folder = await temporaryFolder();
  const at = folder.path;
  await perceptron(at);
  const passed = async () => (await weft(at)).out;
  await Deno.rename(`${at}/inputs/data.npy`, `${at}/inputs/0.npy`);
  await Deno.rename(`${at}/outputs/out.npy`, `${at}/outputs/0.npy`);
  assertEquals(await passed(), "1 passed, 0 failed, 0 skipped\n");
  await Deno.remove(`${at}/outputs`, { recursive: true });
  const want = f32([2, 3], ...output);
  await writeTo(`${at}/outputs.safetensors`, safetensors([["out", want]]).open());
  assertEquals(await passed(), "1 passed, 0 failed, 0 skipped\n");
  await writeTo(`${at}/outputs.safetensors`, safetensors([["uot", want]]).open());
  assertStringIncludes(await passed(), 'holds "uot", the model\'s outputs are out');
  await Deno.remove(`${at}/outputs.safetensors`);
  assertStringIncludes(await passed(), "0 passed, 0 failed, 1 skipped");
  await Deno.mkdir(`${at}/outputs`);
  await Deno.writeFile(`${at}/outputs/1.npy`, writeNpy(want));
  assertStringIncludes(await passed(), "outputs/1.npy is there, the model's outputs are out");
});

Deno.test("check fails a test whose inputs are missing or do not fit", async () => {
  await using folder = await temporaryFolder();
  await perceptron(folder.path);
  await Deno.writeFile(
    `${folder.path}/inputs/data.npy`,
    writeNpy(f32([2, 5], ...new Array(10).fill(0))),
  );
  const wrong = await weft(folder.path);
  assertEquals(wrong.status, 1);
  assertStringIncludes(wrong.out, `FAILED ${folder.path}: Cannot `);
  await Deno.remove(`${folder.path}/inputs/data.npy`);
  const none = await weft(folder.path);
  assertEquals(none.status, 1);
  assertStringIncludes(none.out, "data");
  await Deno.writeFile(`${folder.path}/model.mge`, new Uint8Array(100));
  const damaged = await weft(folder.path);
  assertEquals(damaged.status, 1);
  assertStringIncludes(damaged.out, "Cannot read a model at byte 0");
});

Deno.test("check runs embedded cases by their own assertions, or by a stated tolerance", async () => {
  const cases = dataFile("mge-python/testcases/multi_named.mge");
  const { status, tests } = await results(cases);
  assertEquals([status, tests.map(({ name }) => name)], [0, [`${cases}#0`, `${cases}#1`]]);
  assertEquals((await weft(cases, "--filter", "#1$")).out, "1 passed, 0 failed, 0 skipped\n");
  // An expected value of the last case, changed in its bytes
  await using folder = await temporaryFolder();
  const bytes = await Deno.readFile(cases);
  const [sum] = [...readNpy(await Deno.readFile(cases.replace(".mge", ".case1.3.npy"))).data];
  const at = lastIndexOf(bytes, new Uint8Array(new Float32Array([Number(sum)]).buffer));
  bytes.set(new Uint8Array(new Float32Array([Number(sum) + 1]).buffer), at);
  await Deno.writeFile(`${folder.path}/changed.mge`, bytes);
  const wrong = await results(folder.path);
  assertEquals([wrong.status, wrong.tests[1].result], [1, "failed"]);
  assertStringIncludes(wrong.tests[1].reason!, "output ");
  assert(wrong.tests[1].worst !== null);
  assertEquals((await weft(folder.path, "--atol", "100")).status, 0);
});

Deno.test("check skips a file without cases, and cases that expect nothing", async () => {
  const bare = await results(dataFile("mge-golden/mlp.v2.mge"));
  assertEquals([bare.status, bare.tests[0].result], [0, "skipped"]);
  assertEquals(bare.tests[0].reason, "it has no embedded cases");
  const silent = await weft(dataFile("mge-python/testcases/no_assert.mge"));
  assertEquals([silent.status, silent.out], [0, "0 passed, 0 failed, 2 skipped\n"]);
});

Deno.test("check says when there is nothing to check, and refuses what it cannot read", async () => {
  await using folder = await temporaryFolder();
  const empty = await weft(folder.path);
  assertEquals([empty.status, empty.out], [2, ""]);
  assertStringIncludes(empty.err, "there is no test below");
  await perceptron(`${folder.path}/a`);
  const none = await weft(folder.path, "--filter", "nothing");
  assertEquals(none.status, 2);
  assertStringIncludes(none.err, "with a name that matches nothing");
  const bad = await weft(folder.path, "--filter", "(");
  assertEquals(bad.status, 2);
  const missing = await weft(`${folder.path}/b`);
  assertEquals(missing.status, 3);
  assertStringIncludes(missing.err, "there is no such file or folder");
  await Deno.mkdir(`${folder.path}/onnx`);
  await Deno.writeFile(`${folder.path}/onnx/model.onnx`, new Uint8Array(8));
  const onnx = await weft(folder.path);
  assertEquals([onnx.status, onnx.out], [3, ""]);
  assertStringIncludes(onnx.err, "onnx/model.onnx: it is an ONNX model");
  assertEquals((await weft(folder.path, "--filter", "/a$")).status, 0);
});

for (const name of ["wasm", "webgpu"]) {
  const ignore = name === "webgpu" && !isThere;
  Deno.test(`check --device ${name} runs every operator there`, { ignore }, async () => {
    const cases = dataFile("mge-python/testcases");
    const { status, out, err } = await whole("check", cases, "--device", name, "--json");
    const { passed, failed, skipped, tests } = JSON.parse(out);
    assertEquals([status, passed, failed, skipped], [0, 31, 0, 2]);
    assertStringIncludes(err, `device: ${name} (`);
    const where = new Set(tests.map(({ device }: Test) => device));
    assertEquals(where, new Set([name, null]));
  });
}

Deno.test("check says why it took a target that nobody named", async () => {
  const cases = dataFile("mge-python/testcases/rand.mge");
  for (const name of ["cpu", "auto"]) {
    const { status, err } = await whole("check", cases, "--device", name);
    assertEquals(status, 0);
    assert(new RegExp(`^device: (wasm|webgpu) \\(.*\\), ${name}: `).test(err), err);
  }
});
