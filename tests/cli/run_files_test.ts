/**
 * What `run` writes besides outputs: every value, profiles, kernel choices.
 * @module
 */
import { readNpy } from "../../lib/io/npy.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, temporaryFolder, weft as whole } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const cases = dataFile("mge-python/testcases/multi_named.mge");
const weft = (...args: string[]) => whole(...args, "--device", "reference");

Deno.test("run --io-dump writes a line for every value of a module", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/values.txt`;
  const done = await weft("run", module, "--input", "#rand(0,1)", "--io-dump", target);
  assertEquals([done.status, done.out.includes(`ioDump: ${target}`)], [0, true], done.err);
  const lines = (await Deno.readTextFile(target)).trim().split("\n");
  assert(lines[0].startsWith('0 "x" arg #'), lines[0]);
  assertStringIncludes(lines[0], "f32[1,2] 0.548814 … 0.715189");
  assert(lines.every((line, i) => line.startsWith(`${i} "`)));
  assert(lines.some((line) => /"relu#\d+" relu #[0-9a-f]{16} f32\[1,2\]/.test(line)));
  assert(lines.some((line) => line.includes("tests/cli/model.ts:")));
  // The same run gives the same text: this is what two of them are compared by.
  await weft("run", module, "--input", "#rand(0,1)", "--io-dump", `${target}2`);
  assertEquals(await Deno.readTextFile(`${target}2`), lines.join("\n") + "\n");
});

Deno.test("run --io-dump into a folder writes arrays under a file's own names, case by case", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/values/`;
  const done = await weft("run", cases, "--io-dump", target, "--json");
  assertEquals([done.status, JSON.parse(done.out).ioDump], [0, target], done.err);
  for (const number of ["0", "1"]) {
    const index = JSON.parse(await Deno.readTextFile(`${target}${number}/index.json`));
    const names = index.map(({ name }: { name: string }) => name);
    assertEquals(names.slice(0, 3), ["a", "b", "sum"]);
    for (const { file, shape, dtype } of index) {
      const value = readNpy(await Deno.readFile(`${target}${number}/${file}`));
      assertEquals([value.shape, value.dtype], [shape, dtype]);
    }
  }
});

Deno.test("run --profile writes what every kernel of every run did", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/profile.json`;
  for (const subject of [[module, "--input", "#rand(0,1)"], [cases]]) {
    const done = await weft("run", ...subject, "--iter", "3", "--profile", target, "--json");
    assertEquals([done.status, JSON.parse(done.out).profile], [0, target], done.err);
    const profile = JSON.parse(await Deno.readTextFile(target));
    assertEquals([profile.device.name, profile.clock], ["reference", "host"]);
    const calls = profile.plans[0].calls.length;
    assertEquals(calls, subject.length > 1 ? 3 : 6);
    for (const { ns } of profile.plans[0].kernels) assertEquals(ns.length, calls);
  }
  // Warming up runs the model too, and its times do not count.
  const warm = ["--iter", "2", "--warmup", "3", "--profile", target, "--json"];
  const { status } = await weft("run", module, "--input", "#rand(0,1)", ...warm);
  const { plans } = JSON.parse(await Deno.readTextFile(target));
  assertEquals([status, plans[0].calls.length], [0, 5]);
});

Deno.test("run --tune-cache refuses what is no cache, --fast-run says where it changes nothing", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/kernels.json`;
  const run = (...more: string[]) => weft("run", module, "--input", "#rand(0,1)", ...more);
  const fast = await run("--fast-run");
  assertEquals(fast.status, 0);
  assertStringIncludes(fast.err, "note: reference has no kernels to choose from");
  for (const [text, why] of [["{", "JSON"], ["[]", "no kernels"], ['{"kernels":{"a":1}}', "a"]]) {
    await Deno.writeTextFile(file, text);
    const bad = await run("--tune-cache", file);
    assertEquals(bad.status, 3);
    assertStringIncludes(bad.err, `Cannot read the tune cache ${file}: `);
    assertStringIncludes(bad.err, why);
    assertEquals(await Deno.readTextFile(file), text);
  }
});

const adapter = await navigator.gpu?.requestAdapter();
for (const name of ["wasm", "webgpu"]) {
  Deno.test({
    name: `run --fast-run --tune-cache keeps the choices of ${name} for the next run`,
    ignore: name === "webgpu" && !adapter,
    sanitizeOps: false,
    async fn() {
      await using folder = await temporaryFolder();
      const file = `${folder.path}/kernels.json`;
      const digits = dataFile(name === "wasm" ? "mge-golden/cnn.v2.mge" : "mge-golden/mlp.v2.mge");
      const args = ["run", digits, "--input", "#rand(0,1)", "--device", name];
      const first = await whole(...args, "--fast-run", "--tune-cache", file, "--json");
      assertEquals(first.status, 0, first.err);
      const { kernels } = JSON.parse(await Deno.readTextFile(file));
      if (name === "webgpu") assert(Object.keys(kernels).length > 0);
      const text = await Deno.readTextFile(file);
      assertEquals((await whole(...args, "--tune-cache", file, "--json")).status, 0);
      assertEquals(await Deno.readTextFile(file), text);
    },
  });
}
