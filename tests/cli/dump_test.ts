/**
 * `dump`: modules and files to V1 and V2 and back, every option's flag, standard output, failures
 * that leave the old file.
 * @module
 */
import { gathered, gunzip } from "../../lib/io/stream.ts";
import { inferenceNames } from "../../lib/mge/infer/options.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, start, temporaryFolder, weft, weftProcess } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;

async function inspected(path: string) {
  const { status, out, err } = await weft("inspect", path, "--json");
  assertEquals(status, 0, err);
  return JSON.parse(out);
}

Deno.test("dump writes a module with cases that run and check take, in V1 and V2", async () => {
  await using folder = await temporaryFolder();
  for (const [format, layout] of [["FBS", "V1"], ["FBS_V2", "V2"]]) {
    const file = `${folder.path}/${layout}.mge`;
    const specs = ["--input-data", "#rand(-1,1)", "--input-data", "x:#rand(0,3,2,2)"];
    const done = await weft("dump", module, "-o", file, "--format", format, ...specs);
    assertEquals(done.status, 0, done.err);
    assertStringIncludes(done.out, `${file}: ${layout}, `);
    assertStringIncludes(done.err, "x: shape [1,2], f32, ");
    const check = await weft("check", file, "--device", "reference");
    assertEquals([check.status, check.out], [0, "2 passed, 0 failed, 0 skipped\n"]);
    const run = await weft("run", file, "--device", "reference", "--json");
    assertEquals(JSON.parse(run.out).cases.length, 2);
    assertEquals((await inspected(file)).format, layout);
  }
});

Deno.test("dump --json gives the dump info and the file", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  const { status, out } = await weft("dump", module, "-o", file, "--json", "--format", "FBS");
  const info = JSON.parse(out);
  assertEquals(status, 0);
  assertEquals(Object.keys(info), [
    ...["nrOpr", "totBytes", "tensorValueBytes", "contentHash", "inputs", "outputs", "params"],
    ...["reported", "file"],
  ]);
  assertEquals([info.file, info.inputs, info.outputs], [file, ["x"], ["y", "z"]]);
  assertEquals(info.totBytes, (await Deno.stat(file)).size);
  assert(/^[1-9]\d+$/.test(info.contentHash));
});

Deno.test("dump hands its flags on", async () => {
  await using folder = await temporaryFolder();
  const [file, strip] = [`${folder.path}/a.mge`, `${folder.path}/strip.json`];
  const dumped = async (model: string, ...flags: string[]) => {
    const done = await weft("dump", model, "-o", file, ...flags);
    assertEquals(done.status, 0, `${flags.join(" ")}: ${done.err}`);
    return await inspected(file);
  };
  const names = ["--arg-names", "data", "--output-names", "score"];
  const named = await dumped(`${module}#layer`, ...names);
  assertEquals([named.inputs[0].name, named.outputs[0].name], ["data", "score"]);
  const info = await dumped(module, "--user-info", '{"by":"me","n":[1,null]}');
  assertEquals(info.metadata.userInfo, { by: "me", n: [1, null] });
  assertEquals((await dumped(module, "--no-enable-metadata")).metadata.isValid, false);
  const plain = await dumped(module, "--no-optimize-for-inference");
  assertEquals(plain.metadata.optimizedForInference, false);
  const silent = await dumped(module, "--input-data", "#rand(0,1)", "--no-assert");
  assertEquals([silent.operators.AssertEqual, silent.testcases.length], [undefined, 1]);
  const bare = await dumped(module, "--keep-var-name", "0");
  assertEquals(bare.outputs.map((o: { name: string }) => o.name), ["unnamed0", "unnamed1"]);
  await dumped(module, "--strip-info-file", strip);
  assertEquals(JSON.parse(await Deno.readTextFile(strip)).elemwise_modes, ["FUSE_ADD_RELU", "SUB"]);
  const other = dataFile("mge-golden/mlp.v2.mge");
  await dumped(other, "--strip-info-file", strip, "--append-json");
  const { size } = await Deno.stat(file);
  await dumped(other, "--append");
  assertEquals((await Deno.stat(file)).size, 2 * size);
});

Deno.test("dump takes every option of inference as a flag, and refuses two layouts", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  const model = dataFile("mge-python/convnet_plain/base.v2.mge");
  const input = dataFile("mge-python/convnet_plain/in0.npy");
  const outputs = async (of: string) => {
    const { out } = await weft("run", of, "--input", `arg_0=${input}`, "--device", "reference");
    return out.split("\n")[0];
  };
  const plain = await outputs(model);
  for (const option of inferenceNames) {
    const flag = option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    const done = await weft("dump", model, "-o", file, `--${flag}`);
    assertEquals(done.status, 0, done.err);
    const { metadata } = await inspected(file);
    const names = new Set([flag.replaceAll("-", "_"), "enable_fuse_grain"]);
    assertEquals([...metadata.optimizeOptions].sort(), [...names].sort());
    if (!/16/.test(option)) assertEquals(await outputs(file), plain, option);
  }
  await weft("dump", model, "-o", file, "--no-enable-fuse-grain");
  assertEquals((await inspected(file)).metadata.optimizeOptions, []);
  const both = await weft("dump", model, "-o", file, "--enable-nchw44", "--enable-chwn4");
  assertEquals(both.status, 2);
  assertStringIncludes(both.err, "Cannot dump with --enable-nchw44 and --enable-chwn4");
  const unknown = await weft("dump", model, "-o", file, "--enable-nchw8");
  assertEquals(unknown.status, 2);
  assertStringIncludes(unknown.err, "Unknown flag --enable-nchw8");
});

Deno.test("dump writes a file again in the other layout, with its user's object", async () => {
  await using folder = await temporaryFolder();
  const [one, two] = [`${folder.path}/1.mge`, `${folder.path}/2.mge`];
  assertEquals((await weft("dump", module, "-o", one, "--user-info", '"mine"')).status, 0);
  assertEquals((await weft("dump", one, "-o", two, "--format", "FBS")).status, 0);
  const found = await inspected(two);
  assertEquals([found.format, found.metadata.userInfo], ["V1", "mine"]);
  const outputs = async (file: string) => {
    const args = ["run", file, "--input", "#rand(-2,2)", "--device", "reference"];
    return (await weft(...args)).out.replace(/first .*/s, "");
  };
  assertEquals(await outputs(two), await outputs(one));
});

Deno.test("dump -o - writes the bytes to standard output and the info to standard error", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  assertEquals((await weft("dump", module, "-o", file)).status, 0);
  const read = `--allow-read=${root}`;
  const child = start([read], ["dump", module, "-o", "-", "--gzip"]);
  const { code, stdout, stderr } = await child.output();
  assertEquals(code, 0);
  assertEquals(await gathered(gunzip([stdout])), await Deno.readFile(file));
  assertStringIncludes(new TextDecoder().decode(stderr), "-: V2, ");
  const json = await weft("dump", module, "-o", "-", "--json");
  assertEquals([json.status, json.out], [2, ""]);
  assertStringIncludes(json.err, "with --json: give -o a path");
  const append = await weft("dump", module, "-o", "-", "--append");
  assertEquals(append.status, 2);
});

Deno.test("dump needs what its help says, and says what is missing", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  const reads = `--allow-read=${module},${root}mod.ts,${root}lib,${folder.path}`;
  const args = ["dump", module, "-o", file];
  const refused = await weftProcess([reads], args);
  assertEquals([refused.status, refused.out], [2, ""]);
  assertStringIncludes(refused.err, "allow reading and writing its folder");
  const done = await weftProcess([reads, `--allow-write=${folder.path}`], args);
  assertEquals(done.status, 0, done.err);
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["a.mge"]);
});

Deno.test("dump that fails leaves the old file and says why", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  await Deno.writeTextFile(file, "old");
  const wrong: readonly [string[], number, string][] = [
    [["--arg-names", "a,b"], 2, "2"],
    [["--output-names", "a"], 2, "record"],
    [["--input-data", "#rnd(0,1)"], 2, "#rnd(0,1)"],
    [["--input-data", "y:#rand(0,1)"], 2, "there is no such input, they are x"],
    [["--user-info", "{by"], 2, "for --user-info"],
    [["--keep-var-name", "3"], 2, "it takes 0, 1, 2"],
    [["--repeat", "0"], 2, "it takes a whole number from 1 on"],
    [["--maxerr", "-1"], 2, "Cannot take -1 for --maxerr"],
    [["--append-json"], 2, "without --strip-info-file"],
    [["--flexible", "x"], 2, "it is written NAME=0 or NAME=0,2"],
    [["--format", "FBS2"], 2, "did you mean FBS"],
    [["--kepe-var-name", "1"], 2, "did you mean --keep-var-name?"],
  ];
  for (const [flags, code, text] of wrong) {
    const { status, out, err } = await weft("dump", module, "-o", file, ...flags);
    assertEquals([status, out], [code, ""], `${flags.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
    assertEquals(await Deno.readTextFile(file), "old");
    assertEquals([...Deno.readDirSync(folder.path)].length, 1);
  }
  const nowhere = await weft("dump", module);
  assertEquals(nowhere.status, 2);
  assertStringIncludes(nowhere.err, "give -o FILE");
  const lost = await weft("dump", module, "-o", `${folder.path}/none/a.mge`);
  assertEquals(lost.status, 2);
  assertStringIncludes(lost.err, "its folder does not exist");
});
