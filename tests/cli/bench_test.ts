/**
 * `bench`: a suite is run, compared with its history and kept there; what is slower fails.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { root, temporaryFolder, weft, weftProcess } from "./commands.ts";

/** A suite whose times are stated, in a folder of its own. */
async function suiteWith(folder: string, name: string, ms: Record<string, number>) {
  const path = `${folder}/${name}.ts`;
  await Deno.writeTextFile(
    path,
    `export const targets = ["webgpu", "other"];
    export const usual = 1;
    export function measure({ targets, rows, first }) {
      const all = Object.entries(${JSON.stringify(ms)}).map(([name, ms]) => ({ name, ms }));
      const results = all.filter(({ name }) => rows.test(name));
      const columns = targets.map((target) => ({ target, place: "A (place)", results }));
      return { columns, table: (before) => JSON.stringify([first, [...before.get(targets[0])]]) };
    }`,
  );
  return path;
}

Deno.test("bench stores a run, compares the next with it, and fails beyond the regression", async () => {
  await using folder = await temporaryFolder();
  const at = folder.path;
  const slow = await suiteWith(at, "slow", { a: 2, b: 4 });
  const bench = (suite: string, ...flags: string[]) => weft("bench", "--suite", suite, ...flags);
  const first = await bench(slow, "--save");
  assertEquals([first.status, first.out], [0, "[true,[]]\n"], first.err);
  const file = `${at}/results/a-place-.jsonl`;
  assertEquals(first.err, `stored in ${file}\n`);
  const line = JSON.parse(await Deno.readTextFile(file));
  assertEquals([line.target, line.adapter, line.results.length], ["webgpu", "A (place)", 2]);
  const worse = await suiteWith(at, "worse", { a: 2.4, b: 6, c: 9 });
  const second = await bench(worse, "--no-first");
  assertEquals(second.status, 1, second.err);
  assertEquals(
    second.out,
    '[false,[["a",2],["b",4]]]\n' +
      "SLOWER b on webgpu: 6.000 ms, 1.50 times the stored 4.000 ms; 1.25 times is allowed\n",
  );
  assertEquals((await bench(worse, "--regression", "1.6")).status, 0);
  assertEquals((await bench(worse, "--rows", "^a$")).status, 0);
  // Another place has another history.
  assertEquals((await bench(worse, "--against", `${at}/none`)).status, 0);
  assertEquals((await bench(worse, "--targets", "other")).status, 0);
  const kept = await bench(worse, "--save", "--json");
  const { regression, regressions, saved, columns } = JSON.parse(kept.out);
  assertEquals([kept.status, regression, saved], [1, 1.25, [file]]);
  assertEquals(regressions, [{ name: "b", target: "webgpu", ms: 6, stored: 4, ratio: 1.5 }]);
  assertEquals(columns[0].results[2], { name: "c", ms: 9 });
  assertEquals((await Deno.readTextFile(file)).trim().split("\n").length, 2);
  assertEquals((await bench(worse)).status, 0, "the last line is what is compared with");
});

Deno.test("bench says what is wrong with its suite, its flags and its history", async () => {
  await using folder = await temporaryFolder();
  const at = folder.path;
  const good = await suiteWith(at, "good", { a: 1 });
  await Deno.writeTextFile(`${at}/empty.ts`, "export const a = 1;");
  await Deno.mkdir(`${at}/bad`);
  await Deno.writeTextFile(`${at}/bad/a-place-.jsonl`, "{\n");
  const wrong: readonly [string[], number, string][] = [
    [["--suite", `${at}/none.ts`], 3, "there is no such file"],
    [["--suite", `${at}/empty.ts`], 3, "it exports no `targets` and `measure`"],
    [["--suite", good, "--targets", "wasm"], 2, "the suite has webgpu, other; did you mean"],
    [["--suite", good, "--rows", "("], 2, "Cannot take ( for --rows"],
    [["--suite", good, "--regression", "0.5"], 2, "it takes a number from 1 on"],
    [["--suite", good, "--against", `${at}/bad`], 3, "its last line is none"],
    [["webgpu"], 2, "it takes 0 arguments"],
  ];
  for (const [flags, code, text] of wrong) {
    const { status, out, err } = await weft("bench", ...flags);
    assertEquals([status, out], [code, ""], `${flags.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
  }
});

Deno.test("bench without the repository around it says where the suite is", async () => {
  await using folder = await temporaryFolder();
  const at = folder.path;
  // What a package has: the sources, and no benches.
  for (const name of ["lib", "kernels"]) await copied(`${root}${name}`, `${at}/${name}`);
  for (const name of ["cli.ts", "mod.ts", "deno.json"]) {
    await Deno.copyFile(root + name, `${at}/${name}`);
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--no-lock", `${at}/cli.ts`, "bench"],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 2);
  assertEquals(
    new TextDecoder().decode(stderr),
    "error: Cannot bench: the suite is in the project's repository and not in the package\n" +
      "  try it in a clone, or name a module with --suite FILE\n",
  );
});

async function copied(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copied(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("bench runs a row of the project's own suite, with what its help asks for", async () => {
  const allowed = ["--allow-read", "--allow-write", "--allow-run"];
  const flags = ["--targets", "wasm", "--rows", "^matmul 256$", "--no-first", "--json"];
  await using folder = await temporaryFolder();
  const { status, out, err } = await weftProcess(allowed, [
    ...["bench", ...flags, "--against", folder.path],
  ]);
  assertEquals(status, 0, err);
  const [{ target, results: [row] }] = JSON.parse(out).columns;
  assertEquals([target, row.name, row.steps], ["wasm", "matmul 256", 1]);
  assert(row.ms > 0 && row.ms < 1000);
});
