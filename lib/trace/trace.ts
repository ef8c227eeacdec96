/**
 * Traced functions: the same signature, results in promises. Each key (structure, types, values of
 * other arguments) is planned once; later calls are compared with the record and only run.
 * @module
 */
import { type Comparator, difference } from "../core/compare.ts";
import { OptionError, placeOf, TraceError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";
import { type Host, isResident, type Resident } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import { printAttrs } from "../core/print.ts";
import type { Loaded, Machine } from "../core/target.ts";
import { isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, type Path, pathText, structureOf } from "../core/tree.ts";
import { printType, type Type } from "../core/type.ts";
import type { Level } from "../stage/level.ts";
import { type Bindings, bindings } from "./bindings.ts";
import { ownerOf } from "./read.ts";
import { capturedIn, closedGraph, openGraph, record, type Recording } from "./record.ts";
import { openReference } from "./reference.ts";

/** Which arguments give their memory to the results: positions, or paths into a tree. */
export type Donate = readonly (number | readonly [number, ...(string | number)[]])[];

/** How a function is traced. */
export interface TraceOptions {
  /** Where it runs; by default where resident arguments live, else the best CPU target. */
  readonly on?: Machine;
  /** Values cannot be read inside the function. */
  readonly symbolic?: boolean;
  /** Captured tensors become constants of the graph; needed for dumping. */
  readonly captureAsConst?: boolean;
  /** Stage, never execute: results have types and refuse to be read. */
  readonly recordOnly?: boolean;
  /** After the first call with a key the function is not run again. */
  readonly withoutHost?: boolean;
  /** How captured constants are compared on later calls; exactly by default. */
  readonly comparator?: Comparator;
  /** Arguments whose memory the results take over. */
  readonly donate?: Donate;
  /** 0: what was written … 3: measured kernels; 2 by default. */
  readonly optLevel?: Level;
}

/** What the latest call was. */
export interface Recorded {
  /** The arguments with types in the place of tensors. */
  readonly types: readonly unknown[];
  readonly graph: Graph;
}

/** A traced function. */
export interface Traced<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** The graph of the latest call. */
  graph(): Graph;
  /** The latest call, if there was one. */
  readonly recorded: Recorded | undefined;
  /** The function that was traced. */
  readonly source: (...args: A) => unknown;
  /** The options it was traced with. */
  readonly options: TraceOptions;
  /** Releases the plans. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Entry {
  readonly made: Recording;
  readonly captured: number;
  readonly loaded: Loaded;
}

const known: readonly (keyof TraceOptions)[] = [
  "on",
  "symbolic",
  "captureAsConst",
  "recordOnly",
  "withoutHost",
  "comparator",
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
  const source = f as unknown as (...args: never[]) => unknown;
  const plans = new Map<string, Entry>();
  const prefixes = new Map<string, Promise<Loaded>>();
  let recorded: Recorded | undefined;
  let held: Bindings | undefined;

  async function call(...args: A): Promise<Awaited<R>> {
    if (options.captureAsConst || options.recordOnly) refuseOthers(args);
    if (options.recordOnly) {
      const made = await record(source, args, undefined);
      recorded = { types: args.map(typesOf), graph: made.graph };
      return made.result as Awaited<R>;
    }
    const leaves = leavesOf(args, isTensor).map(({ leaf }) => leaf);
    const owned = leaves.flatMap((t) => isResident(t.node.data) ? [t.node.data] : []);
    const machine = options.on ?? ownerOf(owned) ?? held?.machine ?? openReference();
    if (held?.machine !== machine) {
      release();
      held = bindings(machine);
    }
    const bound = held;
    const key = structureOf(args, isTensor, printType);
    const before = plans.get(key);
    const given: (Host | Resident)[] = [];
    for (const t of leaves) given.push(await bound.argument(t));
    const compute = options.symbolic ? undefined : prefix(bound, given);
    const made = before && options.withoutHost ? before.made : await record(source, args, compute);
    if (options.withoutHost && made.reads) throw frozen(made);
    const captured = options.captureAsConst ? [] : capturedIn(made.graph);
    if (before && made !== before.made) verify(before.made, made, options.comparator);
    const entry = before ?? await plan(args, made, captured.length, machine);
    touch(key, entry);
    recorded = { types: args.map(typesOf), graph: made.graph };
    for (const value of made.admitted) given.push(value);
    for (const t of captured) given.push(await bound.captured(t));
    const outs = await entry.loaded.run(given);
    let at = 0;
    return mapTree(made.result, isTensor, () => constant(outs[at++])) as Awaited<R>;
  }

  async function plan(
    args: A,
    made: Recording,
    captured: number,
    machine: Machine,
  ): Promise<Entry> {
    const graph = openGraph(made.graph, options.captureAsConst ? [] : capturedIn(made.graph));
    const donate = donated(args, options.donate ?? []);
    const loaded = await machine.compile(graph, { optLevel: options.optLevel, donate });
    return { made, captured, loaded };
  }

  /** Computes a term in the middle of a call; equal prefixes share a plan. */
  function prefix(bound: Bindings, given: readonly (Host | Resident)[]) {
    return async (
      t: Tensor,
      leaves: readonly Tensor[],
      admitted: readonly Host[],
    ): Promise<Host> => {
      const graph = closedGraph(leaves, [t]);
      const captured = capturedIn(graph);
      const open = openGraph(graph, captured);
      const text = String(open);
      let loaded = prefixes.get(text);
      if (!loaded) {
        loaded = bound.machine.compile(open, { optLevel: options.optLevel });
        loaded.catch(() => prefixes.delete(text));
        prefixes.set(text, loaded);
      }
      const rest = [];
      for (const c of captured) rest.push(await bound.captured(c));
      const [out] = await (await loaded).run([...given, ...admitted, ...rest]);
      const value = await out.read();
      out.dispose();
      return value;
    };
  }

  /** The least recently used plans beyond the bound are released. */
  function touch(key: string, entry: Entry): void {
    plans.delete(key);
    plans.set(key, entry);
    for (const [old, { loaded }] of plans) {
      if (plans.size <= mostPlans) break;
      plans.delete(old);
      loaded.dispose();
    }
  }

  function release(): void {
    for (const { loaded } of plans.values()) loaded.dispose();
    for (const loaded of prefixes.values()) loaded.then((l) => l.dispose(), () => {});
    plans.clear();
    prefixes.clear();
    held?.dispose();
    held = undefined;
  }

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
    dispose: release,
    [Symbol.asyncDispose]: () => Promise.resolve(release()),
  });
  Object.defineProperty(traced, "recorded", { get: () => recorded });
  return traced as unknown as Traced<A, Awaited<R>>;
}

function checkOptions(f: unknown, options: TraceOptions): void {
  if (typeof f !== "function") throw new OptionError(`Cannot trace ${typeof f}: give a function`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name as keyof TraceOptions)) {
      throw new OptionError(`Cannot trace with option ${name}: known are ${known.join(", ")}`);
    }
  }
  const { optLevel } = options;
  if (optLevel !== undefined && ![0, 1, 2, 3].includes(optLevel)) {
    throw new OptionError(`Cannot trace with optLevel: ${optLevel}: it must be 0, 1, 2 or 3`);
  }
}

/** A later call must do what the record did. */
function verify(before: Recording, now: Recording, comparator?: Comparator): void {
  const found = difference(before.graph, now.graph, comparator);
  if (!found) return;
  const line = (what: string, node: Node | undefined) =>
    node
      ? `\n  ${what}: ${node.op.name}(${printAttrs(node.attrs)}) ${printType(node.outs[0])} at ${
        placeOf(node.site) ?? "unknown place"
      }`
      : "";
  throw new TraceError(
    found.reason,
    `Cannot run this call: it differs from the record because ${found.reason}` +
      line("recorded", found.recorded) + line("found", found.found),
    { place: placeOf(found.found?.site) },
  );
}

function frozen(made: Recording): TraceError {
  const cut = made.graph.cuts.find(({ kind }) => kind === "read");
  const place = placeOf(cut?.roots[0].node.site);
  return new TraceError(
    "value unreadable",
    `Cannot trace without the host: it would freeze the value read at ${
      place ?? "an unknown place"
    }`,
    { place },
  );
}

function typesOf(value: unknown): unknown {
  return mapTree(value, isTensor, ({ dtype, shape }): Type => ({ dtype, shape }));
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
