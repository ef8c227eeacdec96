/**
 * Traced functions: the same signature, results in promises. Each key (structure, types, values of
 * other arguments) is planned once; later calls only run.
 * @module
 */
import { OptionError, StageError, TraceError } from "../core/fault.ts";
import { type Graph, orderOf, rebuild } from "../core/graph.ts";
import { type Host, isHost, isResident, isSource, type Resident } from "../core/host.ts";
import { arg, constant } from "../core/leaf.ts";
import type { Loaded, Machine } from "../core/target.ts";
import { type Call, isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, type Path, pathText, structureOf } from "../core/tree.ts";
import { printType, sizeOf, type Type } from "../core/type.ts";
import { graphOf, isType, resultLeaves, stageTree } from "../stage/stage.ts";
import type { Level } from "../stage/level.ts";
import { ownerOf } from "./read.ts";
import { openReference } from "./reference.ts";

/** Which arguments give their memory to the results: positions, or paths into a tree. */
export type Donate = readonly (number | readonly [number, ...(string | number)[]])[];

/** How a function is traced. */
export interface TraceOptions {
  /** Where it runs; by default where resident arguments live, else the best CPU target. */
  readonly on?: Machine;
  /** Captured tensors become constants of the graph; needed for dumping. */
  readonly captureAsConst?: boolean;
  /** Stage, never execute: results have types and refuse to be read. */
  readonly recordOnly?: boolean;
  /** After the first call with a key the function is not run again. */
  readonly withoutHost?: boolean;
  /** Arguments whose memory the results take over. */
  readonly donate?: Donate;
  /** 0: what was written … 3: measured kernels; 2 by default. */
  readonly optLevel?: Level;
}

/** A traced function. */
export interface Traced<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** The graph of the latest call. */
  graph(): Graph;
  /** Types and structure of the latest call's arguments, for dumping. */
  readonly recorded: Recorded | undefined;
  /** The function that was traced. */
  readonly source: (...args: A) => unknown;
  readonly options: TraceOptions;
  /** Releases the plans. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the latest call was. */
export interface Recorded {
  readonly types: readonly unknown[];
  readonly graph: Graph;
}

interface Entry {
  readonly graph: Graph;
  readonly result: unknown;
  /** Captured tensors, bound anew at each call. */
  readonly captured: readonly Tensor[];
  readonly loaded: Loaded;
}

const known: readonly string[] = [
  "on",
  "captureAsConst",
  "recordOnly",
  "withoutHost",
  "donate",
  "optLevel",
];
const mostPlans = 64;

/** Wraps a function of tensors, or of trees of them, so that calling it runs it. */
export function trace<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: TraceOptions = {},
): Traced<A, Awaited<R>> {
  checkOptions(f, options);
  const plans = new Map<string, Promise<Entry>>();
  const uploads = new WeakMap<object, WeakMap<Machine, Resident>>();
  let recorded: Recorded | undefined;
  let fallback: Machine | undefined;

  const call = async (...args: A): Promise<Awaited<R>> => {
    const leaves = leavesOf(args, isTensor);
    if (options.captureAsConst || options.recordOnly) refuseOthers(args);
    const key = structureOf(args, isTensor, printType);
    const owned = leaves.flatMap(({ leaf }) => isResident(leaf.node.data) ? [leaf.node.data] : []);
    if (options.recordOnly) {
      const { graph, result } = stageArgs(f, args, undefined);
      recorded = { types: args.map((a) => typesOf(a)), graph };
      return result as Awaited<R>;
    }
    const machine = options.on ?? ownerOf(owned) ?? (fallback ??= openReference());
    let planned = plans.get(key);
    let captured: readonly Tensor[] | undefined;
    if (planned && !options.withoutHost && !options.captureAsConst) {
      captured = capturedIn(stageArgs(f, args, undefined).graph);
    }
    if (!planned) {
      planned = plan(args, machine);
      planned.catch(() => plans.delete(key));
      plans.set(key, planned);
      for (const old of plans.keys()) {
        if (plans.size <= mostPlans) break;
        const entry = plans.get(old)!;
        plans.delete(old);
        entry.then((e) => e.loaded.dispose(), () => {});
      }
    } else {
      plans.delete(key);
      plans.set(key, planned);
    }
    const entry = await planned;
    recorded = { types: args.map((a) => typesOf(a)), graph: entry.graph };
    const bound = captured ?? entry.captured;
    if (bound.length !== entry.captured.length) {
      throw new TraceError(
        "input size mismatch",
        `Cannot run this traced function: it captured ${bound.length} tensors, ${entry.captured.length} before`,
      );
    }
    const given: (Host | Resident)[] = [];
    for (const { leaf } of leaves) given.push(await valueOf(leaf, machine));
    for (const t of bound) given.push(await kept(t, machine, uploads));
    const outs = await entry.loaded.run(given);
    let at = 0;
    return mapTree(entry.result, isTensor, () => constant(outs[at++])) as Awaited<R>;
  };

  const plan = async (args: A, machine: Machine): Promise<Entry> => {
    const { graph, result } = stageArgs(f, args, undefined);
    const captured = options.captureAsConst ? [] : capturedIn(graph);
    const open = captured.length ? withArgs(graph, captured) : graph;
    const donate = donated(args, options.donate ?? []);
    const loaded = await machine.compile(open, { optLevel: options.optLevel, donate });
    return { graph, result, captured, loaded };
  };

  const traced = Object.assign(call, {
    graph(): Graph {
      if (!recorded) {
        throw new TraceError(
          "never called",
          "Cannot give the graph: the function was never called",
        );
      }
      return recorded.graph;
    },
    source: f,
    options,
    dispose(): void {
      for (const entry of plans.values()) entry.then((e) => e.loaded.dispose(), () => {});
      plans.clear();
    },
    [Symbol.asyncDispose](): Promise<void> {
      traced.dispose();
      return Promise.resolve();
    },
  });
  Object.defineProperty(traced, "recorded", { get: () => recorded });
  return traced as unknown as Traced<A, Awaited<R>>;
}

function checkOptions(f: unknown, options: TraceOptions): void {
  if (typeof f !== "function") throw new OptionError(`Cannot trace ${typeof f}: give a function`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new OptionError(`Cannot trace with option ${name}: known are ${known.join(", ")}`);
    }
  }
  const { optLevel } = options;
  if (optLevel !== undefined && ![0, 1, 2, 3].includes(optLevel)) {
    throw new OptionError(`Cannot trace with optLevel: ${optLevel}: it must be 0, 1, 2 or 3`);
  }
}

/** Calls the function with fresh argument leaves that belong to a call of their own. */
function stageArgs(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  names: readonly string[] | undefined,
): { graph: Graph; result: unknown } {
  const call: Call = { name: f.name || "traced function", live: true };
  const leaves: Tensor[] = [];
  try {
    const given = mapTree(args, isTensor, (t, path) => {
      const leaf = arg(t, names?.[leaves.length] ?? argName(path), call);
      leaves.push(leaf);
      return leaf;
    }) as unknown[];
    const result = f(...given as never[]);
    const { roots, names: outNames } = resultLeaves(result);
    return { graph: graphOf(leaves, roots, outNames), result };
  } finally {
    call.live = false;
  }
}

function argName(path: Path): string | undefined {
  return path.length > 1 ? pathText(path.slice(1)) : undefined;
}

function typesOf(value: unknown): unknown {
  return mapTree(value, isTensor, ({ dtype, shape }): Type => ({ dtype, shape }));
}

/** Leaves with values, other than single numbers, that the graph holds. */
function capturedIn(graph: Graph): readonly Tensor[] {
  const nodes = orderOf(graph.cuts.flatMap((c) => [...c.roots]));
  return nodes.filter(isCaptured).map((node) => node.results[0]);
}

function isCaptured(node: Node): boolean {
  return node.data !== undefined && (!isHost(node.data) || sizeOf(node.data.shape) > 1);
}

function withArgs(graph: Graph, captured: readonly Tensor[]): Graph {
  const leaves = new Map(captured.map((t) => [t, arg(t)]));
  const roots = rebuild(graph.cuts.flatMap((c) => [...c.roots]), (t, old) => leaves.get(old));
  return graphOf([...graph.args, ...leaves.values()], roots, graph.names);
}

/** An argument's value: as it is if it is a leaf, else computed on the machine first. */
async function valueOf(t: Tensor, machine: Machine): Promise<Host | Resident> {
  const { data } = t.node;
  if (isHost(data) || isResident(data)) return data;
  if (t.node.call && !t.node.call.live || t.node.op.name === "arg") {
    throw new TraceError(
      "leaked",
      `Cannot pass ${printType(t)}: it belongs to a call that has ended`,
    );
  }
  const { liftResidents } = await import("./read.ts");
  const { roots, args, residents } = liftResidents([t]);
  const loaded = await machine.compile(graphOf(args, roots));
  const [out] = await loaded.run(residents);
  loaded.dispose();
  return out;
}

/** A captured array is uploaded once to a machine, by identity of the array. */
async function kept(
  t: Tensor,
  machine: Machine,
  uploads: WeakMap<object, WeakMap<Machine, Resident>>,
): Promise<Resident> {
  const { data } = t.node;
  if (isResident(data)) return data;
  const key = isHost(data) ? data.data : data!;
  let mine = uploads.get(key);
  if (!mine) uploads.set(key, mine = new WeakMap());
  const known = mine.get(machine);
  if (known) return known;
  const { collect } = await import("../core/host.ts");
  const value = isSource(data) ? await collect(data) : data as Host;
  const resident = machine.upload(value);
  mine.set(machine, resident);
  return resident;
}

/** Indices of the leaves that donated arguments hold. */
function donated(args: readonly unknown[], donate: Donate): number[] {
  const leaves = leavesOf(args, isTensor).map(({ path }) => path);
  return donate.flatMap((entry) => {
    const path: Path = typeof entry === "number" ? [entry] : entry;
    const found = leaves.flatMap((p, i) => path.every((k, d) => p[d] === k) ? [i] : []);
    if (!found.length) {
      throw new OptionError(`Cannot donate ${pathText(path)}: no tensor argument is there`);
    }
    return found;
  });
}

function refuseOthers(args: readonly unknown[]): void {
  const visit = (value: unknown, path: Path): void => {
    if (isTensor(value)) return;
    if (value !== null && typeof value === "object") {
      for (const [k, v] of Object.entries(value)) visit(v, [...path, k]);
      return;
    }
    throw new TraceError(
      "non-tensor argument",
      `Cannot trace argument ${pathText(path)}: ${String(value)}: ` +
        "Only tensor arguments are supported when captureAsConst is set",
    );
  };
  args.forEach((a, i) => visit(a, [i]));
}

/** The graph of a traced or plain function for types. */
export function graphFor(
  f: ((...args: never[]) => unknown) | Traced<readonly unknown[], unknown>,
  types: readonly unknown[],
): Graph {
  if (!types.some((t) => leavesOf(t, isType).length) && types.length) {
    throw new StageError("Cannot stage: give types such as f32([1, 3, 224, 224])");
  }
  const source = "source" in f ? f.source as (...args: never[]) => unknown : f;
  return stageTree(source as (...args: never[]) => unknown, types).graph;
}
