/**
 * `strip`: what MegEngine wrote as strip info of the same files, sets of models, appending.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, temporaryFolder, weft, weftWith } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const golden = (name: string) => dataFile(`mge-python/${name}`);
const hashes = /"hash": \d+/;

Deno.test("strip prints what MegEngine wrote of the same file, byte for byte", async () => {
  for (const name of ["add", "mlp", "convnet"]) {
    for (const format of ["v1", "v2"]) {
      const { status, out, err } = await weft("strip", golden(`${name}/strip.${format}.mge`));
      assertEquals([status, err], [0, ""]);
      const want = await Deno.readTextFile(golden(`${name}/strip.${format}.json`));
      assertEquals(out, `${want}\n`);
    }
  }
  const cases = JSON.parse((await weft("strip", golden("testcases/strip.mge"))).out);
  const { strip_info: want } = JSON.parse(
    await Deno.readTextFile(golden("testcases/index.json")),
  ).find(({ name }: { name: string }) => name === "strip");
  assertEquals(cases, want);
});

Deno.test("strip joins a set of models, files and modules, and appends as MegEngine does", async () => {
  await using folder = await temporaryFolder();
  const target = `${folder.path}/strip.json`;
  const mlp = golden("mlp/strip.v1.mge");
  const both = await weft("strip", golden("add/strip.v2.mge"), mlp, "-o", target);
  assertEquals([both.status, both.out], [0, `${target}: 2 models\n`], both.err);
  const text = await Deno.readTextFile(target);
  assertEquals(text, await Deno.readTextFile(golden("mlp/strip.v1.json")));
  const more = await weft("strip", `${module}#layer`, "-o", target, "--append");
  assertEquals(more.status, 0, more.err);
  assertEquals(await Deno.readTextFile(target), text.replace(hashes, '"hash": 0'));
  await Deno.writeTextFile(target, '{"dtypes": ["Int8"], "extra": [], "hash": 5}');
  await weft("strip", golden("add/strip.v1.mge"), "-o", target, "--append");
  // The recorded behaviour of MegEngine: a list that only the new data have is lost.
  assertEquals(
    await Deno.readTextFile(target),
    '{"dtypes": ["Int8", "Float32"], "extra": [], "hash": 9220142220612192978}',
  );
  const fresh = `${folder.path}/fresh.json`;
  await weft("strip", mlp, "-o", fresh, "--append");
  assertEquals(await Deno.readTextFile(fresh), text);
});

Deno.test("strip of what dump wrote is the strip info that dump wrote", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  for (const format of ["FBS", "FBS_V2"]) {
    const flags = ["-o", at("a.mge"), "--strip-info-file", at("a.json"), "--format", format];
    const done = await weft("dump", golden("convnet/base.v2.mge"), ...flags, "--enable-ioc16");
    assertEquals(done.status, 0, done.err);
    const found = (await weft("strip", at("a.mge"))).out;
    assertEquals(found, `${await Deno.readTextFile(at("a.json"))}\n`, format);
  }
});

Deno.test("strip --json gives one document, its hash as text; standard input is a model", async () => {
  const file = golden("mlp/strip.v1.mge");
  const { status, out } = await weftWith(await Deno.readFile(file), "strip", "-", "--json");
  const { hash, models, file: written, opr_types } = JSON.parse(out);
  assertEquals([status, hash, models, written], [0, "11812916008026353442", ["-"], null]);
  assert(opr_types.includes("MatrixMul"));
});

Deno.test("strip says what stays unknown of a file that cannot run here", async () => {
  const { status, out, err } = await weft("strip", dataFile("mge-golden/mlp.v2.mge"), "--json");
  assertEquals([status, err], [0, ""]);
  assert(JSON.parse(out).dtypes.includes("Float32"));
  await using folder = await temporaryFolder();
  const { goldenCases } = await import("../tools/unpack_cases.ts");
  const svd = (await goldenCases()).find(({ name }) => name === "golden/ops/svd.v2")!;
  const path = `${folder.path}/svd.mge`;
  await Deno.writeFile(path, svd.model);
  const unknown = await weft("strip", path);
  assertEquals(unknown.status, 0, unknown.err);
  assertStringIncludes(unknown.err, `note: ${path}: element types between operators are unknown`);
  assertStringIncludes(unknown.out, '"SVD"');
});
