/**
 * Every option of a dump by its flag: what the file holds with it and without it.
 * @module
 */
import { program } from "../../cli.ts";
import { main } from "../../lib/cli/main.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { gathered, gunzip } from "../../lib/io/stream.ts";
import { inferenceNames } from "../../lib/mge/infer/options.ts";
import type { FileModel } from "../../lib/mge/model.ts";
import { type ReadFile, readModel } from "../../lib/mge/open_file.ts";
import { dump } from "../../lib/cli/dump.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { withValues } from "../mge/model_files.ts";
import { root, temporaryFolder, weft } from "./commands.ts";
import { fakeTerminal } from "./program.ts";

const module = `${root}tests/cli/options_model.ts`;
const [scaled, normed] = [`${module}#scaled`, `${module}#normed`];
const layer = `${root}tests/cli/model.ts#layer`;

interface Dumped {
  readonly file: ReadFile;
  readonly main: FileModel;
  readonly info:
    & {
      readonly [key in "inputs" | "outputs" | "params" | "reported"]: readonly string[];
    }
    & { readonly nrOpr: number; readonly contentHash: string };
  readonly err: string;
  readonly bytes: Uint8Array;
}

async function dumped(model: string, ...flags: string[]): Promise<Dumped> {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/a.mge`;
  const { status, out, err } = await weft("dump", model, "-o", path, "--json", ...flags);
  assertEquals(status, 0, `${flags.join(" ")}: ${err}`);
  const bytes = await Deno.readFile(path);
  const plain = bytes[0] === 0x1f ? await gathered(gunzip([bytes])) : bytes;
  const file = await readModel(arrayBytes(plain));
  return { file, main: file.models[0], info: JSON.parse(out), err, bytes };
}

const types = (model: FileModel) => model.oprs.map(({ type }) => type);
const names = (model: FileModel) => model.oprs.flatMap((o) => o.outputs.map(({ name }) => name));

/** The values of a case, by position. */
async function caseValues(
  file: ReadFile,
  i: number,
): Promise<{ shape: number[]; data: number[] }[]> {
  const { oprs } = await withValues(file.testcases[i]) as {
    oprs: { tensors: { shape: number[]; value: Uint8Array }[] }[];
  };
  return oprs.map(({ tensors: [{ shape, value }] }) => ({
    shape,
    data: [...new Float32Array(value.slice().buffer)],
  }));
}

Deno.test("dump has a flag for every option of the specification", () => {
  const options = [
    ...["format", "argNames", "outputNames", "types", "flexible", "append", "keepVarName"],
    ...["keepOprName", "keepParamName", "keepOprPriority", "stripInfoFile", "appendJson"],
    ...["optimizeForInference", "userInfo", "enableMetadata", "inputData", "repeat", "silent"],
    ...["noAssert", "maxerr", "resizeInput", "inputTransform", "gzip", "optLevel", "seed"],
    ...inferenceNames,
  ];
  const kebab = options.map((name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`));
  assertEquals(kebab.filter((name) => !(name in dump.flags)), []);
});

Deno.test("dump --format: V2 unless V1 is asked for; a sum is three operators", async () => {
  const { main, info } = await dumped(module);
  assertEquals([main.format, info.nrOpr, info.contentHash], ["V2", 3, "0"]);
  assertEquals([info.inputs, info.outputs], [["arg_0", "arg_1"], ["ADD"]]);
  const v1 = await dumped(module, "--format", "FBS");
  assertEquals([v1.main.format, v1.info.contentHash], ["V1", String(v1.main.hash)]);
});

Deno.test("dump --arg-names, --output-names: in order, repeated or with commas", async () => {
  const one = await dumped(module, "--arg-names", "left,right", "--output-names", "total");
  assertEquals([one.info.inputs, one.info.outputs], [["left", "right"], ["total"]]);
  const two = await dumped(module, "--arg-names", "right", "--arg-names", "left");
  assertEquals(two.main.oprs[0].tensors[0].name, "right");
});

Deno.test("dump --types stages for other types, by the input's name", async () => {
  const { main } = await dumped(module, "--types", "arg_0=i32[4]", "--types", "arg_1=i32[4]");
  assertEquals([...main.oprs[0].tensors[0].shape], [4]);
  assertEquals(main.oprs[1].tensors[0].dtype.name, "Int32");
});

Deno.test("dump --flexible: axis 0 unless said otherwise; what is fixed is reported", async () => {
  const flexible = `${root}tests/cli/flexible_model.ts`;
  const open = (d: Dumped) => types(d.main).filter((type) => type === "GetVarShapeV1").length;
  const [none, usual, both] = [
    await dumped(flexible, "--flexible", "none"),
    await dumped(flexible),
    await dumped(flexible, "--flexible", "x=0,1"),
  ];
  assertEquals([open(none), none.info.reported], [0, []]);
  assert(open(usual) + open(both) > 0);
  assert(both.info.nrOpr > usual.info.nrOpr && usual.info.nrOpr >= none.info.nrOpr);
  const fixed = await dumped(normed);
  assert(fixed.info.reported.some((line) => line.includes("fixed")), fixed.info.reported.join());
  const asked = await weft("dump", normed, "-o", "/dev/null", "--flexible", "arg_0=1");
  assertEquals(asked.status, 2);
  assertStringIncludes(asked.err, "Cannot dump with axis 1 of arg_0 open");
});

Deno.test("dump --append puts the file behind what is there", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/a.mge`;
  for (const flags of [["--append"], ["--append", "--format", "FBS"], ["--append"]]) {
    assertEquals((await weft("dump", module, "-o", path, ...flags)).status, 0);
  }
  const { models, appended } = await readModel(arrayBytes(await Deno.readFile(path)));
  assertEquals([models[0].format, appended], ["V2", 2]);
});

Deno.test("dump --keep-var-name: none, those of outputs, all", async () => {
  const inner = (format: string, level: string) =>
    dumped(normed, "--format", format, "--keep-var-name", level);
  const count = (d: Dumped) => names(d.main).filter((name) => name !== undefined).length;
  for (const format of ["FBS", "FBS_V2"]) {
    const [none, outputs, all] = [
      await inner(format, "0"),
      await inner(format, "1"),
      await inner(format, "2"),
    ];
    assertEquals([count(none), none.info.outputs], [0, ["unnamed0"]]);
    const variables = names(all.main).length;
    assertEquals(count(all), variables);
    assertEquals(count(outputs), format === "FBS" ? 1 : variables);
    assertEquals(new Set(names(all.main)).size, variables, "names are unique");
  }
});

Deno.test("dump --keep-opr-name, --keep-param-name, --keep-opr-priority", async () => {
  const plain = await dumped(scaled);
  const of = (d: Dumped, key: "name" | "priority") => d.main.oprs.map((o) => o[key]);
  assertEquals(of(plain, "name"), [undefined, undefined, undefined]);
  assertEquals(of(plain, "priority"), [undefined, undefined, undefined]);
  assertEquals(plain.info.params, []);
  const holder = (d: Dumped) => d.main.oprs.find(({ type }) => type === "SharedDeviceTensor")!;
  assertEquals(holder(plain).tensors[0].name, undefined);
  const oprs = await dumped(scaled, "--keep-opr-name");
  assertEquals(of(oprs, "name").toSorted(), ["arg_0", "net.MUL", "net.weight"]);
  const params = await dumped(scaled, "--keep-param-name");
  assertEquals([holder(params).tensors[0].name, params.info.params], ["net.weight", [
    "net.weight",
  ]]);
  const priority = await dumped(scaled, "--keep-opr-priority");
  assert(of(priority, "priority").every((x) => x !== undefined));
  // An argument that no result needs is not in the file, and is reported.
  assertEquals(plain.info.inputs, ["arg_0"]);
  assert(plain.info.reported.some((line) => line.includes("arg_1 is not in the file")));
});

Deno.test("dump --strip-info-file, --append-json: what the model needs, and what others did", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/strip.json`;
  const read = async () => JSON.parse(await Deno.readTextFile(file));
  await dumped(module, "--strip-info-file", file);
  assertEquals((await read()).elemwise_modes, ["ADD"]);
  await dumped(scaled, "--strip-info-file", file);
  assertEquals((await read()).elemwise_modes, ["MUL"]);
  await dumped(module, "--strip-info-file", file, "--append-json");
  assertEquals((await read()).elemwise_modes, ["MUL", "ADD"]);
});

Deno.test("dump --optimize-for-inference and --opt-level say what is rewritten", async () => {
  const [usual, plain, written] = [
    await dumped(normed),
    await dumped(normed, "--no-optimize-for-inference"),
    await dumped(normed, "--no-optimize-for-inference", "--opt-level", "0"),
  ];
  assert(usual.info.nrOpr < plain.info.nrOpr && plain.info.nrOpr < written.info.nrOpr);
  assertEquals(usual.main.metadata!.optimizeOptions, 0x40n);
  assertEquals(plain.main.metadata!.optimizeOptions, 0n);
});

Deno.test("dump --user-info and --enable-metadata", async () => {
  const { main } = await dumped(module, "--user-info", '{"a": [1, "b", null, 2.5, true]}');
  assert(main.metadata!.isValid && main.metadata!.userInfo.length > 10);
  const none = await dumped(module, "--user-info", "1", "--no-enable-metadata");
  assertEquals([none.main.metadata!.isValid, none.main.metadata!.userInfo.length], [false, 0]);
});

Deno.test("dump --input-data begins the file with cases, --seed draws others", async () => {
  const specs = ["--input-data", "#rand(0,1)", "--input-data", "#rand(5,6,4,2)"];
  const { file, bytes, main, err } = await dumped(layer, ...specs);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, 8)), "mgbtest0");
  assertEquals(file.testcases.length, 2);
  assertStringIncludes(err, "x: shape [4,2], f32, ");
  const check = main.oprs.find(({ type }) => type === "AssertEqual")!.params[0].fields;
  assertEquals([check.maxerr, check.verbose], [Math.fround(1e-4), true]);
  const [, x] = await caseValues(file, 0);
  // numpy.random.RandomState(0).uniform(0, 1, 2)
  assertEquals(x.data, [0.548813502304, 0.715189366372].map(Math.fround));
  const seeded = await dumped(layer, ...specs, "--seed", "7");
  const [, y] = await caseValues(seeded.file, 0);
  assertEquals(y.data, [0.076308289373, 0.779918792240].map(Math.fround));
});

Deno.test("dump --silent, --no-assert, --maxerr: how the checks behave", async () => {
  const spec = ["--input-data", "#rand(0,1)"];
  const fields = async (...flags: string[]) => {
    const { main } = await dumped(layer, ...spec, ...flags);
    return main.oprs.find(({ type }) => type === "AssertEqual")?.params[0].fields;
  };
  assertEquals((await fields("--silent"))!.verbose, false);
  assertEquals((await fields("--maxerr", "0.5"))!.maxerr, 0.5);
  assertEquals(await fields("--no-assert"), undefined);
});

Deno.test("dump --repeat and --input-transform change values of files", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/x.npy`;
  const x = { dtype: "f32", shape: [1, 2], data: Float32Array.of(3, 4) } as const;
  await Deno.writeFile(path, writeNpy(x));
  const flags = ["--input-data", path, "--repeat", "3", "--input-transform", "data*2+1"];
  const { file } = await dumped(layer, ...flags, "--no-assert");
  assertEquals(await caseValues(file, 0), [{ shape: [3, 2], data: [7, 9, 7, 9, 7, 9] }]);
});

Deno.test("dump --gzip compresses the stream", async () => {
  const [plain, packed] = [await dumped(module), await dumped(module, "--gzip")];
  assertEquals([packed.bytes[0], packed.bytes[1]], [0x1f, 0x8b]);
  assertEquals(await gathered(gunzip([packed.bytes])), plain.bytes);
});

Deno.test("dump shows on a terminal how many of all bytes are written", async () => {
  await using folder = await temporaryFolder();
  const terminal = fakeTerminal({ isTerminal: true, tick: 400 });
  const args = ["dump", `${root}tests/cli/large_model.ts`, "-o", `${folder.path}/a.mge`];
  const said = console.error;
  console.error = () => {};
  try {
    assertEquals(await main(program, args, terminal), 0);
  } finally {
    console.error = said;
  }
  assertStringIncludes(terminal.text.err, "writing [");
});
