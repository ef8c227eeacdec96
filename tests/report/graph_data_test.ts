/**
 * Graphs and files as plain data: operands, numbers, results, attributes, parts, places, families.
 * @module
 */
import { f32, load, named, optimize, softmax, stage, type Tensor } from "@weft/weft";
import { familyOf } from "../../lib/report/family.ts";
import { fileData } from "../../lib/report/file_data.ts";
import { type GraphData, graphData } from "../../lib/report/graph_data.ts";
import { around, scopeOf } from "../../lib/report/scope.ts";
import { ops } from "../../lib/ops/mod.ts";
import { assert, assertEquals, assertMatch } from "../std.ts";
import { layerGraph, parallelGraph, parameter, residualGraph, singleGraph } from "./graphs.ts";

const data = (path: string) => new URL(`../data/${path}`, import.meta.url);

/** One line a node, to read. */
function lines({ nodes }: GraphData): string[] {
  return nodes.map(({ role, op, name, types, ins, scope }, i) => {
    const reads = ins.map((x) => `${x.name}=${x.value ?? `%${x.from}`}`).join(" ");
    const words = [`%${i}`, role, op, name, types.join(), reads, scope && `in ${scope}`];
    return words.filter(Boolean).join(" ");
  });
}

Deno.test("graphData() lists nodes with operands, numbers, results and parts", () => {
  assertEquals(lines(graphData(layerGraph())), [
    "%0 argument arg image f32[2,4]",
    "%1 constant data net.fc1.weight f32[4,3] in net.fc1",
    "%2 operation matmul f32[2,3] a=%0 b=%1 in net.fc1",
    "%3 constant data net.fc1.bias f32[3] in net.fc1",
    "%4 operation add f32[2,3] a=%2 b=%3 in net.fc1",
    "%5 operation relu f32[2,3] x=%4",
    "%6 operation mul f32[2,3] a=%5 b=2",
    "%7 operation add f32[2,3] a=%5 b=%5",
    "%8 result result scores f32[2,3] value=%6",
    "%9 result result again f32[2,3] value=%7",
  ]);
});

Deno.test("graphData() keeps every operand of every node, in graphs of any kind", () => {
  for (const graph of [singleGraph(), parallelGraph(), optimize(residualGraph(7))]) {
    const { nodes } = graphData(graph);
    nodes.forEach(({ ins }, i) => {
      for (const { from, value } of ins) {
        assert(value !== undefined || (from !== undefined && from < i), `node ${i}`);
      }
    });
  }
  const concat = graphData(parallelGraph()).nodes.find(({ op }) => op === "concat")!;
  assertEquals(concat.ins.map(({ name }) => name), ["xs[0]", "xs[1]", "xs[2]", "xs[3]", "xs[4]"]);
});

Deno.test("graphData() tells bytes, first elements, the author's place and what is notable", () => {
  const w = parameter([2, 4], "w");
  const graph = stage((x: Tensor) => [softmax(x), softmax(x, { axis: 0 }), w], [f32([2, 4])]);
  const { nodes } = graphData(graph);
  const [usual, other] = nodes.filter(({ op }) => op === "softmax");
  assertEquals([usual.bytes, usual.family], [32, "activation"]);
  assertEquals(usual.attrs, [{ name: "axis", value: "1", notable: false }]);
  assertEquals(other.attrs, [{ name: "axis", value: "0", notable: true }]);
  assertMatch(usual.place!, /tests\/report\/graph_data_test\.ts:\d+:\d+$/);
  assertEquals(usual.doc, "Exponentials along `axis`, scaled to sum to one");
  assertEquals(nodes.find(({ name }) => name === "w")!.value, "0.1 0.1 0.1 0.1 0.1 0.1 …");
  const without = graphData(graph, { place: () => undefined });
  assert(without.nodes.every(({ place }) => place === undefined));
});

Deno.test("graphData() shows where a program stops to read", () => {
  const x = stage((x: Tensor) => x, [named("x", f32([1]))]);
  const [root] = x.args;
  const graph = {
    ...x,
    cuts: [
      { kind: "read" as const, roots: [root] as const },
      {
        kind: "hole" as const,
        roots: [root, root],
        outs: [],
        fn: function sort() {
          return Promise.resolve([]);
        },
      },
      ...x.cuts,
    ],
  };
  assertEquals(lines(graphData(graph)).slice(1), [
    "%1 result read f32[1] value=%0",
    "%2 result host sort f32[1],f32[1] value 0=%0 value 1=%0",
    "%3 result result output0 f32[1] value=%0",
  ]);
});

Deno.test("parts are read off paths; what stands between parts belongs around both", () => {
  const names = ["a.b.weight", "net/fc[0]/bias", "weight", "const{1}[3].x", "conv(a.b)", undefined];
  assertEquals(names.map(scopeOf), [
    "a.b",
    "net/fc[0]",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(around("tf.e.0.q", "tf.e.0.k"), "tf.e.0");
  assertEquals(around("tf.e.1", "tf.e.10"), "tf.e");
  assertEquals([around("a", "a.b"), around("ab.c", "a.c")], ["a", undefined]);
  const { nodes } = graphData(residualGraph(2));
  assertEquals(nodes.filter(({ op }) => op === "relu").map(({ scope }) => scope), [
    "net.stage0.block0",
    "net.stage0",
    "net.stage0.block1",
    undefined,
  ]);
});

Deno.test("every operation here has a family; few are of none", () => {
  const other = ops.filter((op) => familyOf(op.name, op) === "other").map(({ name }) => name);
  assertEquals(other, ["randomBits", "uniform", "iota", "zero"]);
  const families = ["argmax", "max", "maximum", "tanh", "conv2dData", "maxPool2d", "batchNorm"]
    .map((name) => familyOf(name, ops.find((op) => op.name === name)));
  assertEquals(families, [
    ...["reduce", "reduce", "arithmetic", "activation", "product", "reduce", "norm"],
  ]);
  const files = ["ConvolutionV2", "Elemwise RELU", "Elemwise ADD", "Elemwise FUSE_ADD_H_SWISH"];
  assertEquals(files.map((name) => familyOf(name)), [
    ...["product", "activation", "arithmetic", "activation"],
  ]);
  assertEquals(familyOf("AtlasRuntimeOpr"), "other");
});

Deno.test("fileData() shows a file's own operators, V1 and V2, whether or not they can run", async () => {
  for (const version of ["v1", "v2"]) {
    const model = await load(data(`mge-python/topk_elem/noopt.${version}.mge`));
    const found = fileData(model.listing());
    const type = version === "v2" ? " [4,3],[4,3]" : "";
    const [input, topk, first] = lines(found);
    assertEquals(input, "%0 argument Host2DeviceCopy arg_0 f32[4,9]");
    assertMatch(topk, /^%1 operation TopK TopK:o0 .*input 0=%0 input 1=-3$/);
    if (type) assert(topk.includes("[4,3]"), topk);
    assertEquals(first.startsWith("%2 operation Elemwise MUL"), true, first);
    const results = found.nodes.filter(({ role }) => role === "result").map(({ name }) => name);
    assertEquals(results, model.outputs.map(({ name }) => name));
  }
});

Deno.test("fileData() takes every recorded file, and loses no operator", async () => {
  for await (const entry of Deno.readDir(data("mge-python"))) {
    if (!entry.isDirectory || entry.name === "testcases") continue;
    const model = await load(data(`mge-python/${entry.name}/base.v2.mge`));
    const { nodes } = fileData(model.listing());
    const computing = Object.entries(model.operators)
      .filter(([type]) => !/Tensor|Host2DeviceCopy/.test(type)).reduce((n, [, k]) => n + k, 0);
    assertEquals(nodes.filter(({ role }) => role === "operation").length, computing, entry.name);
    nodes.forEach(({ ins }, i) => assert(ins.every(({ from }) => from === undefined || from < i)));
  }
});
