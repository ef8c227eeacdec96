/**
 * The help of the program and of every command, as recorded under `help/`, and the permissions
 * that it prints: commands run with these and no others. `deno test -A tests/cli/help_test.ts --
 * --update` records the texts anew.
 * @module
 */
import { program } from "../../cli.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, temporaryFolder, weft, weftProcess } from "./commands.ts";

const folder = new URL("help/", import.meta.url);

Deno.test("the help of every command is the recorded text, within 100 columns", async () => {
  const pages: [string, string[]][] = [["weft", ["--help"]]];
  for (const { name } of program.commands) pages.push([name, [name, "--help"]]);
  for (const [name, args] of pages) {
    const { status, out, err } = await weft(...args);
    assertEquals([status, err], [0, ""]);
    assert(out.split("\n").every((line) => line.length <= 100), `${name} is too wide`);
    const file = new URL(`${name}.txt`, folder);
    if (Deno.args.includes("--update")) await Deno.writeTextFile(file, out);
    assertEquals(out, await Deno.readTextFile(file), name);
  }
});

Deno.test("the help of commands that take a model says that modules are executed", async () => {
  for (const name of ["dump", "run", "inspect", "profile", "convert", "compare", "strip"]) {
    const { out } = await weft(name, "--help");
    assertStringIncludes(out.replace(/\s+/g, " "), "A module is executed");
  }
  assertEquals((await weft("--version")).out, `weft ${program.version}\n`);
});

Deno.test("inspect, run and check need read permission for their inputs, nothing else", async () => {
  const file = dataFile("mge-golden/mlp.v2.mge");
  const read = `--allow-read=${file}`;
  const inspect = await weftProcess([read], ["inspect", file, "--json"]);
  assertEquals([inspect.status, JSON.parse(inspect.out).format], [0, "V2"]);
  const run = ["run", file, "--input", "#rand(0,1)", "--device", "reference"];
  assertEquals((await weftProcess([read], run)).status, 0);
  const cases = dataFile("mge-python/testcases");
  const check = await weftProcess([`--allow-read=${cases}`], [
    ...["check", cases, "--device", "reference"],
  ]);
  assertEquals([check.status, check.out], [0, "31 passed, 0 failed, 2 skipped\n"]);
  const none = await weftProcess([], ["inspect", file]);
  assertEquals([none.status, none.out], [2, ""]);
  assertStringIncludes(none.err, "Requires read access");
  assertStringIncludes(none.err, '"weft inspect --help" lists the permissions');
});

Deno.test("run --output needs read and write permission for its folder", async () => {
  await using made = await temporaryFolder();
  const file = dataFile("mge-golden/mlp.v2.mge");
  const target = `${made.path}/out`;
  const args = ["run", file, "--input", "#rand(0,1)", "--device", "reference", "-o", target];
  const refused = await weftProcess([`--allow-read=${file}`], args);
  assertEquals([refused.status, refused.out], [2, ""]);
  const done = await weftProcess([
    ...[`--allow-read=${file},${target}`, `--allow-write=${target}`],
  ], args);
  assertEquals(done.status, 0, done.err);
  assertEquals([...Deno.readDirSync(target)].map(({ name }) => name), ["out.npy"]);
});

Deno.test("inspect --html needs read and write permission for its folder", async () => {
  await using made = await temporaryFolder();
  const file = dataFile("mge-golden/mlp.v2.mge");
  const args = ["inspect", file, "--html", `${made.path}/page.html`, "--json"];
  const refused = await weftProcess([`--allow-read=${file}`], args);
  assertEquals([refused.status, refused.out], [2, ""]);
  const done = await weftProcess([
    ...[`--allow-read=${file},${made.path}`, `--allow-write=${made.path}`],
  ], args);
  assertEquals(done.status, 0, done.err);
  assertEquals([...Deno.readDirSync(made.path)].map(({ name }) => name), ["page.html"]);
});

Deno.test("profile needs read permission for its inputs, and its reports their folder", async () => {
  await using made = await temporaryFolder();
  const file = dataFile("mge-golden/mlp.v2.mge");
  const args = ["profile", file, "--input", "#rand(0,1)", "--device", "wasm", "--json"];
  const plain = await weftProcess([`--allow-read=${file}`], args);
  assertEquals([plain.status, JSON.parse(plain.out).device.name], [0, "wasm"], plain.err);
  const reports = ["--html", `${made.path}/a.html`, "--chrome-trace", `${made.path}/a.json`];
  const refused = await weftProcess([`--allow-read=${file}`], [...args, ...reports]);
  assertEquals([refused.status, refused.out], [2, ""]);
  const done = await weftProcess([
    ...[`--allow-read=${file},${made.path}`, `--allow-write=${made.path}`],
  ], [...args, ...reports]);
  assertEquals(done.status, 0, done.err);
  const names = [...Deno.readDirSync(made.path)].map(({ name }) => name);
  assertEquals(names.sort(), ["a.html", "a.json"]);
});

Deno.test("a module is read with its imports, and with no other permission", async () => {
  const module = `${root}tests/cli/model.ts`;
  const args = ["inspect", module, "--json"];
  const done = await weftProcess([`--allow-read=${module},${root}mod.ts,${root}lib`], args);
  assertEquals([done.status, JSON.parse(done.out).format], [0, "module"]);
  const refused = await weftProcess([`--allow-read=${module}`], args);
  assertEquals([refused.status, refused.out], [2, ""]);
  assertStringIncludes(refused.err, "it needs read access to");
});

Deno.test("doctor needs no permission", async () => {
  const { status, out } = await weftProcess([], ["doctor", "--json"]);
  assertEquals(status, 0);
  const { targets } = JSON.parse(out);
  assertEquals(targets.map((t: { name: string }) => t.name), ["webgpu", "wasm", "reference"]);
  const { available, gflops } = targets[1];
  assert(available && gflops > targets[2].gflops, out);
});

Deno.test("ops is a table of all operations, as text, Markdown and JSON, with no permission", async () => {
  const { status, out } = await weftProcess([], ["ops", "--json"]);
  assertEquals(status, 0);
  const rows: Record<string, unknown>[] = JSON.parse(out);
  const keys = ["name", "reference", "webgpu", "wasm", "gradient", "v1", "v2", "onnx"];
  assert(rows.length > 100 && rows.every((row) => String(Object.keys(row)) === String(keys)));
  const add = rows.find(({ name }) => name === "add")!;
  const there = [add.reference, add.webgpu, add.wasm, add.v1, add.v2, add.onnx];
  assertEquals(there, [true, true, true, true, true, false]);
  assertEquals((await weft("ops")).out.split("\n").length, rows.length + 2);
  assertStringIncludes((await weft("ops", "--markdown")).out, "| add | yes | yes | yes | yes |");
});
