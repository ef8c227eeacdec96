/**
 * `convert`: containers, rewriting, other sizes, modules, weights; what goes along; failures.
 * @module
 */
import { collect } from "../../lib/core/host.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { readNpy, writeNpz } from "../../lib/io/npy.ts";
import { openSafetensors } from "../../lib/io/safetensors.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { withValues } from "../mge/model_files.ts";
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { goldenCases } from "../tools/unpack_cases.ts";
import { dataFile, root, temporaryFolder, weft } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const recorded = (name: string) => dataFile(`mge-python/${name}`);
const reference = ["--device", "reference"];

async function converted(...args: string[]) {
  const done = await weft("convert", ...args, "--json");
  assertEquals(done.status, 0, `${args.join(" ")}: ${done.err}`);
  return { info: JSON.parse(done.out), err: done.err };
}

async function inspected(path: string) {
  return JSON.parse((await weft("inspect", path, "--json")).out);
}

async function graphs(path: string) {
  const { models, testcases, container } = await readModel(arrayBytes(await Deno.readFile(path)));
  const plain = await Promise.all([...models, ...testcases].map(withValues));
  return { container, models: plain as Record<string, unknown>[] };
}

Deno.test("convert V1 to V2 and back keeps operators, values, names, metadata and cases", async () => {
  await using folder = await temporaryFolder();
  const [there, back] = [`${folder.path}/there.mge`, `${folder.path}/back.mge`];
  const files: string[] = ["testcases/multi_named.mge", "testcases/rand_v1.mge"];
  for (const name of ["mlp", "convnet", "lenet", "embedding"]) {
    files.push(`${name}/allnames.v1.mge`, `${name}/allnames.v2.mge`);
  }
  for (const name of [...files, "mlp/userinfo.v2.mge", "mlp/keep0.v1.mge"]) {
    const before = await graphs(recorded(name));
    const format = String(before.models[0].format);
    const names = { V1: "FBS", V2: "FBS_V2" } as Record<string, string>;
    const other = format === "V1" ? "V2" : "V1";
    const { info } = await converted(recorded(name), there, "--format", names[other]);
    assertEquals(info.totBytes, (await Deno.stat(there)).size, name);
    await converted(there, back, "--format", names[format]);
    const between = await graphs(there);
    assertEquals(between.models.map((m) => m.format), before.models.map(() => other));
    const after = await graphs(back);
    assertEquals(after.container, before.container);
    for (const [i, was] of before.models.entries()) {
      const is = after.models[i];
      // V1 names what it does not know, and V2 alone states shapes: both are not of the meaning.
      const bare = (m: Record<string, unknown>) => ({
        ...m,
        ...{ format: 0, hash: 0, modelVersion: 0 },
        oprs: (m.oprs as { outputs: { id: number; name?: string }[] }[]).map((opr) => ({
          ...opr,
          outputs: opr.outputs.map(({ id, name }) => ({
            id,
            name: name ?? (format === "V1" && hasNames(was) ? `var${id}` : undefined),
          })),
        })),
      });
      assertEquals(bare(is), bare(was), name);
    }
  }
});

function hasNames(model: Record<string, unknown>): boolean {
  return (model.oprs as { outputs: { name?: string }[] }[]).some(({ outputs }) =>
    outputs.some(({ name }) => name !== undefined)
  );
}

Deno.test("convert to the other container computes the same on every recorded network", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/a.mge`;
  for (const name of ["lenet", "resnet18_small", "train_sgd", "adv_index"]) {
    const file = recorded(`${name}/base.v1.mge`);
    await converted(file, target);
    const compared = await weft("compare", file, target, "--device", "cpu", "--rtol", "0");
    assertEquals(compared.status, 0, `${name}: ${compared.out}${compared.err}`);
  }
});

Deno.test("convert takes operators without a meaning here into the other container", async () => {
  await using folder = await temporaryFolder();
  const [v2, v1] = [`${folder.path}/svd.v2.mge`, `${folder.path}/svd.v1.mge`];
  const one = (await goldenCases()).find((c) => c.name === "golden/ops/svd.v2")!;
  await Deno.writeFile(v2, one.model);
  await converted(v2, v1, "--format", "FBS");
  const found = await inspected(v1);
  assertEquals([found.format, found.operators.SVD], ["V1", 1]);
  const rewritten = await weft("convert", v2, v1, "--optimize-for-inference");
  assertEquals(rewritten.status, 3);
  assertStringIncludes(rewritten.err, "SVD");
});

Deno.test("convert rewrites for inference, and cases, metadata and names go along", async () => {
  await using folder = await temporaryFolder();
  const [cases, fast] = [`${folder.path}/cases.mge`, `${folder.path}/fast.mge`];
  const noted = ["--user-info", '{"by":"me"}', "--keep-opr-name", "--keep-param-name"];
  const specs = ["--input-data", "#rand(0,1)", "--maxerr", "0.01", "--silent"];
  const net = recorded("convnet_plain/base.v2.mge");
  assertEquals((await weft("dump", net, "-o", cases, ...noted, ...specs)).status, 0);
  for (
    const flags of [["--enable-nchw44"], ["--enable-fuse-conv-bias-with-z", "--format", "FBS"]]
  ) {
    await converted(cases, fast, ...flags);
    const [was, is] = [await inspected(cases), await inspected(fast)];
    const name = flags[0].slice(2).replaceAll("-", "_");
    assert(is.metadata.optimizeOptions.includes(name), JSON.stringify(is.metadata));
    assert((is.operators.ConvBiasForwardV4 ?? 0) > 0, JSON.stringify(is.operators));
    assertEquals(is.metadata.userInfo, { by: "me" });
    assertEquals(is.testcases, was.testcases);
    assertEquals(is.inputs.map((t: { name: string }) => t.name).sort(), [
      ...was.inputs.map((t: { name: string }) => t.name).sort(),
    ]);
    const { models: [main] } = await readModel(arrayBytes(await Deno.readFile(fast)));
    const check = main.oprs.find(({ type }) => type === "AssertEqual")!;
    const { maxerr, verbose } = check.params[0].fields;
    assertEquals([Math.fround(0.01), false], [maxerr, verbose]);
    assert(main.oprs.every((o) => o.name !== undefined));
    const check0 = await weft("check", fast, ...reference);
    assertEquals([check0.status, check0.out], [0, "1 passed, 0 failed, 0 skipped\n"]);
  }
  // The value that was expected goes along: it is not computed anew from what is there now.
  const expected = async (path: string) => {
    const file = await readModel(arrayBytes(await Deno.readFile(path)));
    return (await withValues(file.testcases[0]) as { oprs: unknown[] }).oprs.map((o) =>
      (o as { tensors: { value: Uint8Array }[] }).tensors[0].value
    );
  };
  assertEquals(await expected(fast), await expected(cases));
});

Deno.test("convert --inputs stages for other sizes; cases that do not fit are named", async () => {
  await using folder = await temporaryFolder();
  const [from, to] = [`${folder.path}/from.mge`, `${folder.path}/to.mge`];
  const flexible = `${root}tests/cli/flexible_model.ts`;
  const specs = ["--input-data", "#rand(0,1)", "--flexible", "x=0,1"];
  assertEquals((await weft("dump", flexible, "-o", from, ...specs)).status, 0);
  const batch = await converted(from, to, "--inputs", "x=f32[3,5,4]");
  assertEquals(batch.info.reported, []);
  const found = await inspected(to);
  assertEquals([found.inputs[0].shape, found.testcases.length], [[3, 5, 4], 1]);
  assertEquals((await weft("check", to, ...reference)).status, 0);
  // Both axes may still change.
  assert(found.operators.GetVarShapeV1 > 0, JSON.stringify(found.operators));
  const run = await weft("run", to, "--input", "x=#rand(0,1,6,7,4)", ...reference);
  assertStringIncludes(run.out, "f32[7,6,4]");
  const { info } = await converted(from, to, "--inputs", "x=f32[2,8,4]", "--format", "FBS");
  assertEquals(info.reported, [
    "test case 0 is left out: its x is f32[2,5,4], the input is f32[2,8,4]",
  ]);
  const wrong: readonly [string, number, string][] = [
    ["y=f32[1]", 2, "the model has no input y, it has x; did you mean x?"],
    ["x=f32[a]", 2, "it is written NAME=f32[1,3,224,224]; dtypes are f32, f16"],
    ["x=i32[2,5,4]", 2, "the file's operators are for f32[2,5,4]"],
    ["x=f32[2,3]", 2, "Cannot reshape f32[2,3] to [3,2,4]"],
  ];
  for (const [text, status, why] of wrong) {
    const done = await weft("convert", from, to, "--inputs", text);
    assertEquals([done.status, done.out], [status, ""], text);
    assertStringIncludes(done.err, why);
  }
});

Deno.test("convert of a module is its dump", async () => {
  await using folder = await temporaryFolder();
  const [a, b] = [`${folder.path}/a.mge`, `${folder.path}/b.mge`];
  await converted(`${module}#layer`, a, "--inputs", "x=f32[3,2]", "--enable-ioc16");
  const types = ["--types", "x=f32[3,2]", "--enable-ioc16"];
  assertEquals((await weft("dump", `${module}#layer`, "-o", b, ...types)).status, 0);
  assertEquals(await Deno.readFile(a), await Deno.readFile(b));
  assertEquals((await inspected(a)).inputs[0].shape, [3, 2]);
});

Deno.test("convert writes the tensors of files, modules and arrays as safetensors", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/w.safetensors`;
  const { info } = await converted(dataFile("mge-golden/cnn.v1.mge"), target);
  const { tensors } = await openSafetensors(target);
  assertEquals(info.tensors.map((t: { name: string }) => t.name), [...tensors.keys()]);
  assertEquals(info.bytes, (await Deno.stat(target)).size);
  const { params } = await inspected(dataFile("mge-golden/cnn.v1.mge"));
  assertEquals(
    info.tensors,
    params.map((p: Record<string, unknown>) => ({ name: p.name, dtype: p.dtype, shape: p.shape })),
  );
  await converted(module, target);
  const [[, weight]] = (await openSafetensors(target)).tensors;
  assertEquals([...(await collect(weight)).data], [1, -1, 0.5, 2]);
  const value = readNpy(await Deno.readFile(recorded("add/in0.npy")));
  await Deno.writeFile(`${folder.path}/w.npz`, writeNpz([["a", value], ["b/c", value]]));
  await converted(`${folder.path}/w.npz`, target);
  const arrays = (await openSafetensors(target)).tensors;
  assertEquals([...arrays.keys()], ["a", "b/c"]);
  assertEquals([...(await collect(arrays.get("b/c")!)).data], [...value.data]);
});

Deno.test("convert that fails leaves the old file and says why", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  for (const name of ["old.mge", "old.safetensors"]) await Deno.writeTextFile(at(name), "old");
  await Deno.writeTextFile(at("a.onnx"), "");
  const mlp = recorded("mlp/base.v1.mge");
  const wrong: readonly [string[], number, string][] = [
    [[at("a.onnx"), at("old.mge")], 3, "it is an ONNX model, and this version reads MegEngine's"],
    [[mlp, at("a.onnx")], 2, "its ending says what is made, one of .mge, .mdl, .safetensors"],
    [[mlp, at("a.mgx")], 2, "did you mean .mge?"],
    [[at("none.mge"), at("old.mge")], 3, "there is no such file"],
    [[mlp, at("old.safetensors"), "--enable-ioc16"], 2, "Cannot rewrite weights"],
    [[at("w.npz"), at("old.mge")], 2, "it holds arrays and no graph"],
    [[recorded("add/base.v1.mge"), at("old.safetensors")], 2, "it holds no tensors"],
    [[mlp, at("old.mge"), "--enable-nchw4", "--enable-nchw88"], 2, "--enable-nchw88"],
    [[mlp, at("old.mge"), "--format", "V1"], 2, "it takes FBS, FBS_V2"],
  ];
  for (const [args, code, text] of wrong) {
    const { status, out, err } = await weft("convert", ...args);
    assertEquals([status, out], [code, ""], `${args.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
    assertEquals(await Deno.readTextFile(at("old.mge")), "old");
    assertEquals(await Deno.readTextFile(at("old.safetensors")), "old");
    assertEquals([...Deno.readDirSync(folder.path)].length, 3);
  }
});
