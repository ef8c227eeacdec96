/**
 * The rules of the house, read off the sources: who imports whom, how long files are, what modules
 * hold, and that the list of operations is whole. Exceptions stand here and may only shrink.
 * @module
 */
import { assert, assertEquals } from "./std.ts";

const root = new URL("../", import.meta.url).pathname;
const rooms = [
  "core",
  "cpu",
  "op",
  "ops",
  "model",
  "grad",
  "pass",
  "stage",
  "plan",
  "kernels",
  "gpu",
  "wasm",
  "io",
  "mge",
  "trace",
  "report",
  "cli",
];
/** Files past 300 lines, with the length they may have. */
const long: Readonly<Record<string, number>> = {};

interface File {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(root + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* walk(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

async function files(...folders: readonly string[]): Promise<File[]> {
  const found: File[] = [];
  for (const folder of folders) {
    for await (const path of walk(folder)) {
      const text = await Deno.readTextFile(root + path);
      const imports = [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)]
        .map(([, to]) => new URL(to, `file:///${path}`).pathname.slice(1));
      found.push({ path, text, imports });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

function roomOf(path: string): string | undefined {
  if (path.startsWith("kernels/")) return "kernels";
  return /^lib\/([a-z]+)\//.exec(path)?.[1];
}

Deno.test("house: a room imports only from rooms to its left", async () => {
  const wrong: string[] = [];
  for (const { path, imports } of await files("lib", "kernels")) {
    const own = rooms.indexOf(roomOf(path) ?? "");
    assert(own >= 0, `${path} is in no room`);
    for (const to of imports) {
      const other = rooms.indexOf(roomOf(to) ?? "");
      if (other < 0 || other > own) wrong.push(`${path} imports ${to}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("house: operations never see a target, and no operation imports their list", async () => {
  const wrong = (await files("lib/ops", "lib/op")).flatMap(({ path, imports, text }) => [
    ...imports.filter((to) => /kernels|lib\/(gpu|wasm|plan)/.test(to)).map((to) =>
      `${path} → ${to}`
    ),
    ...(path !== "lib/ops/mod.ts" && imports.includes("lib/ops/mod.ts")
      ? [`${path} → the list`]
      : []),
    ...(/wgsl|webassembly/i.test(text) ? [`${path} names a target`] : []),
  ]);
  assertEquals(wrong, []);
});

Deno.test("house: op files hold only imports and declarations at their top level", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await files("lib/ops")) {
    for (const line of text.split("\n")) {
      if (
        /^[a-z]/.test(line) && !/^(import|export|function|const|interface|type|async)\b/.test(line)
      ) {
        wrong.push(`${path}: ${line}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("house: files have at most 300 lines of at most 100 columns", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await files("lib", "kernels", "bench", "tests", "examples")) {
    if (path.includes("/peers/") || path.includes("/data/")) continue;
    const lines = text.split("\n");
    const most = path.startsWith("tests/") || path.startsWith("bench/") ? 400 : long[path] ?? 300;
    if (lines.length - 1 > most) wrong.push(`${path}: ${lines.length - 1} lines`);
    if (path.startsWith("tests/")) continue;
    lines.forEach((line, i) => {
      if (line.length > 120) wrong.push(`${path}:${i + 1}: ${line.length} columns`);
    });
  }
  assertEquals(wrong, []);
});

Deno.test("house: every file opens with a paragraph, and no module holds mutable state", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await files("lib", "kernels")) {
    if (!/^(\/\/ deno-lint[^\n]*\n)?\/\*\*[\s\S]*?@module/.test(text)) {
      wrong.push(`${path}: no paragraph`);
    }
    if (/^(export )?let /m.test(text)) wrong.push(`${path}: module-level let`);
    if (/^export default/m.test(text)) wrong.push(`${path}: default export`);
    if (/^(export )?enum /m.test(text)) wrong.push(`${path}: enum`);
    if (/\b(TODO|FIXME|XXX)\b/.test(text)) wrong.push(`${path}: unfinished`);
  }
  assertEquals(wrong, []);
});

Deno.test("house: nothing refers to what lies outside the repository", async () => {
  const wrong = (await files("lib", "kernels", "tests", "examples", "bench"))
    .filter(({ path, text }) =>
      path !== "tests/house_test.ts" && /\.\.\/shared|\/work\//.test(text)
    )
    .map(({ path }) => path);
  assertEquals(wrong, []);
});

Deno.test("house: the library depends on fflate and flatbuffers, the command line on std too", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await files("lib", "kernels")) {
    for (const [, to] of text.matchAll(/^(?:import|export|\}) .*from "([^."][^"]*)"/gm)) {
      const ok = to === "fflate" || to === "flatbuffers" ||
        (path.startsWith("lib/cli/") && to.startsWith("@std/"));
      if (!ok) wrong.push(`${path} imports ${to}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("house: the list of operations holds every operation, once, each with cases", async () => {
  const { ops } = await import("../lib/ops/mod.ts");
  const names = ops.map((o) => o.name);
  assertEquals(names.length, new Set(names).size, "a name stands twice");
  const declared = (await files("lib/ops")).flatMap(({ path, text }) =>
    path === "lib/ops/mod.ts"
      ? []
      : [...text.matchAll(/^ {2}name: "(\w+)",$/gm)].map(([, name]) => name)
  );
  assertEquals(declared.filter((name) => !names.includes(name)), []);
  assertEquals(ops.filter((o) => o.cases.length === 0).map((o) => o.name), []);
});

/** The first sentence of what a docstring holds, on one line and without its full stop. */
function firstSentence(docstring: string): string {
  const text = docstring.replace(/\n \* ?/g, " ").trim();
  return /^[\s\S]*?(?=\.(?:\s|$)|$)/.exec(text)![0];
}

/** Docstrings above the top-level declarations of a file, by exported name and by operation. */
function docstrings(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const heads = [
    ...text.matchAll(/^(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?(export )?(?:const|function) (\w+)/gm),
  ];
  heads.forEach(({ index, 1: docstring, 2: exported, 3: symbol }, i) => {
    if (docstring === undefined) return;
    if (exported) found.set(symbol, docstring);
    const body = text.slice(index, heads[i + 1]?.index);
    const named = /(?:\{\n {2}name: |= \w+\(\s*)"(\w+)"/.exec(body)?.[1];
    if (named && !found.has(named)) found.set(named, docstring);
  });
  return found;
}

Deno.test("house: the doc of an operation is the first sentence of its docstring", async () => {
  const { ops } = await import("../lib/ops/mod.ts");
  const above = new Map((await files("lib/ops")).flatMap(({ text }) => [...docstrings(text)]));
  const wrong = ops.flatMap(({ name, doc }) => {
    const docstring = above.get(name);
    const sentence = docstring === undefined ? "(no docstring)" : firstSentence(docstring);
    return sentence === doc ? [] : [`${name}: ${sentence} ≠ ${doc}`];
  });
  assertEquals(wrong, []);
});

Deno.test("house: mod.ts exports these values, and these types", async (t) => {
  const values = Object.keys(await import("../mod.ts")).sort();
  const text = await Deno.readTextFile(root + "mod.ts");
  const types = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, whole, list]) =>
    list.split(",").map((item) => item.trim()).filter((item) =>
      item && (whole || item.startsWith("type "))
    ).map((item) => item.replace(/^type /, "").replace(/^.* as /, ""))
  ).sort();
  await t.assertSnapshot({ values, types });
});
