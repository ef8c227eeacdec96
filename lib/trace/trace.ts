/**
 * Traced functions: the same signature, results in promises. Each key (structure, types, values of
 * other arguments) is planned once; later calls are compared with the record and only run.
 * @module
 */
import { difference } from "../core/compare.ts";
import { TraceError } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import { type Host, isResident, type Resident } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Loaded } from "../core/target.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, structureOf } from "../core/tree.ts";
import { printType } from "../core/type.ts";
import { type Bindings, bindings } from "./bindings.ts";
import { checkOptions, donated, refuseOthers, type TraceOptions, typesOf } from "./options.ts";
import { ownerOf } from "./read.ts";
import { capturedIn, closedGraph, openGraph, record, type Recording } from "./record.ts";
import type { Target } from "../io/sink.ts";
import type { DumpInfo } from "../mge/dump_options.ts";
import type { DumpToOptions } from "./dump.ts";
import { type Profile, profiler } from "./profile.ts";
import { cpuMachine, isLost } from "./cpu.ts";
import { refuseHost, verify } from "./verify.ts";

export type { Donate, TraceOptions } from "./options.ts";

/** What the latest call was. */
export interface Recorded {
  /** The arguments with types in the place of tensors. */
  readonly types: readonly unknown[];
  /** The program of the call. */
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
  /** What each kernel of each call did and took; needs the option `profiling`. */
  profile(): Promise<Profile>;
  /** Writes it as a model file; a path is replaced only when the new file is whole. */
  dump(sink: Target, options?: DumpToOptions): Promise<DumpInfo>;
  /** Releases the plans. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A plan and the calls that are using it; one set aside goes when the last of them ends. */
interface Used {
  readonly loaded: Loaded | Promise<Loaded>;
  users: number;
  isAside: boolean;
}

interface Entry extends Used {
  readonly made: Recording;
  readonly loaded: Loaded;
}

interface Prefix extends Used {
  readonly graph: Graph;
}

function setAside(entry: Used): void {
  entry.isAside = true;
  if (entry.users === 0) drop(entry);
}

function leave(entry: Used): void {
  if (--entry.users === 0 && entry.isAside) drop(entry);
}

/** A plan that failed to compile has nothing to give back. */
function drop({ loaded }: Used): void {
  if (loaded instanceof Promise) loaded.then((made) => made.dispose(), () => {});
  else loaded.dispose();
}

/** Plans that a traced function keeps, and plans of reads inside it. */
const mostPlans = 64;

/** Wraps a function of tensors, or of trees of them, so that calling it runs it. */
export function trace<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: TraceOptions = {},
): Traced<A, Awaited<R>> {
  checkOptions(f, options);
  const source = f as unknown as (...args: never[]) => unknown;
  const plans = new Map<string, Entry>();
  const planning = new Map<string, Promise<Entry>>();
  const prefixes = new Map<string, Prefix>();
  const profiles = options.profiling ? profiler() : undefined;
  const ran = (key: string, loaded: Loaded, given: readonly (Host | Resident)[]) =>
    profiles ? profiles.run(key, loaded, given) : loaded.run(given);
  let recorded: Recorded | undefined;
  let held: Bindings | undefined;

  async function call(...args: A): Promise<Awaited<R>> {
    if (options.captureAsConst || options.recordOnly) refuseOthers(args);
    if (options.recordOnly) {
      const { graph, result } = await record(source, args, undefined, true);
      recorded = { types: args.map(typesOf), graph };
      let at = 0;
      return mapTree(result, isTensor, () => resultsOf(graph)[at++]) as Awaited<R>;
    }
    const leaves = leavesOf(args, isTensor).map(({ leaf }) => leaf);
    const owned = leaves.flatMap((t) => isResident(t.node.data) ? [t.node.data] : []);
    const machine = options.on ?? ownerOf(owned) ??
      (isLost(held?.machine) ? undefined : held?.machine) ?? await cpuMachine();
    if (held?.machine !== machine) {
      release();
      held = bindings(machine);
    }
    const bound = held;
    const key = structureOf(args, isTensor, printType);
    const before = plans.get(key);
    if (before) before.users++;
    const given: (Host | Resident)[] = [];
    const computed: Resident[] = [];
    let entry = before;
    try {
      for (const t of leaves) {
        const argument = await bound.argument(t);
        given.push(argument.value);
        if (argument.computed && isResident(argument.value)) computed.push(argument.value);
      }
      const made = before && options.withoutHost
        ? before.made
        : await record(source, args, prefix(bound, given), options.symbolic);
      const captured = options.captureAsConst ? [] : capturedIn(made.graph);
      if (options.withoutHost) refuseHost(made, captured);
      if (!entry) {
        entry = await planned(bound, key, args, made, captured);
        entry.users++;
      }
      if (made !== entry.made) verify(entry.made, made, options);
      touch(plans, key, entry, bound);
      recorded = { types: args.map(typesOf), graph: made.graph };
      for (const value of made.admitted) given.push(value);
      for (const t of captured) given.push(await bound.captured(t));
      const outs = await ran(key, entry.loaded, given);
      let at = 0;
      return mapTree(made.result, isTensor, () => constant(outs[at++])) as Awaited<R>;
    } finally {
      computed.forEach((resident) => resident.dispose());
      if (entry) leave(entry);
    }
  }

  /** The plan of a key; calls that come while it is made wait for the same one. */
  function planned(
    bound: Bindings,
    key: string,
    args: A,
    made: Recording,
    captured: readonly Tensor[],
  ): Promise<Entry> {
    const found = held === bound ? plans.get(key) : undefined;
    if (found) return Promise.resolve(found);
    const before = held === bound ? planning.get(key) : undefined;
    if (before) return before;
    const graph = openGraph(made.graph, captured);
    const make = async () => {
      const donate = donated(args, options.donate ?? []);
      const loaded = await bound.machine.compile(graph, { optLevel: options.optLevel, donate });
      return { made, loaded, users: 0, isAside: held !== bound };
    };
    const entry = make();
    planning.set(key, entry);
    const done = () => {
      if (planning.get(key) === entry) planning.delete(key);
    };
    entry.then(done, done);
    return entry;
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
      let known = prefixes.get(text);
      if (!known || difference(known.graph, open)) {
        if (known) setAside(known);
        const loaded = bound.machine.compile(open, { optLevel: options.optLevel });
        known = { graph: open, loaded, users: 0, isAside: held !== bound };
        loaded.catch(() => prefixes.delete(text));
      }
      known.users++;
      touch(prefixes, text, known, bound);
      try {
        const rest = [];
        for (const c of captured) rest.push(await bound.captured(c));
        const all = [...given, ...admitted, ...rest];
        const [out] = await ran("a value read inside", await known.loaded, all);
        const value = await out.read();
        out.dispose();
        return value;
      } finally {
        leave(known);
      }
    };
  }

  /** The least recently used plans beyond the bound are set aside. */
  function touch<E extends Used>(
    cache: Map<string, E>,
    key: string,
    entry: E,
    bound: Bindings,
  ): void {
    if (held !== bound || entry.isAside) return;
    cache.delete(key);
    cache.set(key, entry);
    for (const [old, other] of cache) {
      if (cache.size <= mostPlans) break;
      cache.delete(old);
      setAside(other);
    }
  }

  function release(): void {
    plans.forEach(setAside);
    prefixes.forEach(setAside);
    plans.clear();
    planning.clear();
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
    async profile(): Promise<Profile> {
      if (profiles && held) return await profiles.profile(held.machine);
      throw new TraceError(
        "no profile",
        profiles
          ? "Cannot give a profile: the function was never called"
          : "Cannot give a profile: none is collected\n  try trace(f, { profiling: true })",
      );
    },
    async dump(sink: Target, how?: DumpToOptions): Promise<DumpInfo> {
      // Loaded only when asked for, so that an application that only runs does not carry it.
      const { dumpTo } = await import("./dump_to.ts");
      return await dumpTo(traced as never, sink, how);
    },
    dispose: release,
    [Symbol.asyncDispose]: () => Promise.resolve(release()),
  });
  Object.defineProperty(traced, "recorded", { get: () => recorded });
  return traced as unknown as Traced<A, Awaited<R>>;
}
