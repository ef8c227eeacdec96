/**
 * The recorded dumps of MegEngine's Python package made again: by the equivalent function, with the
 * options that they were made with; and how the new file differs from the recorded one.
 * @module
 */
import { type Host, hostFromBytes } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { type DType, type Named, named } from "../../lib/core/type.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { gathered } from "../../lib/io/stream.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import type { FileModel } from "../../lib/mge/model.ts";
import { dump, type DumpToOptions } from "../../lib/trace/dump.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { pythonCases, type RecordedCase } from "../tools/unpack_cases.ts";
import { functions, type Model } from "./remade_functions.ts";
import { networks } from "./remade_networks.ts";
import { difference, hostOf } from "./run_cases.ts";

/** What `dump` said of a file. */
interface Info {
  readonly nr_opr: number;
  readonly tot_bytes: number;
  readonly tensor_value_bytes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly params: readonly string[];
}

/** A recorded dump. */
export interface RecordedDump extends Omit<RecordedCase, "format"> {
  readonly format: "FBS" | "FBS_V2";
  /** Arguments of MegEngine's `dump`. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly info: Info;
}

const home = new URL("../data/mge-python/", import.meta.url);

/** All recorded dumps. */
export async function recordedDumps(): Promise<RecordedDump[]> {
  const { cases } = JSON.parse(await Deno.readTextFile(new URL("index.json", home)));
  const all = new Map((cases as { name: string }[]).map((one) => [one.name, one]));
  return (await pythonCases()).map((one) => {
    const name = one.name.replace("python/", "");
    const { options, dumpInfo, format } = all.get(name) as unknown as {
      readonly options: Record<string, unknown>;
      readonly dumpInfo: Info;
      readonly format: string;
    };
    return { ...one, name, options, info: dumpInfo, format: format === "V1" ? "FBS" : "FBS_V2" };
  });
}

/** Options without a counterpart: nothing is rewritten that they would leave alone. */
const without: readonly string[] = [
  "no_change_graph",
  "model_version",
  "strip_info_file",
  "append",
];

/** MegEngine's options in our words. */
function ourOptions({ options, format }: RecordedDump): DumpToOptions {
  const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
  const own = Object.entries(options).filter(([name]) => !without.includes(name))
    .map(([name, value]) => [camel(name), value]);
  return { format, ...Object.fromEntries(own) };
}

/** Files in which the constants of a function are not yet folded, where there are such. */
async function sourceModel(name: string): Promise<FileModel> {
  for (const file of ["noopt.v2.mge", "base.v2.mge"]) {
    const url = new URL(`${name}/${file}`, home);
    const bytes = await Deno.readFile(url).catch(() => undefined);
    if (bytes) return (await readModel(arrayBytes(bytes))).models[0];
  }
  throw new TypeError(`internal: no recorded file of ${name}`);
}

/**
 * What the convolutions before each relu use, by the relu's name, in a file whose norms were folded
 * into them: `l.2.RELU[1] weight`, `… bias` and, of what goes past a block, `… down`.
 */
function nameByRelu(oprs: FileModel["oprs"], found: Map<string, Tensor>): void {
  const makers = new Map(oprs.flatMap((o) => o.outputs.map((v) => [v.id, o] as const)));
  const labelOf = (id: number) => makers.get(id)!.outputs[0].name!;
  for (const { inputs, outputs: [{ name }] } of oprs) {
    if (!name || !/^(l\.\d\.)?RELU/.test(name)) continue;
    const [bias, sum] = inputs;
    found.set(`${name} bias`, found.get(labelOf(bias))!);
    const parts = makers.get(sum)!.type === "Elemwise" ? makers.get(sum)!.inputs : [sum];
    for (const part of parts) {
      const { type, inputs: [x, w] } = makers.get(part)!;
      const isInner = labelOf(x) === name.replace("[1]", "[0]") || parts.length === 1;
      if (type !== "ConvolutionV2") continue;
      found.set(`${name} ${isInner ? "weight" : "down"}`, found.get(labelOf(w))!);
    }
  }
}

/** What a recorded file holds, by name, or by `{shape}` or `<value>` where MegEngine made the name. */
async function heldBy(name: string): Promise<(name: string) => Tensor> {
  const { oprs } = await sourceModel(name);
  const found = new Map<string, Tensor>();
  for (const { tensors: [tensor], outputs: [{ name: label }] } of oprs) {
    if (!tensor?.value || tensor.dtype.name !== "Float32") continue;
    const { shape } = tensor;
    const value: Host = hostFromBytes({ dtype: "f32", shape }, await gathered(tensor.value.open()));
    const short = /^const(.*)\[\d+\]$/.exec(label!)?.[1];
    const t = constant(value, short === undefined ? label : undefined);
    found.set(label!, t);
    if (short !== undefined && !found.has(short)) found.set(short, t);
  }
  if (name === "resnet18_small") nameByRelu(oprs, found);
  for (const [key, t] of [...found]) {
    const { name: label, data } = t.node;
    if (t.shape.length !== 4 || t.shape[0] !== 1) continue;
    found.set(`${key} flat`, constant({ ...data as Host, shape: [t.shape[1]] }, label));
  }
  return (key) => {
    const value = found.get(key);
    if (!value) throw new TypeError(`${name} holds no ${key}: ${[...found.keys()].join(" ")}`);
    return value;
  };
}

/** The function of a recorded dump. */
async function functionOf(name: string): Promise<Model> {
  const make = functions[name] ?? networks[name];
  return make(await heldBy(name));
}

/** The types of its arguments: positions by type, keywords in a record. */
function typesOf(one: RecordedDump, name: string): readonly unknown[] {
  const inputs = new Map(one.inputs.map((t) => [t.name, t]));
  const order = (one.options.arg_names as readonly string[] | undefined) ??
    [...inputs.keys()].filter((n) => /^arg_\d+$/.test(n)).sort();
  const typed = (n: string): Named => {
    const { dtype, shape } = inputs.get(n)!;
    return named(n, { dtype: dtype as DType, shape });
  };
  const bare = (n: string) => {
    const { dtype, shape } = typed(n);
    return { dtype, shape };
  };
  const positional = order.map(bare);
  return name === "kwargs_call" ? [...positional, { b: bare("b") }] : positional;
}

/** How a dump made again differs from the recorded one: recorded and found, and values in words. */
export interface Remaking {
  readonly found: Readonly<Record<string, readonly [unknown, unknown]>>;
  readonly lines: readonly string[];
}

/** The bytes of a dump made again, and what it says of them. */
export async function dumpAgain(one: RecordedDump) {
  const [name] = one.name.split("/");
  const stream = dump(await functionOf(name), typesOf(one, name), ourOptions(one));
  return { info: await stream.info, bytes: await gathered(stream) };
}

/** Makes a dump again, loads it, runs it and compares. */
export async function remake(one: RecordedDump): Promise<Remaking> {
  const { info, bytes } = await dumpAgain(one);
  await using model = await load(bytes);
  const pairs: [string, unknown, unknown][] = [
    ["nrOpr", one.info.nr_opr, info.nrOpr],
    ["tensorValueBytes", one.info.tensor_value_bytes, info.tensorValueBytes],
    ["inputs", one.info.inputs, info.inputs],
    ["outputs", one.info.outputs, info.outputs],
    ["params", one.info.params, info.params],
    ["operators", sorted(one.operators), sorted(model.operators)],
  ];
  const found = pairs.filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b));
  const given = model.inputs.map(({ name }) =>
    constant(hostOf(one.inputs.find((t) => t.name === name)!))
  );
  const values = Object.values(await model(...given));
  const lines: string[] = [];
  for (const want of one.outputs) {
    const wrong = difference(await read(values[want.position]), hostOf(want), one.tolerance);
    if (wrong) lines.push(`${want.name} ${wrong}`);
  }
  return { found: Object.fromEntries(found.map(([k, a, b]) => [k, [a, b]])), lines };
}

/** Operators by name; parameters, which have operators of their own here, among the constants. */
function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  const { SharedDeviceTensor: held = 0, ImmutableTensor: own = 0, ...rest } = counts;
  const all = { ...rest, ...(held + own ? { ImmutableTensor: held + own } : {}) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => a < b ? -1 : 1));
}
