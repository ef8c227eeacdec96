/**
 * Dumps of every case of every operation, V1 and V2, read back: the same values on the reference.
 * Names and operators as MegEngine has them.
 * @module
 */
import { resultsOf } from "../../lib/core/graph.ts";
import { arg, constant, literal } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f16, f32, i32, isFloat, printType, u16 } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { gathered } from "../../lib/io/stream.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { dumpGraph } from "../../lib/mge/dump.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { importModel } from "../../lib/mge/import.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { add, div, mul } from "../../lib/ops/arithmetic.ts";
import { clip, relu } from "../../lib/ops/activation.ts";
import { gt } from "../../lib/ops/compare.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { ops } from "../../lib/ops/mod.ts";
import { uniform } from "../../lib/ops/random.ts";
import { mean } from "../../lib/ops/reduce.ts";
import { as, where } from "../../lib/ops/select.ts";
import { reshape } from "../../lib/ops/shape.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { graphOf, stage } from "../../lib/stage/stage.ts";
import { worst } from "../ops/case_values.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";
import { type DumpCase, dumpCases } from "./dump_cases.ts";
import { networkCases } from "./dump_networks.ts";

type Model = (...ins: Tensor[]) => unknown;

/** The file of a dump, read. */
async function written(graph: Parameters<typeof dumpGraph>[0], options: DumpOptions = {}) {
  const dumped = dumpGraph(graph, options);
  const bytes = await gathered(dumped.emit());
  assertEquals(bytes.length, dumped.totalBytes);
  const { models: [model] } = await readModel(arrayBytes(bytes));
  return { info: dumped.info, model, bytes };
}

function types(model: { readonly oprs: readonly { readonly type: string }[] }): string[] {
  return model.oprs.map((o) => o.type);
}

/** Dumps a case in both formats, and compares what is read back with the function itself. */
async function comesBack({ name, graph, values, tolerance }: DumpCase): Promise<void> {
  const given = new Map(graph.args.map((t, i) => [t.node, values[i]]));
  const wants = await evaluate(resultsOf(graph), given);
  for (const format of ["FBS", "FBS_V2"] as const) {
    const { model, info } = await written(graph, { format });
    const read = await importModel(model, name);
    if (read.refusal) throw read.refusal;
    const own = read.inputs.map((t) => Number(t.name.slice("arg_".length)));
    const ins = read.inputs.map(({ shape }, i) => arg({ dtype: values[own[i]].dtype, shape }));
    const { outputs } = read.call(ins);
    const bound = new Map(ins.map((t, i) => [t.node, { ...values[own[i]], shape: t.shape }]));
    const gots = await evaluate(outputs, bound);
    wants.forEach((want, k) => {
      const what = `${name} ${format} ${k}`;
      const ranked = { ...want, shape: want.shape.length ? want.shape : [1] };
      assertEquals(printType(gots[k]), printType(ranked), what);
      const { rtol, atol } = isFloat(want.dtype) ? tolerance : { rtol: 0, atol: 0 };
      const bad = worst(gots[k], want, rtol, atol);
      assert(!bad, `${what}: element ${bad?.index} is ${bad?.got}, not ${bad?.want}`);
    });
    assertEquals(info.reported, [], `${name} ${format}`);
  }
}

Deno.test("write: every case of every operation comes back with equal values", async () => {
  const seen = new Set<string>();
  for (const one of dumpCases()) {
    await comesBack(one);
    seen.add(one.name.split(".")[0]);
  }
  assertEquals([...seen].sort(), ops.map((o) => o.name).sort());
});

Deno.test("write: networks and gradients come back with equal values", async () => {
  for (const one of networkCases()) await comesBack(one);
});

Deno.test("write: the sum of two arguments is three operators", async () => {
  const graph = stage(((a, b) => add(a, b)) as Model, [f32([2, 3]), f32([2, 3])]);
  for (const format of ["FBS", "FBS_V2"] as const) {
    const { info, model } = await written(graph, { format });
    assertEquals(types(model), ["Host2DeviceCopy", "Host2DeviceCopy", "Elemwise"]);
    assertEquals([info.nrOpr, info.inputs, info.outputs], [3, ["arg_0", "arg_1"], ["ADD"]]);
    assertEquals(model.metadata?.optimizeOptions, 0x40n);
    assertEquals(info.contentHash === "0", format === "FBS_V2");
    assertEquals(model.oprs[2].outputs[0].name, "ADD");
  }
});

Deno.test("write: names are those given, the authors', a record's keys, else the operators'", async () => {
  const named = { name: "img", ...f32([4]) };
  const graph = stage(
    ((x, y) => ({ big: mul(x, y), small: add(x, y) })) as Model,
    [named, f32([4])],
  );
  const { info, model } = await written(graph);
  assertEquals(info.inputs, ["arg_1", "img"]);
  assertEquals(info.outputs, ["big", "small"]);
  assertEquals(model.oprs.flatMap((o) => o.outputs[0].name), ["img", "arg_1", "big", "small"]);
  const alike = stage(((x) => [add(x, 1), add(x, 2)]) as Model, [f32([4])]);
  assertEquals((await written(alike)).info.outputs, ["ADD[0]", "ADD[1]"]);
  assertEquals(
    (await written(alike, { argNames: ["in"], outputNames: ["p", "q"] })).info.outputs,
    ["p", "q"],
  );
  assertEquals((await written(alike, { keepVarName: 0 })).info.outputs, ["unnamed0", "unnamed1"]);
  const twice = stage(((x) => [x, x]) as Model, [f32([4]), f32([4])]);
  const double = await written(twice);
  assertEquals([double.info.nrOpr, double.info.outputs], [1, ["arg_0", "arg_0"]]);
  assertEquals(double.info.inputs, ["arg_0"]);
  assertEquals(double.info.reported, ["argument arg_1 is not in the file: no result needs it"]);
  const both = await written(stage(((x) => ({ a: x, b: x })) as Model, [f32([4])]));
  assertEquals(both.info.outputs, ["a", "b"]);
  assertEquals(types(both.model), ["Host2DeviceCopy", "Identity", "Identity"]);
});

Deno.test("write: parameters keep their names where that is asked for, and give operators theirs", async () => {
  const w = constant({ ...f32([2, 3, 1, 1]), data: new Float32Array(6).fill(1) }, "net.c1.weight");
  const b = constant({ ...f32([2]), data: new Float32Array(2) }, "net.c1.bias");
  const graph = stage(((x) => relu(conv2d(x, w, { bias: b }))) as Model, [f32([1, 3, 4, 4])]);
  const kept = { keepParamName: true, keepOprName: true, keepOprPriority: true };
  const { model, info } = await written(graph, { ...kept, optimizeForInference: false });
  assertEquals(info.params, ["net.c1.weight", "net.c1.bias"]);
  assertEquals(model.sharedTensors, 2);
  assertEquals(model.oprs.map((o) => o.name), [
    ...["arg_0", "net.c1.weight", "net.c1.Convolution", "net.c1.bias", "net.c1.ADD", "net.RELU"],
  ]);
  assertEquals(model.oprs.map((o) => o.priority! < 0), [true, true, false, true, false, false]);
  const fused = await written(graph, kept);
  assertEquals(fused.model.oprs.map((o) => o.name), [
    ...["arg_0", "net.c1.weight", "net.c1.Convolution", "net.c1.bias", "net.RELU"],
  ]);
  const plain = await written(graph);
  assertEquals(plain.info.params, []);
  assertEquals(plain.model.oprs[1].tensors[0].name, undefined);
});

Deno.test("write: nothing that loaders refuse", async () => {
  const model = (x: Tensor) => {
    const same = reshape(as(as(x, "i32"), "i32"), { shape: [2, 3] });
    return [same, reshape(x, { shape: [3, 2] }), mean(x), softmax(x)];
  };
  const { model: v2 } = await written(stage(model as Model, [f32([2, 3])]));
  assertEquals(types(v2).filter((t) => t === "TypeCvtV2").length, 1);
  assertEquals(types(v2).filter((t) => t === "ReshapeV1").length, 2);
  assert(types(v2).includes("Softmax"));
  for (const { type, tensors, params } of v2.oprs) {
    assert(tensors.every((t) => t.compNode === "xpux:0" && t.shape.length > 0));
    if (type === "Argmax") assert(Number(params[0].fields.axis) >= 0);
  }
  const { model: v1 } = await written(stage(model as Model, [f32([2, 3])]), { format: "FBS" });
  assert(!types(v1).includes("Softmax"));
  const conv = stage(((x, w) => conv2d(x, w)) as Model, [f32([1, 1, 3, 3]), f32([1, 1, 2, 2])]);
  const { model: file } = await written(conv, { format: "FBS" });
  assertEquals(file.oprs[2].params.map((p) => p.table), ["Convolution", "ExecutionPolicy"]);
  const deep = graphOf([], [
    constant({ ...f32([1, 1, 1, 1, 1, 1, 1, 1]), data: new Float32Array(1) }),
  ]);
  assertThrows(() => dumpGraph(deep), Error, "8 axes");
});

Deno.test("write: what is not chosen stays out, infinite or not", async () => {
  const graph = stage(((x) => where(gt(x, 0), div(1, x), x)) as Model, [f32([4])]);
  const { model } = await written(graph);
  const modes = model.oprs.filter((o) => o.type === "Elemwise").map((o) => o.params[0].fields.mode);
  assertEquals(modes.includes(60) && modes.includes(34), true);
  const read = await importModel(model);
  const [x] = read.inputs.map((t) => arg({ dtype: "f32", shape: t.shape }));
  const given = { ...f32([4]), data: new Float32Array([0, 2, -Infinity, -1]) };
  const [out] = await evaluate(read.call([x]).outputs, new Map([[x.node, given]]));
  assertEquals([...out.data], [0, 0.5, -Infinity, -1]);
});

Deno.test("write: u16 and f16 arithmetic, crossed bounds", async () => {
  const wide = stage(((x, y) => add(x, y)) as Model, [u16([3]), u16([3])]);
  assertEquals(types((await written(wide)).model).filter((t) => t === "TypeCvtV2").length, 3);
  const half = stage(((x) => mul(x, x)) as Model, [f16([3])]);
  assertEquals((await written(half)).model.oprs[0].tensors[0].dtype.name, "Float16");
  const crossed = stage(((x) => clip(x, { lower: 2, upper: 1 })) as Model, [i32([3])]);
  const read = await importModel((await written(crossed)).model);
  const [x] = read.inputs.map((t) => arg({ dtype: "i32", shape: t.shape }));
  const given = { ...i32([3]), data: new Int32Array([0, 2, 5]) };
  const [out] = await evaluate(read.call([x]).outputs, new Map([[x.node, given]]));
  assertEquals([...out.data], [2, 1, 1]);
});

Deno.test("write: random numbers of a key that is an argument leave the key out", async () => {
  const graph = stage(((k, x) => add(x, uniform(k, [3]))) as Model, [i32([2]), f32([3])]);
  const { model, info } = await written(graph);
  assertEquals(info.inputs, ["arg_1"]);
  assert(types(model).includes("UniformRNGV1"));
  assert(info.reported.some((line) => line.includes("other random numbers")));
});

Deno.test("write: wrong options and graphs are refused", () => {
  const graph = stage(((a, b) => add(a, b)) as Model, [f32([2]), f32([2])]);
  const refuse = (options: object, text: string) =>
    assertThrows(() => dumpGraph(graph, options as DumpOptions), RangeError, text);
  refuse({ argNames: ["a"] }, "wrong number of argNames, should be 2 values, found 1");
  refuse({ outputNames: ["a", "b"] }, "wrong number of outputNames, should be 1 values, found 2");
  refuse({ enableFoo: true }, "unknown options: enableFoo\n  known are format, argNames");
  refuse({ format: "FBS_V3" }, "FBS or FBS_V2");
  refuse({ keepVarName: 3 }, "keepVarName: 3");
  assertThrows(() => dumpGraph(graphOf([], [])), RangeError, "should return a tensor");
  const record = stage(((a) => ({ y: add(a, 1) })) as Model, [f32([2])]);
  assertThrows(() => dumpGraph(record, { outputNames: ["z"] }), RangeError, "record");
  assertThrows(() => dumpGraph(graphOf([], [literal(1, "f32")]), { userInfo: () => 1 }));
});
