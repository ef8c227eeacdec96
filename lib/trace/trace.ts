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
import {
  checkOptions,
  compileOptions,
  donated,
  refuseOthers,
  type TraceOptions,
  typesOf,
} from "./options.ts";
import { memoryOf } from "./memory.ts";
import type { Recorded, Traced } from "./traced.ts";
import { ownerOf } from "./read.ts";
import {
  capturedIn,
  closedGraph,
  type Compute,
  openGraph,
  record,
  type Recording,
} from "./record.ts";
import { rerun } from "./exclude.ts";
import { keptPlans, leave, mostPlans, setAside, type Used } from "./kept.ts";
import { firstTurns } from "./turns.ts";
import type { Target } from "../io/sink.ts";
import type { DumpInfo } from "../mge/dump_options.ts";
import type { DumpToOptions } from "./dump.ts";
import { type Profile, type ProfileOptions, profiler } from "./profile.ts";
import { cpuMachine, isLost } from "./cpu.ts";
import { refuseHost, refuseShapes, verify } from "./verify.ts";

export type { TracedMemory } from "./memory.ts";
export type { Donate, TraceOptions } from "./options.ts";
export type { Recorded, Traced } from "./traced.ts";

interface Entry extends Used {
  readonly made: Recording;
  readonly loaded: Loaded;
}

interface Prefix extends Used {
  readonly graph: Graph;
}

/** Wraps a function of tensors, or of trees of them, so that calling it runs it. */
export function trace<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: TraceOptions = {},
): Traced<A, Awaited<R>> {
  checkOptions(f, options);
  const how = compileOptions(options);
  const source = f as unknown as (...args: never[]) => unknown;
  const plans = keptPlans<Entry>();
  const prefixes = keptPlans<Prefix>();
  const planning = new Map<string, Promise<Entry>>();
  const records = new Map<string, Recording>();
  const shapes = new Map<string, string>();
  const turns = firstTurns();
  const profiles = options.profiling ? profiler() : undefined;
  const ran = (key: string, loaded: Loaded, given: readonly (Host | Resident)[]) =>
    profiles ? profiles.run(key, loaded, given) : loaded.run(given);
  let recorded: Recorded | undefined;
  let latest: readonly Loaded[] = [];
  let held: Bindings | undefined;

  async function call(...args: A): Promise<Awaited<R>> {
    const site = new Error("call");
    if (options.captureAsConst || options.recordOnly) refuseOthers(args);
    const key = structureOf(args, isTensor, printType);
    const isFixed = options.symbolicShape === false;
    const form = isFixed ? structureOf(args, isTensor, ({ dtype }) => dtype) : "";
    if (isFixed) refuseShapes(shapes.get(form) ?? key, key, site);
    const keep = (graph: Graph) => {
      if (isFixed) refuseShapes(shapes.get(form) ?? key, key, site);
      if (isFixed) shapes.set(form, key);
      recorded = { types: args.map(typesOf), graph };
    };
    if (options.recordOnly) return await staged(args, key, keep, site);
    const done = options.withoutHost
      ? await turns.take(key, () => plans.get(key) !== undefined)
      : undefined;
    const computed: Resident[] = [];
    const inside: Loaded[] = [];
    let entry: Entry | undefined;
    try {
      const leaves = leavesOf(args, isTensor).map(({ leaf }) => leaf);
      const bound = await boundFor(leaves);
      const before = entry = plans.get(key);
      if (entry) entry.users++;
      const given: (Host | Resident)[] = [];
      for (const t of leaves) {
        const argument = await bound.argument(t);
        given.push(argument.value);
        if (argument.computed && isResident(argument.value)) computed.push(argument.value);
      }
      const compute = prefix(bound, given, inside);
      const made = before && options.withoutHost
        ? { ...before.made, admitted: await rerun(before.made.graph, given.length, compute) }
        : await record(source, args, { compute, sealed: options.symbolic, site });
      const captured = options.captureAsConst ? [] : capturedIn(made.graph);
      if (options.withoutHost) refuseHost(made, captured);
      if (!entry) {
        entry = await planned(bound, key, args, made, captured);
        entry.users++;
      }
      if (made.graph !== entry.made.graph) await verify(entry.made, made, options);
      if (held === bound) plans.touch(key, entry);
      keep(made.graph);
      done?.();
      for (const value of made.admitted) given.push(value);
      for (const t of captured) given.push(await bound.captured(t));
      const outs = await ran(key, entry.loaded, given);
      latest = [entry.loaded, ...inside];
      let at = 0;
      return mapTree(made.result, isTensor, () => constant(outs[at++])) as Awaited<R>;
    } finally {
      done?.();
      computed.forEach((resident) => resident.dispose());
      if (entry) leave(entry);
    }
  }

  /** A call that only records: its results have types. */
  async function staged(
    args: A,
    key: string,
    keep: (graph: Graph) => void,
    site: Error,
  ): Promise<Awaited<R>> {
    const made = await record(source, args, { sealed: true, site });
    const before = records.get(key);
    if (before) await verify(before, made, options);
    else if (records.size < mostPlans) records.set(key, made);
    keep(made.graph);
    let at = 0;
    return mapTree(made.result, isTensor, () => resultsOf(made.graph)[at++]) as Awaited<R>;
  }

  /** What tensors are on the machine of a call. */
  async function boundFor(leaves: readonly Tensor[]): Promise<Bindings> {
    const owned = leaves.flatMap((t) => isResident(t.node.data) ? [t.node.data] : []);
    const machine = options.on ?? ownerOf(owned) ??
      (isLost(held?.machine) ? undefined : held?.machine) ?? await cpuMachine();
    if (held?.machine !== machine) {
      release();
      held = bindings(machine);
    }
    return held!;
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
      const loaded = await bound.machine.compile(graph, { ...how, donate });
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

  /** Computes terms in the middle of a call; equal prefixes share a plan. */
  function prefix(bound: Bindings, given: readonly (Host | Resident)[], inside: Loaded[]): Compute {
    return async (roots, leaves, admitted) => {
      const graph = closedGraph(leaves, roots);
      const captured = capturedIn(graph);
      const open = openGraph(graph, captured);
      const text = String(open);
      let known = prefixes.get(text);
      if (!known || difference(known.graph, open)) {
        if (known) setAside(known);
        const loaded = bound.machine.compile(open, how);
        known = { graph: open, loaded, users: 0, isAside: held !== bound };
        loaded.catch(() => prefixes.forget(text));
      }
      known.users++;
      if (held === bound) prefixes.touch(text, known);
      try {
        const rest = [];
        for (const c of captured) rest.push(await bound.captured(c));
        const all = [...given, ...admitted, ...rest];
        const loaded = await known.loaded;
        const outs = await ran("a value read inside", loaded, all);
        inside.push(loaded);
        const values = await bound.machine.read(outs);
        outs.forEach((out) => out.dispose());
        return values;
      } finally {
        leave(known);
      }
    };
  }

  function release(): void {
    plans.clear();
    prefixes.clear();
    planning.clear();
    held?.dispose();
    held = undefined;
    latest = [];
  }

  function dispose(): void {
    release();
    records.clear();
    shapes.clear();
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
    memory: () => memoryOf(latest),
    async profile(options?: ProfileOptions): Promise<Profile> {
      if (profiles && held) return await profiles.profile(held.machine, options);
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
    dispose,
    [Symbol.asyncDispose]: () => Promise.resolve(dispose()),
  });
  Object.defineProperties(traced, {
    recorded: { get: () => recorded },
    plans: { get: () => plans.size },
  });
  return traced as unknown as Traced<A, Awaited<R>>;
}
