/**
 * `inspect --passes`, `--binding`, `--known`: partial evaluation as a reader sees it.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, weft } from "./commands.ts";

const module = `${root}tests/cli/passes_model.ts`;
const inspect = async (...flags: string[]) => {
  const { status, out, err } = await weft("inspect", module, ...flags);
  assertEquals([status, err], [0, ""]);
  return out;
};

Deno.test("inspect --passes counts what was simplified, shared, folded and fused", async () => {
  assertEquals(
    await inspect("--passes"),
    `passes of level 2
  pass        operations  constants
  identities  15          3          nothing
  simplify    15 → 12     3 → 2      logOfExp, neutral
  share       12 → 8      2          4 shared
  fold        8 → 5       2 → 1      3 folded
  tidy        5           1          nothing
  kernels     5 → 1                  4 fused
kernels on WebAssembly
  matmul+relu+mul+add
`,
  );
  assertEquals(
    await inspect("--passes", "--opt-level", "1", "--after", "share"),
    `passes of level 1
  pass        operations  constants
  identities  15          3          nothing
  simplify    15 → 12     3 → 2      logOfExp, neutral
  share       12 → 8      2          4 shared
`,
  );
  const zero = await inspect("--passes", "--opt-level", "0");
  assertStringIncludes(zero, "  identities  15          3          nothing\n  kernels     15");
  assert(!zero.includes("simplify"));
});

Deno.test("inspect --passes --graph prints the text before and after each pass", async (t) => {
  const out = await inspect("--passes", "--graph");
  await t.assertSnapshot(out);
  // The text after each pass is what --after prints.
  const parts = out.split(/^\/\/ (?:after (\w+): .*|as it is written)\n/m);
  let last = parts[2];
  assertEquals(last.trimEnd() + "\n", await inspect("--graph"));
  for (let i = 3; i < parts.length; i += 2) {
    if (parts[i + 1].trim() !== "") last = parts[i + 1];
    assertEquals(last.trimEnd() + "\n", await inspect("--graph", "--after", parts[i]), parts[i]);
  }
  assertEquals(last.trimEnd() + "\n", await inspect("--graph", "--opt-level", "2"));
});

Deno.test("inspect --passes --json has the same for programs", async () => {
  const found = JSON.parse(await inspect("--passes", "--graph", "--json"));
  assertEquals(found.format, "module");
  assertEquals(found.level, 2);
  assertEquals(found.written + "\n", await inspect("--graph"));
  assertEquals(found.passes.map(({ name }: { name: string }) => name), [
    ...["identities", "simplify", "share", "fold", "tidy"],
  ]);
  const [identities, simplify, share, fold] = found.passes;
  assertEquals([identities.changed, identities.graph], [false, found.written]);
  assertEquals(simplify.laws, { logOfExp: 1, neutral: 1 });
  assertEquals([share.shared, share.operations], [4, { before: 12, after: 8 }]);
  assertEquals([fold.folded, fold.constants], [3, { before: 2, after: 1 }]);
  assertEquals(fold.graph + "\n", await inspect("--graph", "--after", "fold"));
  assertEquals(found.plan, { operations: 5, kernels: ["matmul+relu+mul+add"], fused: 4 });
  const counts = JSON.parse(await inspect("--passes", "--json"));
  assertEquals("written" in counts || "graph" in counts.passes[0], false);
});

Deno.test("inspect --binding marks what is static, and --known makes more so", async (t) => {
  const plain = await inspect("--graph", "--binding");
  const known = await inspect("--graph", "--binding", "--known", "mask=#rand(0,1)");
  await t.assertSnapshot(known);
  const count = (text: string, word: string) => text.split(`// ${word}\n`).length - 1;
  assertEquals([count(plain, "static"), count(plain, "dynamic")], [6, 14]);
  // The argument, and two exponentials of it.
  assertEquals([count(known, "static"), count(known, "dynamic")], [9, 11]);
  assertEquals(plain.replace(/ {2}\/\/ \w+$/gm, ""), await inspect("--graph"));
  const folded = await inspect("--known", "mask=#rand(0,1)", "--graph", "--after", "fold");
  assert(!folded.includes("exp(") && !folded.includes('arg "mask"'), folded);
  const passes = await inspect("--known", "mask=#rand(0,1)", "--passes");
  assertStringIncludes(passes, "  fold        8 → 4       3 → 2      4 folded");
});

Deno.test("inspect --known says what is wrong with what it is given", async () => {
  const wrong: readonly [string, number, string][] = [
    ["x=none.npy", 3, "there is no such file"],
    ["y=#rand(0,1)", 2, "the inputs are x, mask; did you mean x?"],
    ["x", 2, "it is written NAME=SPEC"],
    ["x=#rand(0,1,7)", 2, "input/data shapes mismatch: [1,2] vs [7]"],
  ];
  for (const [known, code, text] of wrong) {
    const { status, out, err } = await weft("inspect", module, "--graph", "--known", known);
    assertEquals([status, out], [code, ""], err);
    assertStringIncludes(err, text);
  }
});

Deno.test("inspect --passes reads files too, and names every pass in the help", async () => {
  const file = dataFile("mge-golden/cnn.v2.mge");
  const { status, out } = await weft("inspect", file, "--passes");
  assertEquals(status, 0);
  assertStringIncludes(out, "kernels on WebAssembly\n");
  const help = (await weft("inspect", "--help")).out.replace(/\s+/g, " ");
  for (const name of ["identities", "simplify", "share", "fold", "tidy"]) {
    assertStringIncludes(help, `${name} `);
  }
  assertStringIncludes(help, "fold makes static terms constants");
});
