/**
 * `run`: embedded cases, given values, comparisons, output files, and what is wrong usage.
 * @module
 */
import { hostFromBytes } from "../../lib/core/host.ts";
import { readNpy, writeNpy, writeNpz } from "../../lib/io/npy.ts";
import { openSafetensors, safetensors } from "../../lib/io/safetensors.ts";
import { writeTo } from "../../lib/io/sink.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { goldenCases } from "../tools/unpack_cases.ts";
import { dataFile, root, temporaryFolder, weft as whole } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const perceptron = dataFile("mge-golden/mlp.v2.mge");
const cases = dataFile("mge-python/testcases/multi_named.mge");

const weft = (...args: string[]) => whole(...args, "--device", "reference");

const f32 = (shape: readonly number[], ...data: number[]) =>
  hostFromBytes({ dtype: "f32", shape }, new Uint8Array(new Float32Array(data).buffer));

Deno.test("run runs embedded cases and gives their numbers", async () => {
  const { status, out, err } = await weft("run", cases);
  assertEquals([status, err], [0, "device: reference (CPU reference interpreter), as asked\n"]);
  assertStringIncludes(out, "0/sum f32[2,3] 2.92832 … 3.60696, mean 3.24638: 2.9864 3.60696");
  assertStringIncludes(out, "case 0: passed\ncase 1: passed\nfirst ");
  const json = JSON.parse((await weft("run", cases, "--json", "--iter", "3")).out);
  assertEquals(json.cases.map((c: { passed: boolean }) => c.passed), [true, true]);
  assertEquals([json.device, Object.keys(json.ms)], ["reference", ["first", "median", "min"]]);
});

Deno.test("run gives what a file and a module compute on given values", async () => {
  await using folder = await temporaryFolder();
  const x = `${folder.path}/x.npy`;
  await Deno.writeFile(x, writeNpy(f32([1, 2], 2, 4)));
  const { status, out } = await weft("run", module, "--input", `x=${x}`);
  assertEquals(status, 0);
  // relu([2,4]·[[1,-1],[.5,2]] + 1) and x - 1
  assertStringIncludes(out, "y f32[1,2] 5 … 7, mean 6: 5 7\nz f32[1,2] 1 … 3, mean 2: 1 3\n");
  const plain = await weft("run", `${module}#layer`, "--input", x, "--json", "--iter", "2");
  assertEquals(JSON.parse(plain.out).outputs, [
    { name: "output0", dtype: "f32", shape: [1, 2], file: null },
  ]);
  const file = await weft("run", perceptron, "--input", "data=#rand(-1,1)", "--seed", "3");
  assertStringIncludes(file.out, "out f32[2,3] ");
});

Deno.test("run draws what NumPy's RandomState draws, in the order of the inputs", async () => {
  await using folder = await temporaryFolder();
  const drawn = async (...flags: string[]) => {
    const done = await weft("run", module, ...flags, "--output", `${folder.path}/out`);
    assertEquals(done.status, 0, done.err);
    const z = readNpy(await Deno.readFile(`${folder.path}/out/z.npy`));
    return { shape: z.shape, x: [...z.data].map((v) => Number((Number(v) + 1).toFixed(6))) };
  };
  // numpy.random.RandomState(0).uniform(0, 1, 4)
  const four = [0.548814, 0.715189, 0.602763, 0.544883];
  assertEquals(await drawn("--input", "#rand(0,1)"), { shape: [1, 2], x: four.slice(0, 2) });
  assertEquals(await drawn("--input", "x=#rand(0,1,2,...)"), { shape: [2, 2], x: four });
  assertEquals(await drawn("--input", "#rand(0,1)", "--batch", "2"), { shape: [2, 2], x: four });
  const seven = await drawn("--input", "#rand(0,1)", "--seed", "7");
  assertEquals(seven.x, [0.076308, 0.779919]);
});

Deno.test("run --output writes each output as .npy, or all as one .safetensors", async () => {
  await using folder = await temporaryFolder();
  const packed = `${folder.path}/x.safetensors`;
  await writeTo(packed, safetensors([["x", f32([1, 2], 2, 4)]]).open());
  await Deno.writeFile(`${folder.path}/x.npz`, writeNpz([["x", f32([1, 2], 2, 4)]]));
  for (const input of [packed, `x=${folder.path}/x.npz`]) {
    const target = `${folder.path}/out`;
    const done = await weft("run", module, "--input", input, "--output", target, "--json");
    assertEquals(
      JSON.parse(done.out).outputs.map((o: { file: string }) => o.file),
      [`${target}/y.npy`, `${target}/z.npy`],
    );
    assertEquals([...readNpy(await Deno.readFile(`${target}/y.npy`)).data], [5, 7]);
  }
  const all = `${folder.path}/all.safetensors`;
  assertEquals((await weft("run", module, "--input", packed, "-o", all)).status, 0);
  assertEquals([...(await openSafetensors(all)).tensors.keys()], ["y", "z"]);
  const both = `${folder.path}/cases`;
  assertEquals((await weft("run", cases, "-o", both)).status, 0);
  const files = [...Deno.readDirSync(both)].map(({ name }) => name).sort();
  assertEquals(files, ["0%2Fprod.npy", "0%2Fsum.npy", "1%2Fprod.npy", "1%2Fsum.npy"]);
});

Deno.test("run --batch repeats values along axis 0", async () => {
  await using folder = await temporaryFolder();
  const [x, y] = [`${folder.path}/x.npy`, `${folder.path}/y.npy`];
  await Deno.writeFile(x, writeNpy(f32([1, 2], 2, 4)));
  await Deno.writeFile(y, writeNpy(f32([3, 2], 5, 7, 5, 7, 5, 7)));
  const flags = ["--input", x, "--batch", "3", "--check", `y=${y}`];
  assertEquals((await weft("run", module, ...flags)).status, 0);
  await Deno.writeFile(x, writeNpy(f32([2, 2], 2, 4, 2, 4)));
  const odd = await weft("run", module, ...flags);
  assertEquals([odd.status, odd.out], [2, ""]);
  assertStringIncludes(odd.err, "f32[2,2]: axis 0 does not divide it");
});

Deno.test("run --check exits 1 and names output, index, got and want", async () => {
  await using folder = await temporaryFolder();
  const [x, y] = [`${folder.path}/x.npy`, `${folder.path}/y.npy`];
  await Deno.writeFile(x, writeNpy(f32([1, 2], 2, 4)));
  await Deno.writeFile(y, writeNpy(f32([1, 2], 5, 7.01)));
  const flags = ["--input", `x=${x}`, "--check", `y=${y}`];
  const wrong = await weft("run", module, ...flags);
  assertEquals(wrong.status, 1);
  assertStringIncludes(
    wrong.out,
    "check y: FAILED, output y: 1 of 2 values differ, first [0,1] is 7, wanted 7.010000228881836, off by 0.01",
  );
  assertEquals((await weft("run", module, ...flags, "--rtol", "1e-2")).status, 0);
  assertEquals((await weft("run", module, ...flags, "--atol", "0.02")).status, 0);
  const json = JSON.parse((await weft("run", module, ...flags, "--json")).out);
  assertEquals(json.checks[0].passed, false);
  assertEquals([json.checks[0].worst.index, json.checks[0].worst.got], [[0, 1], 7]);
});

Deno.test("run says what is wrong with values, before anything runs", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.writeFile(at("flat.npy"), writeNpy(f32([2], 2, 4)));
  await Deno.writeTextFile(at("bad.npy"), "no array");
  await Deno.writeTextFile(at("text.txt"), "no value");
  await Deno.writeTextFile(at("text.png"), "no ");
  await Deno.writeTextFile(at("list.txt"), "x=#rand(0,1)\n\nx=#rand(0,1)\n");
  const photo = dataFile("images/rgb.png");
  await Deno.writeFile(at("two.npz"), writeNpz([["a", f32([1], 1)], ["b", f32([1], 1)]]));
  const wrong: readonly [string[], number, string][] = [
    [[], 2, "there is no value for its input x, f32[1,2]; give --input 'x=#rand(0,1)'"],
    [["--input", "y=#rand(0,1)"], 2, "the model has no input y, it has x; did you mean x?"],
    [["--input", "#rand(0,1)", "--input", "x=#rand(0,1)"], 2, "two values for the input x"],
    [["--input", "x=#rand(0)"], 2, "it is written #rand(min,max)"],
    [["--input", "x=#rnd(0,1)"], 2, "it is written #rand(min,max)"],
    [["--input", "x=#rand(0,1,a)"], 2, "a is no extent"],
    [["--input", "x=rand(0,1)"], 2, "it is written #rand(min,max)"],
    [["--input", "x=#rand(0,1,2)"], 2, "input/data shapes mismatch: [1,2] vs [2]"],
    [["--input", `x=${at("flat.npy")}`], 3, "input/data shapes mismatch: [1,2] vs [2]"],
    [["--input", `x=${at("bad.npy")}`], 3, "it does not begin with NumPy's mark"],
    [["--input", `x=${at("none.npy")}`], 3, "there is no such file"],
    [["--input", `x=${at("a.png")}`], 3, "there is no such file"],
    [["--input", `x=${at("text.txt")}`], 3, ".npy, .npz, .safetensors, .pb, .png, .jpg, .webp"],
    [["--input", `x=${at("text.png")}`], 3, "it begins with 6e 6f 20, and is no PNG"],
    [["--input", `x=${photo}`], 2, "can not infer the format from its type f32[1,2]"],
    [["--input", `x=${at("flat.npy")}`, "--resize-input"], 2, "it is for pictures, not for arrays"],
    [["--input", "#rand(0,1)", "--resize-input"], 2, "it is for values from files only"],
    [["--input", "#rand(0,1)", "--input-transform", "data*2"], 2, "with inputTransform"],
    [["--input", "#rand(0,1)", "--input-transform", "data*"], 2, "found the end (at character 6)"],
    [["--input", "x:#rand(0,1);y:#rand(0,1)"], 2, "the model has no input y, it has x"],
    [["--input", `@${at("list.txt")}`], 2, "two values for the input x"],
    [["--input", at("two.npz")], 2, "the model has no input a, b"],
    [["--input", `x=${at("two.npz")}`], 3, "it has the arrays a, b"],
    [["--input", "#rand(0,1)", "--iter", "0"], 2, "it takes a whole number from 1 on"],
    [["--input", "#rand(0,1)", "--seed", "-1"], 2, "it takes a whole number from 0 on"],
    [["--input", "#rand(0,1)", "--rtol", "-1"], 2, "it is below 0"],
    [["--input", "#rand(0,1)", "--check", "w=a.npy"], 2, "the outputs are y, z; did you mean"],
  ];
  for (const [flags, code, text] of wrong) {
    const { status, out, err } = await weft("run", module, ...flags);
    assertEquals([status, out], [code, ""], `${flags.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
  }
  for (const flags of [["--batch", "2"], ["--rgb"], ["--check", "sum=a.npy"]]) {
    const embedded = await weft("run", cases, ...flags);
    assertEquals(embedded.status, 2);
    assertStringIncludes(embedded.err, `Cannot take ${flags[0]} with embedded cases: give --input`);
  }
  const device = await whole("run", module, "--device", "webgup");
  assertEquals(device.status, 2);
  assertStringIncludes(device.err, "did you mean webgpu?");
});

Deno.test("run warns of values that are taken with a change", async () => {
  await using folder = await temporaryFolder();
  const x = `${folder.path}/x.npy`;
  const ints = hostFromBytes(
    { dtype: "i32", shape: [1, 2] },
    new Uint8Array([2, 0, 0, 0, 4, 0, 0, 0]),
  );
  await Deno.writeFile(x, writeNpy(ints));
  const { status, out, err } = await weft("run", module, "--input", x);
  assertEquals(status, 0);
  assert(out.includes("y f32[1,2] 5 … 7"), out);
  assertStringIncludes(err, `${x} is i32, converted to the f32 of the input x`);
});

Deno.test("run refuses a file with operators that have no meaning here, and names one", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/svd.mge`;
  const one = (await goldenCases()).find((c) => c.name === "golden/ops/svd.v2")!;
  await Deno.writeFile(path, one.model);
  const { status, out, err } = await weft("run", path, "--input", "#rand(0,1)");
  assertEquals([status, out], [3, ""]);
  assertStringIncludes(err, 'SVD "');
});
