/**
 * Options of `dump`, each by its name: what is in the file, and what is refused.
 * @module
 */
import {
  add,
  type DumpToOptions,
  f32,
  load,
  matmul,
  mul,
  named,
  OptionError,
  read,
  relu,
  reshape,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { constant } from "../../lib/core/leaf.ts";
import { host } from "../../lib/core/host.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";
import { inFolder } from "./folder.ts";

const test = await targetTests();
const w = constant(host(f32([2, 2]), Float32Array.of(1, 0.5, -1, 2)), "net.fc.weight");
const model = (x: Tensor) => relu(add(matmul(x, w), 1));
const types = [f32([1, 2])];
type Names = readonly (string | undefined)[];

/** Dumps a function into a folder of its own; gives what it says and the file, loaded. */
async function dumped(f: (...ins: never[]) => unknown, options: DumpToOptions) {
  return await inFolder(async (folder) => {
    const traced = trace(f, { recordOnly: true });
    const info = await traced.dump(`${folder}/m.mge`, options);
    const bytes = await Deno.readFile(`${folder}/m.mge`);
    return { info, bytes, back: await load(bytes) };
  });
}

const magic = (bytes: Uint8Array) => [...new TextDecoder().decode(bytes.subarray(0, 12))].join("");

Deno.test("format: FBS_V2 unless FBS is asked for", async () => {
  assertEquals((await dumped(model, { types })).back.format, "V2");
  assertEquals((await dumped(model, { types, format: "FBS_V2" })).back.format, "V2");
  const { back, info, bytes } = await dumped(model, { types, format: "FBS" });
  assertEquals([back.format, info.totBytes], ["V1", bytes.length]);
  assert(BigInt(info.contentHash) > 0n && typeof info.contentHash === "string");
});

Deno.test("argNames: given, the authors', or arg_0; a wrong count has both numbers", async () => {
  const two = (a: Tensor, { b }: { b: Tensor }) => add(a, b);
  const own = [named("img", f32([2])), { b: f32([2]) }];
  assertEquals((await dumped(two, { types: own })).info.inputs, ["b", "img"]);
  const bare = [f32([2]), { b: f32([2]) }];
  assertEquals((await dumped(two, { types: bare })).info.inputs, ["arg_0", "b"]);
  assertEquals((await dumped(two, { types: bare, argNames: ["x"] })).info.inputs, ["b", "x"]);
  assertEquals((await dumped(two, { types: bare, argNames: ["x", "y"] })).info.inputs, ["x", "y"]);
  await assertRejects(
    () => dumped(two, { types: bare, argNames: ["x", "y", "z"] }),
    OptionError,
    "wrong number of argNames, should be 2 values, or 1 for those without a name, found 3",
  );
  assertEquals(
    (await dumped(two, { types: [named("x", f32([2])), { b: named("x", f32([2])) }] })).info.inputs,
    ["x[0]", "x[1]"],
  );
});

Deno.test("outputNames: given, record keys, or the operations'; refused for records", async () => {
  assertEquals((await dumped(model, { types })).info.outputs, ["net.RELU"]);
  assertEquals((await dumped(model, { types, outputNames: ["y"] })).info.outputs, ["y"]);
  await assertRejects(
    () => dumped(model, { types, outputNames: ["y", "z"] }),
    OptionError,
    "wrong number of outputNames, should be 1 values, found 2",
  );
  const record = (x: Tensor) => ({ b: mul(x, 2), a: add(x, 1) });
  assertEquals((await dumped(record, { types })).info.outputs, ["a", "b"], "sorted");
  await assertRejects(
    () => dumped(record, { types, outputNames: ["y", "z"] }),
    OptionError,
    "record",
  );
});

test("types: those of the latest call, needed when there was none", async (on) => {
  await using f = trace(model, { on, captureAsConst: true });
  await assertRejects(() => f.dump("unused.mge"), TraceError, "never called\n  try dump(sink, {");
  await f(tensor([[1, 2], [3, 4]]));
  await inFolder(async (folder) => {
    for (const [more, shape] of [[{}, [2, 2]], [{ types: [f32([5, 2])] }, [5, 2]]] as const) {
      await f.dump(`${folder}/m.mge`, more);
      await using back = await load(`${folder}/m.mge`, { on });
      assertEquals(back.inputs[0].shape, [...shape]);
    }
  });
});

test("flexible: another batch runs; false fixes all; what does not generalise is said", async (on) => {
  const flat = (x: Tensor) => reshape(x, { shape: [x.shape[0] * 2, 1] });
  const twenty = (x: Tensor) => add(reshape(x, { shape: [1, 4] }), 1);
  const run = async (f: typeof flat, how: DumpToOptions, batch: number) => {
    const { bytes, info } = await dumped(f as never, { types: [f32([2, 2])], ...how });
    await using back = await load(bytes, { on });
    const x = tensor(new Float32Array(2 * batch).fill(3), [batch, 2]);
    const [y] = Object.values(await back(x));
    return [y.shape, (await read(y)).data[0], info.reported];
  };
  assertEquals(await run(flat, {}, 5), [[10, 1], 3, []]);
  assertEquals(await run(flat, { flexible: { arg_0: [0] } }, 3), [[6, 1], 3, []]);
  await assertRejects(() => run(flat, { flexible: false }, 5));
  const [, , reported] = await run(twenty, {}, 2);
  assert(String(reported).includes("fixed"), String(reported));
  await assertRejects(
    () => run(twenty, { flexible: { arg_0: [0] } }, 2),
    OptionError,
    "axis 0 of arg_0 open",
  );
});

Deno.test("append: behind what a path holds; readers take the first", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m.mge`;
    const [first, second] = [model, (x: Tensor) => mul(x, 2)].map((f) =>
      trace(f, { recordOnly: true })
    );
    const a = await first.dump(path, { types });
    const b = await second.dump(path, { types, append: true });
    assertEquals((await Deno.stat(path)).size, a.totBytes + b.totBytes);
    assertEquals((await load(path)).outputs[0].name, "net.RELU");
    await second.dump(path, { types });
    assertEquals((await Deno.stat(path)).size, b.totBytes);
    await assertRejects(
      () => second.dump(new WritableStream(), { types, append: true }),
      OptionError,
      "append is for paths",
    );
  });
});

Deno.test("keepVarName: 0 none, 1 outputs, 2 all", async () => {
  const names = async (keepVarName: 0 | 1 | 2, format: "FBS" | "FBS_V2"): Promise<Names> => {
    const { back } = await dumped(model, { types, keepVarName, format });
    return back.listing().operators.flatMap(({ outputs }) => outputs.map(({ name }) => name));
  };
  const all = ["arg_0", "net.fc.weight", "net.fc.MatrixMul"];
  assertEquals((await names(0, "FBS")).filter(Boolean), ["arg_0"]);
  assertEquals((await names(1, "FBS")).filter(Boolean), ["arg_0", "net.RELU"]);
  for (const format of ["FBS", "FBS_V2"] as const) {
    const found = await names(2, format);
    assert(found.every(Boolean) && all.every((name) => found.includes(name)), `${found}`);
  }
  assertEquals((await dumped(model, { types, keepVarName: 0 })).info.outputs, ["unnamed0"]);
});

Deno.test("keepOprName, keepParamName, keepOprPriority: each by itself", async () => {
  for (const format of ["FBS", "FBS_V2"] as const) {
    const bare = await dumped(model, { types, format });
    assertEquals(bare.info.params, []);
    assert(bare.back.listing().operators.every(({ name }) => name === undefined));
    const named = await dumped(model, { types, format, keepOprName: true });
    const names = named.back.listing().operators.map(({ name }) => name);
    assert(names.includes("net.fc.MatrixMul") && names.includes("net.RELU"), `${names}`);
    const held = await dumped(model, { types, format, keepParamName: true });
    assertEquals(held.info.params, ["net.fc.weight"]);
    assert(held.back.params.some(({ name }) => name === "net.fc.weight"));
    const ordered = await dumped(model, { types, format, keepOprPriority: true });
    assert(ordered.info.totBytes !== bare.info.totBytes);
  }
});

Deno.test("stripInfoFile, appendJson: operators, dtypes and the content hash, merged", async () => {
  await inFolder(async (folder) => {
    const strip = `${folder}/strip.json`;
    const of = (f: (x: Tensor) => Tensor, appendJson: boolean) =>
      trace(f, { recordOnly: true }).dump(`${folder}/m.mge`, {
        ...{ types, format: "FBS", stripInfoFile: strip, appendJson },
      });
    const { contentHash } = await of(model, false);
    const text = await Deno.readTextFile(strip);
    assert(text.endsWith(`"hash": ${contentHash}}`));
    assertEquals(Object.keys(JSON.parse(text)), ["dtypes", "elemwise_modes", "opr_types", "hash"]);
    await of((x) => mul(x, 2), true);
    const merged = JSON.parse(await Deno.readTextFile(strip)).elemwise_modes;
    assert(merged.includes("MUL") && merged.length > 1, merged);
    await of((x) => mul(x, 2), false);
    assertEquals(JSON.parse(await Deno.readTextFile(strip)).elemwise_modes, ["MUL"]);
  });
});

Deno.test("optimizeForInference: true fuses and says so in the metadata", async () => {
  const affine = (x: Tensor) => add(mul(x, 2), 1);
  const plain = await dumped(affine, { types, optimizeForInference: false });
  const fused = await dumped(affine, { types });
  assertEquals([plain.info.nrOpr, fused.info.nrOpr], [5, 4]);
  assertEquals(fused.back.metadata.optimizeOptions, ["enable_fuse_grain"]);
  assertEquals(plain.back.metadata.optimizedForInference, false);
});

Deno.test("userInfo, enableMetadata: any JSON value comes back, or nothing is kept", async () => {
  const values = [null, true, 3, -2.5, "text", [1, [2]], { by: "me", n: { deep: [] } }];
  for (const format of ["FBS", "FBS_V2"] as const) {
    for (const userInfo of values) {
      const { back } = await dumped(model, { types, format, userInfo });
      assertEquals(back.metadata.userInfo, userInfo);
    }
    const { back } = await dumped(model, { types, format, userInfo: 1, enableMetadata: false });
    assertEquals([back.metadata.isValid, back.metadata.userInfo], [false, null]);
  }
  await assertRejects(() => dumped(model, { types, userInfo: () => 1 }));
});

test("inputData: the file starts with a header, and its cases pass", async (on) => {
  for (const format of ["FBS", "FBS_V2"] as const) {
    const how = { types, format, inputData: ["#rand(-1,1)", "#rand(0,1,3,...)"] };
    const { bytes, info } = await dumped(model, how);
    assertEquals(magic(bytes).slice(0, 8), "mgbtest0");
    assertEquals(info.inputs, ["arg_0", "net.RELU:expect"]);
    await using back = await load(bytes, { on });
    const runs = [];
    for (const { run } of back.testcases) runs.push((await run()).passed);
    assertEquals(runs, [true, true]);
  }
});

Deno.test("repeat, silent, noAssert, maxerr: the embedded cases and their checks", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/x.npy`;
    await Deno.writeFile(path, writeNpy({ ...f32([1, 2]), data: Float32Array.of(1, 2) }));
    const of = (more: DumpToOptions) => dumped(model, { types, inputData: [path], ...more });
    const thrice = (await of({ repeat: 3 })).back.testcases[0];
    assertEquals(thrice.values.arg_0.shape, [3, 2]);
    const bare = await of({ noAssert: true });
    assertEquals([bare.info.inputs, bare.info.outputs], [["arg_0"], ["net.RELU"]]);
    const checks = async (more: DumpToOptions) => {
      const { operators } = (await of(more)).back.listing();
      return operators.filter(({ type }) => type === "AssertEqual").map(({ fields }) =>
        Object.fromEntries(fields.map(({ name, value }) => [name, value]))
      );
    };
    const [usual] = await checks({});
    const [loose] = await checks({ maxerr: 0.25, silent: true });
    assertEquals([Math.fround(Number(usual.maxerr)), loose.maxerr], [Math.fround(1e-4), "0.25"]);
    assertEquals([usual.verbose, loose.verbose], ["true", "false"]);
  });
});

Deno.test("resizeInput, inputTransform: for pictures and files only", async () => {
  const picture = new URL("../data/images/rgb.png", import.meta.url).pathname;
  const image = (x: Tensor) => mul(x, 2);
  const how = { types: [f32([1, 3, 4, 5])], inputData: [picture], resizeInput: true };
  const { back } = await dumped(image, {
    ...how,
    inputTransform: ({ shape, data }) => ({
      dtype: "f32",
      shape,
      data: Float32Array.from(data as ArrayLike<number>, (v) => v / 255),
    }),
  });
  const [{ values, run }] = back.testcases;
  assertEquals(values.arg_0.shape, [1, 3, 4, 5]);
  assert((await read(values.arg_0)).data.every((v) => v >= 0 && v <= 1));
  assert((await run()).passed);
  const drawn = { types, inputData: ["#rand(0,1)"] };
  await assertRejects(() => dumped(model, { ...drawn, resizeInput: true }), OptionError);
  await assertRejects(
    () => dumped(model, { ...drawn, inputTransform: (h) => h }),
    OptionError,
    "files only",
  );
});

Deno.test("gzip: the same bytes, compressed", async () => {
  const [plain, packed] = [
    await dumped(model, { types }),
    await dumped(model, { types, gzip: true }),
  ];
  assertEquals([...packed.bytes.subarray(0, 2)], [0x1f, 0x8b]);
  assertEquals([packed.info.totBytes, packed.back.outputs], [
    plain.bytes.length,
    plain.back.outputs,
  ]);
});

Deno.test("onProgress: bytes of all bytes, known before the first", async () => {
  const seen: [number, number][] = [];
  const { info } = await dumped(model, { types, onProgress: (n, all) => void seen.push([n, all]) });
  assert(
    seen.length > 0 &&
      seen.every(([n, all], i) => all === info.totBytes && n >= (seen[i - 1]?.[0] ?? 0)),
  );
  assertEquals(seen.at(-1)![0], info.totBytes);
});

Deno.test("a function that returns nothing says what it should return", async () => {
  for (const f of [() => [], () => undefined, () => ({})]) {
    await assertRejects(() => dumped(f, { types: [] }), OptionError, "it should return a tensor");
  }
});

Deno.test("dump refuses options that are unknown or out of range, with the range", async () => {
  const wrong: readonly [object, string][] = [
    [{ enableFoo: true }, "unknown options: enableFoo\n  known are format"],
    [{ format: "V2" }, "it must be FBS or FBS_V2"],
    [{ keepVarName: 3 }, "keepVarName: 3: it must be 0, 1 or 2"],
    [{ keepOprName: 1 }, "keepOprName: 1: it must be true or false"],
    [{ keepParamName: "no" }, 'keepParamName: "no": it must be true or false'],
    [{ keepOprPriority: null }, "keepOprPriority: null: it must be true or false"],
    [{ optimizeForInference: 0 }, "optimizeForInference: 0: it must be true or false"],
    [{ enableMetadata: 1 }, "enableMetadata: 1: it must be true or false"],
    [{ gzip: 9 }, "gzip: 9: it must be true or false"],
    [{ silent: 1 }, "silent: 1: it must be true or false"],
    [{ noAssert: 1 }, "noAssert: 1: it must be true or false"],
    [{ append: 1 }, "append: 1: it must be true or false"],
    [{ appendJson: 1 }, "appendJson: 1: it must be true or false"],
    [{ resizeInput: 1 }, "resizeInput: 1: it must be true or false"],
    [{ argNames: "x" }, 'argNames: "x": it must be a list of texts'],
    [{ outputNames: [1] }, "outputNames: [1]: it must be a list of texts"],
    [{ inputData: "#rand(0,1)" }, 'inputData: "#rand(0,1)": it must be a list of specs'],
    [{ flexible: [0] }, "flexible: [0]: it must be true, false, or lists of axes"],
    [{ repeat: 0 }, "repeat: 0: it must be an integer from 1"],
    [{ maxerr: -1 }, "maxerr: -1: it must not be negative"],
    [{ seed: 0.5 }, "seed: 0.5: it must be an integer from 0"],
    [{ onProgress: 1 }, "onProgress: 1: it must be a function of two numbers"],
    [{ enableNchw44: true, enableNchw88: true }, "enableNchw88 and enableNchw44: a file has one"],
  ];
  for (const [options, message] of wrong) {
    await assertRejects(() => dumped(model, { types, ...options }), OptionError, message);
  }
});
