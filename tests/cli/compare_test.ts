/**
 * `compare`: models, targets and recordings; what differs first and worst; what is wrong usage.
 * @module
 */
import { hostFromBytes } from "../../lib/core/host.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { targetTests } from "../targets.ts";
import { dataFile, root, temporaryFolder, weft } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const recorded = (name: string) => dataFile(`mge-python/${name}`);
const reference = ["--device", "reference"];
const compared = (...args: string[]) => weft("compare", ...args, ...reference);

/** The module's file, and one in which the weight 2 is 2.02. */
async function dumped(folder: string, ...flags: string[]): Promise<[string, string]> {
  const [good, bad] = [`${folder}/good.mge`, `${folder}/bad.mge`];
  assertEquals((await weft("dump", module, "-o", good, ...flags)).status, 0);
  const bytes = await Deno.readFile(good);
  const want = new Uint8Array(Float32Array.of(1, -1, 0.5, 2).buffer).toString();
  const at = bytes.findIndex((_, i) => bytes.subarray(i, i + 16).toString() === want);
  bytes.set(new Uint8Array(Float32Array.of(2.02).buffer), at + 12);
  await Deno.writeFile(bad, bytes);
  return [good, bad];
}

const f32 = (shape: readonly number[], ...data: number[]) =>
  hostFromBytes({ dtype: "f32", shape }, new Uint8Array(new Float32Array(data).buffer));

Deno.test("compare finds a module and its file alike, on drawn values", async () => {
  await using folder = await temporaryFolder();
  const [good] = await dumped(folder.path);
  const { status, out, err } = await compared(module, good, "--all");
  assertEquals(status, 0, out);
  assertStringIncludes(err, "note: drawn values: x=#rand(-1,1)\n");
  assertStringIncludes(out, "output y: agrees, equal\noutput z: agrees, equal\n");
  assertStringIncludes(out, "values compared, none differs\n");
});

Deno.test("compare names the first and the worst value that differ, exits 1", async () => {
  await using folder = await temporaryFolder();
  const [good, bad] = await dumped(folder.path);
  const x = `${folder.path}/x.npy`;
  await Deno.writeFile(x, writeNpy(f32([2, 2], 2, 4, 2, 400)));
  const args = [good, bad, "--input", `x=${x}`];
  const { status, out } = await compared(...args);
  assertEquals(status, 1);
  assertEquals(
    out,
    "output y: DIFFERS, 2 of 4\noutput z: agrees, equal\n" +
      "first: y[0,1] is 7 in A, 7.079999923706055 in B, off by 0.08\n" +
      "worst: y[0,1] is 7 in A, 7.079999923706055 in B, off by 0.08\n" +
      "2 values compared, 1 differ\n",
  );
  const json = JSON.parse((await compared(...args, "--json", "--rtol", "0.01")).out);
  assertEquals(json.passed, false);
  assertEquals(json.first, { name: "y", index: [0, 1], a: 7, b: 7.079999923706055 });
  assertEquals(json.devices, { a: "reference", b: "reference" });
  const value = json.values[0];
  assertEquals([value.name, value.kind, value.wrong, value.total], ["y", "output", 1, 4]);
  assertEquals((await compared(...args, "--rtol", "0.02")).status, 0);
  const all = await compared(...args, "--all", "--json");
  // The product comes before the output.
  const { first, values } = JSON.parse(all.out);
  assert(values.length > 3 && first.name !== "y", all.out);
});

Deno.test("compare takes the values of embedded cases, of either side", async () => {
  await using folder = await temporaryFolder();
  const file = recorded("testcases/multi_named.mge");
  const bare = `${folder.path}/bare.mge`;
  assertEquals((await weft("convert", file, bare, "--optimize-for-inference")).status, 0);
  const plain = `${folder.path}/plain.mge`;
  assertEquals((await weft("dump", file, "-o", plain)).status, 0);
  for (const [a, b] of [[file, plain], [plain, file], [file, bare]]) {
    const { status, out, err } = await compared(a, b);
    assertEquals(status, 0, out + err);
    assertStringIncludes(err, "note: values of the 2 embedded cases of ");
    assertEquals(
      out,
      ["0/sum", "0/prod", "1/sum", "1/prod"].map((name) => `output ${name}: agrees, equal\n`)
        .join("") + "4 values compared, none differs\n",
    );
  }
});

Deno.test("compare takes inputs and outputs by position where no name is the same", async () => {
  const [a, b] = [recorded("mlp/base.v1.mge"), recorded("mlp/names.v1.mge")];
  const { status, out, err } = await compared(a, b);
  assertEquals(status, 0, out + err);
  assertStringIncludes(err, "note: inputs by position: arg_0 and in_a\n");
  assertStringIncludes(err, "note: outputs by position: net.Softmax and out_0\n");
  const parts = await compared(module, `${module}#layer`);
  assertEquals([parts.status, parts.out], [
    1,
    "only in A: y, z\nonly in B: output0\nno value is in both\n",
  ]);
});

const test = await targetTests("wasm", "webgpu");
test("compare runs one model on two targets", async ({ name }) => {
  for (const model of ["lenet", "transformer_small", "lstm_small"]) {
    const file = recorded(`${model}/base.v2.mge`);
    const both = ["--device", name, "--device-b", "reference", "--atol", "1e-5", "--all"];
    const { status, out, err } = await weft("compare", file, file, ...both, "--json");
    const { devices, passed, values } = JSON.parse(out);
    assertEquals([status, devices], [0, { a: name, b: "reference" }], err);
    assert(passed && values.length > 5);
  }
});

Deno.test("compare takes what run --io-dump wrote: folders within a tolerance, texts exactly", async () => {
  await using folder = await temporaryFolder();
  const [good, bad] = await dumped(folder.path, "--input-data", "#rand(1,2)", "--no-assert");
  const at = (name: string) => `${folder.path}/${name}`;
  for (const [i, model] of [good, bad].entries()) {
    for (const target of [`${i}/`, `${i}.txt`, `cases${i}/`, `cases${i}.txt`]) {
      const subject = target.startsWith("c") ? recorded("testcases/multi_named.mge") : model;
      const done = await weft("run", subject, "--io-dump", at(target), ...reference);
      assertEquals(done.status, 0, done.err);
    }
  }
  for (const name of ["cases0/", "cases0.txt"]) {
    const same = await weft("compare", at(name), at(name.replace("0", "1")));
    assertEquals(same.status, 0, same.out + same.err);
    assertStringIncludes(same.out, " values compared, none differs\n");
  }
  const folders = await weft("compare", at("0/"), at("1/"), "--json");
  assertEquals(folders.status, 1, folders.err);
  const { first, worst, onlyA, onlyB } = JSON.parse(folders.out);
  assertEquals([first.index, onlyA, onlyB], [[0, 1], [], []]);
  assert(worst.a < worst.b);
  assertEquals((await weft("compare", at("0/"), at("1/"), "--rtol", "0.1")).status, 0);
  const texts = await weft("compare", at("0.txt"), at("1.txt"));
  assertEquals(texts.status, 1);
  assertStringIncludes(texts.out, `first: ${first.name} is f32[1,2] `);
});

Deno.test("compare says what cannot be compared", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.mkdir(at("empty"));
  await Deno.mkdir(at("odd"));
  await Deno.writeTextFile(at("odd/index.json"), '[{"name":"x","file":"../x.npy"}]');
  await Deno.writeTextFile(at("a.txt"), '0 "x" arg #0123456789abcdef f32[1] 1\n');
  await Deno.writeTextFile(at("b.txt"), '0 "x" arg\n');
  const mlp = recorded("mlp/base.v1.mge");
  const wrong: readonly [string[], number, string][] = [
    [[mlp, at("none.mge")], 3, "there is no such file"],
    [[mlp, "a.onnx"], 3, "it is an ONNX model"],
    [["-", "-"], 2, "Cannot read both models from standard input"],
    [[mlp, at("a.txt")], 2, "a text of run --io-dump: compare two of one kind"],
    [[at("empty"), at("empty")], 3, "it is a folder without index.json"],
    [[at("odd"), at("odd")], 3, "it is no list of names and files"],
    [[at("a.txt"), at("a.txt"), "--rtol", "1"], 2, "they hold hashes; write folders"],
    [[at("a.txt"), at("a.txt"), "--device-b", "wasm"], 2, "Cannot run recorded values"],
    [[at("a.txt"), at("b.txt")], 3, "line 1 is none of run --io-dump"],
    [[recorded("matmuls/base.v1.mge"), recorded("kwargs_call/base.v1.mge")], 2, "the inputs of A"],
    [[mlp, recorded("embedding/base.v1.mge")], 2, "the input arg_0 is f32[3,8] in A, i32["],
    [[mlp, mlp, "--input", "x=#rand(0,1)"], 2, "the model has no input x, it has arg_0"],
    [[mlp, mlp, "--atol", "-1"], 2, "it is below 0"],
    [[mlp, mlp, "--device-b", "cuda"], 2, 'Cannot take "cuda" for --device-b'],
  ];
  for (const [args, code, text] of wrong) {
    const { status, out, err } = await weft("compare", ...args);
    assertEquals([status, out], [code, ""], `${args.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
  }
});
