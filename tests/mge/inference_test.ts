/**
 * Options of a dump for inference: what each does to the operators, that numbers stay, that the
 * file says what was chosen, and what is refused.
 * @module
 */
import { resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { arg, constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { isFloat, type Type } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { gathered } from "../../lib/io/stream.ts";
import { dumpGraph } from "../../lib/mge/dump.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { importModel } from "../../lib/mge/import.ts";
import { inferenceNames } from "../../lib/mge/infer/options.ts";
import { metadataOf } from "../../lib/mge/metadata.ts";
import type { FileModel } from "../../lib/mge/model.ts";
import { add } from "../../lib/ops/arithmetic.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { square } from "../../lib/ops/math.ts";
import { batchNorm } from "../../lib/ops/norm.ts";
import { stage } from "../../lib/stage/stage.ts";
import { dump } from "../../lib/trace/dump.ts";
import { load } from "../../lib/trace/load.ts";
import { worst } from "../ops/case_values.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";
import { pythonCases } from "../tools/unpack_cases.ts";
import { dumpCases } from "./dump_cases.ts";
import { networkCases, seeded } from "./dump_networks.ts";
import { printed } from "./inference_files.ts";
import { type Network, networks } from "./inference_networks.ts";
import { readBytes } from "./model_files.ts";
import { hostOf, imported } from "./run_cases.ts";

/** The model of a dump, read again. */
async function dumped({ model, types }: Network, options: DumpOptions): Promise<FileModel> {
  const { emit } = dumpGraph(stage(model as never, types), options);
  return (await readBytes(await gathered(emit()))).models[0];
}

/** What a network computes of seeded numbers. */
async function wanted({ model, types }: Network, others = types): Promise<readonly Host[]> {
  const graph = stage(model as never, others);
  const bound = graph.args.map((t, i) => [t.node, seeded(others[i], 7 + i)] as const);
  return await evaluate(resultsOf(graph), new Map(bound));
}

/** What a file computes of them. */
async function found(model: FileModel, types: readonly Type[]): Promise<readonly Host[]> {
  const read = await importModel(model);
  if (read.refusal) throw read.refusal;
  const args = types.map((t) => arg(t));
  const bound = new Map(args.map((t, i) => [t.node, seeded(types[i], 7 + i)]));
  return await evaluate(read.call(args).outputs, bound);
}

/** The largest difference between two lists of values of the same shapes. */
function distance(gots: readonly Host[], wants: readonly Host[]): number {
  assertEquals(gots.map((h) => [h.dtype, h.shape]), wants.map((h) => [h.dtype, h.shape]));
  return Math.max(
    ...gots.flatMap((h, k) =>
      Array.from(h.data as Float32Array, (x, i) => Math.abs(x - Number(wants[k].data[i])))
    ),
  );
}

function isHalf(option: string): boolean {
  return option.includes("16");
}

/** `enableNchw44Dot` as the file has it. */
function fileName(option: string): string {
  return option.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

Deno.test("inference: every option keeps the numbers, in V1 and V2, and is read back by name", async () => {
  for (const [name, network] of Object.entries(networks)) {
    const wants = await wanted(network);
    for (const option of inferenceNames) {
      for (const format of ["FBS", "FBS_V2"] as const) {
        const model = await dumped(network, { [option]: true, format });
        const what = `${name} ${option} ${format}`;
        const { optimizeOptions, optimizedForInference } = metadataOf(model);
        const names = [...new Set([fileName(option), "enable_fuse_grain"])];
        assertEquals([...optimizeOptions].sort(), names.sort(), what);
        assertEquals(optimizedForInference, true);
        const error = distance(await found(model, network.types), wants);
        if (isHalf(option)) assert(error > 1e-6 && error < 1e-2, `${what}: ${error}`);
        else assert(error < 2e-6, `${what}: ${error}`);
      }
    }
  }
});

/** Cases whose values are ties. */
const coarse: ReadonlySet<string> = new Set(["round.1"]);

Deno.test("inference: every operation comes back with options that rewrite much", async () => {
  const sets: readonly DumpOptions[] = [
    { enableNchw44: true, enableFuseConvBiasWithZ: true, enableFusePreprocess: true },
    { enableHwcd4: true },
    { enableIo16xc32: true, enableNchw4: true },
  ];
  for (const { name, graph, values, tolerance } of [...dumpCases(), ...networkCases()]) {
    const bound = graph.args.map((t, i) => [t.node, values[i]] as const);
    const wants = await evaluate(resultsOf(graph), new Map(bound));
    for (const options of sets) {
      const half = options.enableIo16xc32 === true;
      if (half && coarse.has(name)) continue;
      const { models: [file] } = await readBytes(
        await gathered(dumpGraph(graph, options).emit()),
      );
      const read = await importModel(file, name);
      const own = read.inputs.map((t) => Number(t.name.slice("arg_".length)));
      const ins = own.map((k, i) => constant({ ...values[k], shape: read.inputs[i].shape }));
      const gots = await evaluate(read.call(ins).outputs);
      wants.forEach((want, k) => {
        // whole numbers made of halves may be the next ones
        if (half && !isFloat(want.dtype)) return;
        const { rtol, atol } = half ? { rtol: 2e-2, atol: 2e-2 } : tolerance;
        const bad = worst(gots[k], want, rtol, atol);
        assertEquals(bad, undefined, `${name} ${k} ${JSON.stringify(options)}`);
      });
    }
  }
});

Deno.test("inference: recorded networks, some that the release cannot dump so, are dumped again", async () => {
  const names = ["transformer_small", "matmuls", "convnet", "conv_transpose", "norm_softmax"];
  const all = await pythonCases();
  for (const one of all.filter(({ name }) => names.some((n) => name === `python/${n}/base.v2`))) {
    const model = await imported(one);
    const values = one.inputs.map(hostOf);
    const source = (...ins: Tensor[]) => model.call(ins).outputs;
    const graph = stage(source as never, values.map(({ dtype, shape }) => ({ dtype, shape })));
    for (const option of inferenceNames) {
      const { models: [file] } = await readBytes(
        await gathered(dumpGraph(graph, { [option]: true }).emit()),
      );
      const gots = await evaluate(
        (await importModel(file)).call(values.map((v) => constant(v))).outputs,
      );
      one.outputs.forEach((want, k) => {
        const within = isHalf(option) ? 2e-2 : 1e-4;
        const bad = worst(gots[k], hostOf(want), within, within);
        assertEquals(bad, undefined, `${one.name} ${option} ${want.name}`);
      });
    }
  }
});

Deno.test("inference: the operators of each option", async (t) => {
  for (const [name, network] of Object.entries(networks)) {
    const plain = printed(await dumped(network, {}));
    for (const option of [undefined, ...inferenceNames]) {
      const list = option ? printed(await dumped(network, { [option]: true })) : plain;
      const shown = option && list === plain ? "as without" : list;
      await t.assertSnapshot(shown, { name: `${name} ${option}`, serializer: (text) => text });
    }
  }
});

Deno.test("inference: options together keep the numbers", async () => {
  const pairs: readonly DumpOptions[] = [
    { enableIo16xc32: true, enableNchw44: true, enableFuseConvBiasWithZ: true },
    { enableIoc16: true, enableNchw88: true },
    { enableIoc16: true, enableFuseConvBiasNonlinearity: true },
    { enableIo16xc32: true, enableHwcd4: true, enableFusePreprocess: true },
    { enableIo16xc32: true, enableNchw4: true },
    { enableFuseConvBiasWithZ: true, enableNchw44: true, enableFusePreprocess: true },
    { enableFuseConvBiasWithZ: true, enableHwcd4: true, enableFuseGrain: false },
    { enableChwn4: true, enableFuseConvBiasNonlinearity: true, optLevel: 0 },
    { enableNchw64: true, enableFusePreprocess: true, optLevel: 0 },
  ];
  for (const options of pairs) {
    const half = Object.keys(options).some(isHalf);
    for (const [name, network] of Object.entries(networks)) {
      const error = distance(
        await found(await dumped(network, options), network.types),
        await wanted(network),
      );
      assert(error < (half ? 1e-2 : 2e-6), `${name} ${JSON.stringify(options)}: ${error}`);
    }
  }
});

Deno.test("inference: a dump follows its batch and its image's extents with every option", async () => {
  for (const name of ["residual", "varied", "uneven", "photo"]) {
    const network = networks[name];
    const [{ dtype, shape }] = network.types;
    const flat = name === "photo" ? [0] : [0, 2, 3];
    const others = [{ dtype, shape: shape.map((n, i) => flat.includes(i) ? n + 4 : n) }];
    const wants = await wanted(network, others);
    for (const option of inferenceNames) {
      const stream = dump(network.model, network.types, {
        ...{ [option]: true, flexible: { arg_0: flat } },
      });
      assertEquals((await stream.info).reported, [], `${name} ${option}`);
      const { models: [model] } = await readBytes(await gathered(stream));
      const error = distance(await found(model, others), wants);
      assert(error < (isHalf(option) ? 1e-2 : 2e-6), `${name} ${option}: ${error}`);
    }
  }
});

Deno.test("inference: results keep the names of the plain dump, and all names are unique", async () => {
  for (const { model, types } of Object.values(networks)) {
    const graph = stage(model as never, types);
    const { outputs } = dumpGraph(graph, { optimizeForInference: false }).info;
    for (const option of [undefined, ...inferenceNames]) {
      const options: DumpOptions = option ? { [option]: true } : {};
      const { info, emit } = dumpGraph(graph, { ...options, keepVarName: 2, keepOprName: true });
      assertEquals(info.outputs, outputs, option);
      const { models: [{ oprs }] } = await readBytes(await gathered(emit()));
      const vars = oprs.flatMap((o) => o.outputs.map((v) => v.name));
      assertEquals(new Set(vars).size, vars.length, option);
      const names = oprs.map((o) => o.name);
      assertEquals(new Set(names).size, names.length, option);
    }
  }
});

Deno.test("inference: the bits of a file are those of the chosen options", async () => {
  const bits = async (options: DumpOptions) =>
    (await dumped(networks.tokens, options)).metadata?.optimizeOptions;
  assertEquals(await bits({}), 0x40n);
  assertEquals(await bits({ enableFuseGrain: false }), 0n);
  assertEquals(await bits({ enableIo16xc32: true }), 0x41n);
  assertEquals(await bits({ enableNchw44Dot: true, enableFuseGrain: false }), 5n << 32n);
  const all = {
    ...{ enableIoc16: true, enableFuseConvBiasNonlinearity: true, enableFuseConvBiasWithZ: true },
    ...{ enableFusePreprocess: true, enableHwcd4: true },
  };
  assertEquals(await bits(all), 0x6en | 2n << 32n);
  assertEquals(await bits({ ...all, enableMetadata: false }), 0n);
});

Deno.test("inference: optimizeForInference: false writes what is there, whatever else is asked", async () => {
  const model = await dumped(networks.residual, {
    ...{ optimizeForInference: false, enableNchw44: true, enableIo16xc32: true },
  });
  assertEquals(model.metadata?.optimizeOptions, 0n);
  assertEquals(metadataOf(model).optimizedForInference, false);
  const text = printed(model);
  assert(text.includes("Elemwise RELU") && !/FUSE|ConvBias|Relayout|TypeCvt/.test(text), text);
});

Deno.test("inference: two layouts, two precisions, wrong values and unknown options are refused", () => {
  const graph = stage(networks.residual.model as never, networks.residual.types);
  const refuse = (options: object, ...parts: string[]) => {
    const error = assertThrows(() => dumpGraph(graph, options as DumpOptions), RangeError);
    for (const part of parts) assert(error.message.includes(part), error.message);
  };
  refuse({ enableNchw44: true, enableNchw88: true }, "enableNchw88 and enableNchw44", "one layout");
  refuse({ enableHwcd4: true, enableChwn4: true, optimizeForInference: false }, "enableChwn4");
  refuse({ enableIo16xc32: true, enableIoc16: true }, "enableIo16xc32 and enableIoc16");
  refuse({ enableNchw4: "yes" }, 'enableNchw4: "yes": it must be true or false');
  refuse({ enableNchw16: true }, "unknown options: enableNchw16", ...inferenceNames);
  dumpGraph(graph, { enableNchw44: true, enableNchw88: false });
});

Deno.test("inference: test cases assert what the function gives, within maxerr", async () => {
  const { model, types } = networks.residual;
  for (const option of ["enableNchw44", "enableHwcd4", "enableIo16xc32"] as const) {
    const strict = dump(model, types, { [option]: true, inputData: ["#rand(-1,1)"] });
    const loose = dump(model, types, {
      ...{ [option]: true, inputData: ["#rand(-1,1)"], maxerr: 1e-2 },
    });
    const passes = async (stream: typeof strict) => {
      await using file = await load(stream);
      return (await file.testcases[0].run()).passed;
    };
    assertEquals([await passes(strict), await passes(loose)], [!isHalf(option), true], option);
  }
});

Deno.test("inference: weights are read, folded and packed only as the file comes to them", async () => {
  let opened = 0;
  const source = (shape: number[]) => {
    const values = seeded({ dtype: "f32", shape }, 5).data;
    const open = () => {
      opened++;
      return ReadableStream.from([new Uint8Array(values.buffer.slice(0))]);
    };
    return constant({ dtype: "f32", shape, open }, `w${shape}`);
  };
  const [w, m, v] = [source([64, 64, 3, 3]), source([64]), source([64])];
  const net: Network = {
    model: (x) => batchNorm(conv2d(x, w, { padding: 1 }), m, add(square(v), 1)),
    types: [{ dtype: "f32", shape: [1, 64, 3, 3] }],
  };
  const graph = stage(net.model as never, net.types);
  for (const options of [{}, { enableNchw44: true }, { enableIoc16: true, enableChwn4: true }]) {
    opened = 0;
    const { emit, totalBytes } = dumpGraph(graph, options);
    assertEquals(opened, 0);
    assertEquals((await gathered(emit())).length, totalBytes);
    assert(opened >= 3 && opened <= 6, `${opened}`);
    const error = distance(await found(await dumped(net, options), net.types), await wanted(net));
    assert(error < ("enableIoc16" in options ? 0.2 : 1e-4), `${error}`);
  }
});
