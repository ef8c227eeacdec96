/**
 * Values from files on the command line: pictures, ONNX tensors, lists and the forms of test cases,
 * for `run`, `dump` and `check` alike.
 * @module
 */
import { hostFromBytes } from "../../lib/core/host.ts";
import { readNpy, writeNpy, writeNpz } from "../../lib/io/npy.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, temporaryFolder, weft, weftProcess } from "./commands.ts";

const picture = `${root}tests/cli/picture_model.ts`;
const pair = dataFile("mge-python/add/names.v2.mge");
const photo = dataFile("images/flower.jpg");
const small = dataFile("images/rgb.png");
const reference = ["--device", "reference"];

const f32 = (shape: readonly number[], ...data: number[]) =>
  hostFromBytes({ dtype: "f32", shape }, new Uint8Array(new Float32Array(data).buffer));

/** The three means that `run` prints. */
async function means(...flags: string[]): Promise<{ means: number[]; err: string }> {
  await using folder = await temporaryFolder();
  const done = await weft("run", picture, ...flags, ...reference, "-o", folder.path);
  assertEquals(done.status, 0, done.err);
  const { data } = readNpy(await Deno.readFile(`${folder.path}/output0.npy`));
  return {
    means: Array.from(data as Float32Array, (x) => Math.round(x * 100) / 100),
    err: done.err,
  };
}

Deno.test("run takes pictures, resized, in either order, transformed", async () => {
  const bgr = await means("--input", photo, "--resize-input");
  assertEquals(bgr.err, "device: reference (CPU reference interpreter), as asked\n");
  const rgb = await means("--input", `image=${photo}`, "--resize-input", "--rgb");
  assertEquals(rgb.means, bgr.means.toReversed());
  const half = await means("--input", photo, "--resize-input", "--input-transform", "255 - data");
  half.means.forEach((x, i) => assert(Math.abs(x - 255 + bgr.means[i]) < 0.02));
  const wraps = await means("--input", photo, "--resize-input", "--input-transform", "data - 128");
  assertStringIncludes(
    wraps.err,
    "note: data - 128: values of u8 wrap at character 6, as in NumPy",
  );
  const large = await means("--input", small);
  assertStringIncludes(large.err, "gives [1,3,29,37]; resizeInput (--resize-input) fits pictures");
  const batch = await weft(
    "run",
    picture,
    "--input",
    photo,
    "--resize-input",
    "--batch",
    "2",
    "--json",
  );
  assertEquals(JSON.parse(batch.out).outputs[0].shape, [2, 3]);
});

Deno.test("run takes ONNX tensors, by name where they have one, and checks against them", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  const tensor = (name: string, ...values: number[]) => {
    const data = new Uint8Array(new Float32Array(values).buffer);
    const text = new TextEncoder().encode(name);
    return Uint8Array.from([
      ...[8, 2, 8, 3, 16, 1, 0x42, text.length, ...text, 0x4a, data.length, ...data],
    ]);
  };
  await Deno.writeFile(at("0.pb"), tensor("in_a", 1, 2, 3, 4, 5, 6));
  await Deno.writeFile(at("1.pb"), tensor("in_b", 10, 20, 30, 40, 50, 60));
  await Deno.writeFile(at("nameless.pb"), tensor("", 11, 22, 33, 44, 55, 66));
  const run = (...args: string[]) => weft("run", pair, ...args, ...reference);
  const named = await run("--input", at("0.pb"), "--input", at("1.pb"));
  assertEquals(named.status, 0, named.err);
  assertStringIncludes(named.out, "out_0 f32[2,3] 11 … 66, mean 38.5: 11 22 33 44 55 66");
  const check = ["--check", `out_0=${at("nameless.pb")}`];
  const checked = await run(
    "--input",
    `in_b=${at("1.pb")}`,
    "--input",
    `in_a=${at("0.pb")}`,
    ...check,
  );
  assertEquals(checked.status, 0, checked.err);
  assertStringIncludes(checked.out, "check out_0: passed");
  const wrong = await run("--input", `in_a:${at("0.pb")};in_b:${at("0.pb")}`, ...check);
  assertEquals(wrong.status, 1, wrong.err);
  assertStringIncludes(wrong.out, "check out_0: FAILED");
  const lost = await run("--input", at("nameless.pb"));
  assertEquals(lost.status, 2);
  assertStringIncludes(lost.err, "the model has no input of no name, it has in_a, in_b");
});

Deno.test("run takes the forms of test cases: a name and a colon, several, a list", async () => {
  await using folder = await temporaryFolder();
  const list = `${folder.path}/list.txt`;
  await Deno.writeTextFile(list, "in_b=#rand(2,3)\n\n  in_a:#rand(0,1)  \n");
  const run = async (...args: string[]) => {
    const done = await weft("run", pair, ...args, ...reference);
    assertEquals(done.status, 0, done.err);
    return done.out.replace(/first .*/s, "");
  };
  // numbers are drawn in the order of the inputs, however they are given
  const want = await run("--input", "in_a=#rand(0,1)", "--input", "in_b=#rand(2,3)");
  assertEquals(await run("--input", "in_a:#rand(0,1);in_b:#rand(2,3)"), want);
  assertEquals(await run("--input", `@${list}`), want);
  const both = `${folder.path}/both.npz`;
  const values = [["in_b", f32([2, 3], 1, 1, 1, 1, 1, 1)], [
    "in_a",
    f32([2, 3], 2, 2, 2, 2, 2, 2),
  ]] as const;
  await Deno.writeFile(both, writeNpz(values));
  assertStringIncludes(await run("--input", both), "out_0 f32[2,3] 3");
});

Deno.test("dump embeds pictures, and its lists name paths as the command does", async () => {
  await using folder = await temporaryFolder();
  const [file, list] = [`${folder.path}/a.mge`, `${folder.path}/list.txt`];
  await Deno.writeTextFile(list, "tests/data/images/rgb.png\n\nimage:tests/data/images/420.jpg\n");
  // no permission but to read these and to write there: decoding needs none
  const reads = ["tests/cli/picture_model.ts", "mod.ts", "lib", "tests/data/images"];
  const permissions = [
    `--allow-read=${reads.map((path) => root + path).join(",")},${folder.path}`,
    `--allow-write=${folder.path}`,
  ];
  const specs = ["--input-data", `@${list}`, "--input-data", photo, "--resize-input"];
  const done = await weftProcess(permissions, ["dump", picture, "-o", file, ...specs]);
  assertEquals(done.status, 0, done.err);
  assertStringIncludes(done.err, "image: shape [1,3,8,10], u8, ");
  const check = await weft("check", file, ...reference);
  assertEquals([check.status, check.out], [0, "3 passed, 0 failed, 0 skipped\n"]);
  const { testcases } = JSON.parse((await weft("inspect", file, "--json")).out);
  assertEquals(testcases[2].inputs.find((x: { name: string }) => x.name === "image"), {
    ...{ name: "image", dtype: "u8", shape: [1, 3, 8, 10] },
  });
});

Deno.test("dump says what is wrong with a picture or a transform", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.writeTextFile(at("text.png"), "a text");
  await Deno.writeTextFile(at("text.txt"), "a text");
  await Deno.writeFile(at("cut.jpg"), (await Deno.readFile(photo)).subarray(0, 500));
  await Deno.writeFile(at("x.npy"), writeNpy(f32([1, 2], 1, 2)));
  const wrong: readonly [string, string[], number, string][] = [
    [picture, ["none.jpg"], 3, "Cannot read none.jpg: there is no such file"],
    [picture, [at("text.png")], 3, "it begins with 61 20 74 65 78 74, and is no PNG, JPEG, WebP"],
    [picture, [at("text.txt")], 3, "neither its ending nor its first bytes say what it is"],
    [picture, [at("cut.jpg")], 3, "it is a damaged JPEG, or one of a sort that the decoder lacks"],
    [picture, [`pic:${small}`], 2, "there is no such input, they are image"],
    [picture, [at("x.npy")], 3, "input/data shapes mismatch: [1,3,8,10] vs [1,2]"],
    [`${root}tests/cli/model.ts`, [small], 2, "can not infer the format from its type f32[1,2]"],
    [picture, [small, "--input-transform", "data -"], 2, "found the end (at character 7)"],
    [picture, [small, "--input-transform", "data*[1,2]"], 2, "a list of 2 is for 2 channels"],
    [picture, ["#rand(0,1)", "--input-transform", "data/2"], 2, "it is for values from files only"],
    [picture, ["#rand(0,1)", "--resize-input"], 2, "it is for values from files only"],
  ];
  for (const [model, [spec, ...flags], code, text] of wrong) {
    const args = ["dump", model, "-o", at("a.mge"), "--input-data", spec, ...flags];
    const { status, err } = await weft(...args);
    assertEquals(status, code, err);
    assertStringIncludes(err, text);
  }
});

Deno.test("check takes recorded values in any file of arrays", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  const model = dataFile("mge-python/add/base.v2.mge");
  const made = await weft("run", model, "--input", "#rand(0,1)", "-o", at("out"), ...reference);
  assertEquals(made.status, 0, made.err);
  const [name] = [...Deno.readDirSync(at("out"))].map((entry) => entry.name);
  const got = readNpy(await Deno.readFile(at(`out/${name}`)));
  const { inputs } = JSON.parse((await weft("inspect", model, "--json")).out);
  const drawn = await weft("run", model, "--input", "#rand(0,1)", "--seed", "0", ...reference);
  assertEquals(drawn.status, 0);
  await Deno.mkdir(at("case/outputs"), { recursive: true });
  await Deno.copyFile(model, at("case/model.mge"));
  await Deno.writeFile(at("case/outputs/0.npz"), writeNpz([["any", got]]));
  await Deno.writeTextFile(at("case/outputs/README"), "left alone");
  const shape = inputs[0].shape;
  const zeros = f32(shape, ...new Array(shape.reduce((a: number, b: number) => a * b, 1)).fill(0));
  const given = inputs.map((x: { name: string }, i: number) => [x.name, i === 0 ? got : zeros]);
  await Deno.writeFile(at("case/inputs.npz"), writeNpz(given));
  const check = await weft("check", at("case"), ...reference);
  assertEquals([check.status, check.out], [0, "1 passed, 0 failed, 0 skipped\n"], check.err);
  await Deno.mkdir(at("case/inputs"));
  const both = await weft("check", at("case"), ...reference);
  assertStringIncludes(both.out, "it has both inputs and inputs.npz");
});
