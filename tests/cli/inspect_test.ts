/**
 * `inspect`: files and modules, as text, as JSON and as graphs; what is no model is refused.
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../std.ts";
import { goldenCases } from "../tools/unpack_cases.ts";
import { dataFile, root, temporaryFolder, weft, weftWith } from "./commands.ts";

const perceptron = dataFile("mge-golden/mlp.v2.mge");
const module = `${root}tests/cli/model.ts`;

Deno.test("inspect prints what a file holds", async () => {
  const { status, out, err } = await weft("inspect", perceptron);
  assertEquals([status, err], [0, ""]);
  assertEquals(
    out,
    `${perceptron}: V2, 1.34 kB, 6 operators
inputs
  data  f32[2,4]
outputs
  out  f32[2,3]
parameters (2, 60 B)
  fc.bias    f32[1,3]  12 B
  fc.weight  f32[3,4]  48 B
operators
  Elemwise            2
  Host2DeviceCopy     1
  ImmutableTensor     1
  MatrixMulV2         1
  SharedDeviceTensor  1
metadata
  isValid                true
  graphModified          false
  userInfo               null
  optimizedForInference  true
  optimizeOptions        ["enable_fuse_grain"]
`,
  );
});

Deno.test("inspect --json is the stated document, for V0, V1, V2 and standard input", async () => {
  for (const [file, format] of [["v0", "V0"], ["v1", "V1"], ["v2", "V2"]]) {
    const path = dataFile(`mge-golden/mlp.${file}.mge`);
    const { status, out, err } = await weft("inspect", path, "--json");
    assertEquals([status, err], [0, ""]);
    const found = JSON.parse(out);
    assertEquals(
      [found.format, found.inputs, found.bytes],
      [format, [{ name: "data", dtype: "f32", shape: [2, 4] }], (await Deno.stat(path)).size],
    );
    assertEquals(found.params.map((p: { bytes: number }) => p.bytes), [12, 48]);
    assertEquals([found.operators.MatrixMulV2, found.refusal], [1, null]);
    const piped = await weftWith(await Deno.readFile(path), "inspect", "-", "--json");
    assertEquals(JSON.parse(piped.out), found);
  }
});

Deno.test("inspect shows test cases with the types of their values", async () => {
  const path = dataFile("mge-python/testcases/multi_named.mge");
  const { testcases } = JSON.parse((await weft("inspect", path, "--json")).out);
  const type = { dtype: "f32", shape: [2, 3] };
  const names = ["a", "b", "prod:expect", "sum:expect"];
  const inputs = names.map((name) => ({ name, ...type }));
  assertEquals(testcases, [{ name: "0", inputs }, { name: "1", inputs }]);
  assertStringIncludes((await weft("inspect", path)).out, "test cases (2)\n  0  a: f32[2,3], b:");
});

Deno.test("inspect --graph prints the canonical text, before and after passes", async () => {
  const asked = async (...flags: string[]) =>
    (await weft("inspect", `${module}#layer`, "--graph", ...flags)).out;
  const written = await asked();
  assertEquals(
    written,
    `graph {
  %0: f32[1,2] = arg "x"
  %1: f32[2,2] = data 1 -1 0.5 2
  %2: f32[1,2] = matmul(%0, %1, transposeA=false, transposeB=false)
  %3: f32[] = data 1
  %4: f32[1,2] = add(%2, %3)
  %5: f32[1,2] = relu(%4)
  return %5
}
`,
  );
  assertEquals(await asked("--opt-level", "0"), written);
  const file = (...flags: string[]) => weft("inspect", perceptron, "--graph", ...flags);
  const text = (await file("--after", "fold")).out;
  assertStringIncludes(text, 'arg "data"');
  assertStringIncludes(text, "return out: %");
  const json = JSON.parse((await file("--after", "fold", "--json")).out);
  assertEquals([json.graph + "\n", json.format], [text, "V2"]);
});

Deno.test("inspect describes a module by its graph", async () => {
  const { status, out } = await weft("inspect", module, "--json");
  assertEquals(status, 0);
  assertEquals(JSON.parse(out), {
    format: "module",
    inputs: [{ name: "x", dtype: "f32", shape: [1, 2] }],
    outputs: ["y", "z"].map((name) => ({ name, dtype: "f32", shape: [1, 2] })),
    params: [{ name: "const0", dtype: "f32", shape: [2, 2], bytes: 16 }],
    operators: { add: 1, matmul: 1, relu: 1, sub: 1 },
    metadata: null,
    testcases: [],
    bytes: 16,
    refusal: null,
  });
});

Deno.test("inspect shows a file in full whose operators have no meaning here", async () => {
  const path = dataFile("mge-python/topk_elem/base.v2.mge");
  const { status, out } = await weft("inspect", path, "--json");
  const found = JSON.parse(out);
  assertEquals([status, found.operators.TopK >= 1], [0, true]);
  if (found.refusal === null) return;
  assertStringIncludes(found.refusal, "TopK");
  assertStringIncludes((await weft("inspect", path)).out, "runs here: no. Cannot run TopK");
  const graph = await weft("inspect", path, "--graph");
  assertEquals([graph.status, graph.out], [3, ""]);
});

Deno.test("inspect says in one message what is wrong with a model argument", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.writeTextFile(at("throws.ts"), 'throw new RangeError("boom")');
  await Deno.writeTextFile(at("syntax.ts"), "export const = 3");
  await Deno.writeTextFile(at("bare.ts"), "export default (x) => x;");
  await Deno.writeTextFile(at("types.ts"), "export const inputs = [3];\nexport default (x) => x;");
  await Deno.writeFile(at("cut.mge"), (await Deno.readFile(perceptron)).subarray(0, 700));
  const cases: readonly [string, number, string][] = [
    ["nope.mge", 3, "Cannot read nope.mge: there is no such file; check the path"],
    [`${root}lib`, 3, "it is a folder; name a file in it"],
    ["net.tm", 3, "Cannot read net.tm: by its name it is a Python pickle"],
    ["net.onnx", 3, "Cannot read net.onnx: it is an ONNX model"],
    [dataFile("mge/pickle-tensor-v1_1.mge"), 3, "this is a Python pickle"],
    [dataFile("mge/git-lfs-pointer.mge"), 3, "run git lfs pull"],
    [
      `${root}deno.json`,
      3,
      "which is none of MGBC, MGBS, mgv2 and mgbtest0; try a file that dump wrote",
    ],
    [at("cut.mge"), 3, "Cannot read"],
    [at("throws.ts"), 3, "throws.ts: RangeError: boom"],
    [at("syntax.ts"), 3, "Cannot load"],
    [at("bare.ts"), 3, "it exports no `inputs`, the types of the model's arguments"],
    [at("types.ts"), 3, "inputs[0] is no type and no tree of types"],
    [`${module}#lyaer`, 3, 'its export "lyaer" is not there\n  did you mean layer?'],
    [`${module}#weight`, 3, 'its export "weight" is a number, no function'],
  ];
  for (const [model, code, text] of cases) {
    const { status, out, err } = await weft("inspect", model);
    assertEquals([status, out], [code, ""], `${model}: ${err}`);
    assertStringIncludes(err, text);
    assert(err.startsWith("error: ") && !err.includes("\n    at "), err);
  }
});

/** The data that a page holds. */
async function pageData(path: string) {
  const html = await Deno.readTextFile(path);
  assert(html.startsWith("<!doctype html>"));
  return JSON.parse(/id="data">([^]*?)<\/script>/.exec(html)![1]);
}

Deno.test("inspect --html writes the graph as a page, after the passes that are asked for", async () => {
  await using folder = await temporaryFolder();
  const page = `${folder.path}/layer.html`;
  const inspect = (...flags: string[]) =>
    weft("inspect", `${module}#layer`, "--html", page, ...flags);
  const plain = await weft("inspect", `${module}#layer`);
  const { status, out, err } = await inspect();
  assertEquals([status, out], [0, plain.out]);
  assertMatch(err, /layer\.html: [\d.]+ kB, the graph as a picture; open it in a browser\n$/);
  const written = await pageData(page);
  const operations = (data: typeof written) =>
    data.nodes.filter(({ role }: { role: string }) => role === "operation")
      .map(({ op }: { op: string }) => op);
  assertEquals([written.title, operations(written)], ["model.ts#layer", ["matmul", "add", "relu"]]);
  assertMatch(written.nodes[2].place, /tests\/cli\/model\.ts:13:\d+$/);
  const named = await inspect("--after", "fold", "--json");
  const document = JSON.parse(named.out);
  assertEquals([document.html, document.format, "graph" in document], [page, "module", false]);
  assertEquals(
    (await pageData(page)).facts.find(([word]: string[]) => word === "Shows"),
    ["Shows", "after identities, simplify, share, fold"],
  );
  const both = await inspect("--graph", "--opt-level", "0");
  assertEquals(both.out, (await weft("inspect", `${module}#layer`, "--graph")).out);
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["layer.html"]);
});

Deno.test("inspect --html shows every file, also one whose operators have no meaning here", async () => {
  await using folder = await temporaryFolder();
  const page = `${folder.path}/page.html`;
  const file = (path: string, ...flags: string[]) =>
    weft("inspect", path, "--html", page, ...flags);
  assertEquals((await file(dataFile("mge-golden/mlp.v2.mge"), "--json")).status, 0);
  const known = await pageData(page);
  assert(known.nodes.some(({ name }: { name?: string }) => name === "fc.weight"));
  assert(known.nodes.every((node: object) => !("place" in node)), "nobody wrote its nodes");
  await Deno.remove(page);
  const refused = `${folder.path}/svd.mge`;
  const one = (await goldenCases()).find((c) => c.name === "golden/ops/svd.v2")!;
  await Deno.writeFile(refused, one.model);
  const { status, err, out } = await file(refused);
  assertEquals(status, 0, err);
  assertStringIncludes(err, "the file's own operators as a picture");
  assertStringIncludes(out, "runs here: no.");
  const { nodes } = await pageData(page);
  assert(nodes.some(({ op }: { op: string }) => op === "SVD"));
  for (const flags of [["--opt-level", "1"], ["--graph"]]) {
    const { status, out, err } = await file(refused, ...flags);
    assertEquals([status, out], [3, ""]);
    assertStringIncludes(err, "Cannot run SVD");
  }
});

Deno.test("inspect --html leaves an old file as it was when it cannot write a new one", async () => {
  await using folder = await temporaryFolder();
  const page = `${folder.path}/old.html`;
  await Deno.writeTextFile(page, "old");
  const cut = `${folder.path}/cut.mge`;
  await Deno.writeFile(cut, (await Deno.readFile(perceptron)).subarray(0, 700));
  assertEquals((await weft("inspect", cut, "--html", page)).status, 3);
  assertEquals(await Deno.readTextFile(page), "old");
  const nowhere = await weft("inspect", perceptron, "--html", `${folder.path}/no/page.html`);
  assertEquals([nowhere.status, nowhere.out], [2, ""]);
  assertStringIncludes(nowhere.err, "its folder does not exist");
});

Deno.test("inspect takes --after and --opt-level with --graph or --html, and known passes", async () => {
  const cases: readonly [string[], string][] = [
    [["--opt-level", "1"], "without --graph, --passes or --html"],
    [["--html", "-"], "give --html a file's name"],
    [["--html", perceptron], "it is the model"],
    [["--html", "x.html", "--after", "flod"], "did you mean fold?"],
    [["--graph", "--opt-level", "4"], "it takes 0, 1, 2 or 3"],
    [["--graph", "--after", "flod"], "did you mean fold?"],
    [["--graph", "--opt-level", "0", "--after", "fold"], "level 0 has the passes identities"],
    [["--known", "data=#rand(0,1)"], "without --graph, --passes or --html"],
    [["--binding"], "Cannot take --binding without --graph"],
    [["--passes", "--after", "flod"], "did you mean fold?"],
    [["--graph", "--known", "dat=#rand(0,1)"], "the inputs are data; did you mean data?"],
    [["--grpah"], "did you mean --graph?"],
  ];
  for (const [flags, text] of cases) {
    const { status, out, err } = await weft("inspect", perceptron, ...flags);
    assertEquals([status, out], [2, ""], flags.join(" "));
    assertStringIncludes(err, text);
  }
});
