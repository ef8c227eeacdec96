/**
 * Profiles: what each kernel of each call did and how long it took, beside what the machine can do
 * at best. Collected call by call, put together when asked for.
 * @module
 */
import { placeOf } from "../core/fault.ts";
import type { Host, Resident } from "../core/host.ts";
import type {
  Loaded,
  Machine,
  MemoryReport,
  StepInfo,
  StepTime,
  Timed,
  Took,
} from "../core/target.ts";
import { printType } from "../core/type.ts";
import { type Peak, peakOf } from "./peak.ts";

/** One kernel of a plan over all its calls. Times are in nanoseconds. */
export interface ProfiledKernel {
  /** The operations it computes, outermost last. */
  readonly operation: string;
  /** The kind of its form; `copy`; `operation` on the interpreter. */
  readonly kind: string;
  /** Where the author wrote the outermost of them that has a place of the author's. */
  readonly place: string | null;
  /** Types of the operands, as in `f32[2,3]`. */
  readonly ins: readonly string[];
  /** Types of the results. */
  readonly outs: readonly string[];
  /** Which kernel was chosen; null where there is no choice. */
  readonly variant: string | null;
  /** Work-groups; null where there are none. */
  readonly dispatch: readonly number[] | null;
  /** Bytes of operands and results, each once. */
  readonly bytes: number;
  /** Arithmetic operations; a multiply-add is two. */
  readonly flops: number;
  /** The time of each call; null where a call had nothing to do here. */
  readonly ns: readonly (number | null)[];
  /** Median of these; 0 if it never did anything. */
  readonly medianNs: number;
  /** Bytes and arithmetic operations in units of 1e9 a second, by the median. */
  readonly rate: Peak;
  /** What it reached of the machine's measured bandwidth and arithmetic rate, by the median. */
  readonly share: { readonly bandwidth: number; readonly arithmetic: number };
}

/** One call of a plan; times in milliseconds. */
export interface ProfiledCall {
  /** From the first profiled call of all until this one began. */
  readonly start: number;
  /** Until it was over; without a device's clock kernels are run again to time them, outside this. */
  readonly ms: number;
  /** Reading all results afterwards. */
  readonly readback: number;
  /** When each kernel began, in nanoseconds from the first kernel's start, and how long it took. */
  readonly kernels: readonly {
    readonly kernel: number;
    readonly start: number;
    readonly ns: number;
  }[];
}

/** A plan with its calls. */
export interface ProfiledPlan {
  /** What the plan is for: the types of the arguments. */
  readonly key: string;
  /** Making it, in milliseconds. */
  readonly ms: Took;
  /** Its kernels in order. */
  readonly kernels: readonly ProfiledKernel[];
  /** What it needs. */
  readonly memory: MemoryReport;
  /** Its calls in order. */
  readonly calls: readonly ProfiledCall[];
}

/** All calls that were profiled. */
export interface Profile {
  /** Where they ran. */
  readonly device: { readonly name: string; readonly description: string };
  /** Whose clock the kernels' times are by; the host's counts what a kernel waits for as well. */
  readonly clock: "device" | "host";
  /** When the first call of all began, in milliseconds of `performance.now()`. */
  readonly began: number;
  /** What the machine reaches at best, measured. */
  readonly peak: Peak;
  /** One entry a plan; a program that reads values in its middle has several. */
  readonly plans: readonly ProfiledPlan[];
}

/** Which calls a profile is about. */
export interface ProfileOptions {
  /** Leaves out calls that began earlier than this `performance.now()`, such as warm-ups. */
  readonly since?: number;
  /** What the machine reaches at best, if it is known; measured otherwise. */
  readonly peak?: Peak;
}

interface Collected {
  readonly key: string;
  readonly loaded: Loaded;
  readonly infos: readonly StepInfo[];
  readonly calls: { readonly ran: Timed; start: number; ms: number; readback: number }[];
}

/** Collects the calls of one traced function. */
export interface Profiler {
  /** Runs a plan once with every step timed. */
  run(
    key: string,
    loaded: Loaded,
    args: readonly (Host | Resident)[],
  ): Promise<readonly Resident[]>;
  /** What was collected so far; measures the machine. */
  profile(machine: Machine, options?: ProfileOptions): Promise<Profile>;
}

/** Calls that are kept of one plan; the first and the latest. */
const mostCalls = 1000;

/** A profiler that has seen nothing. */
export function profiler(): Profiler {
  const plans = new Map<Loaded, Collected>();
  return {
    async run(key, loaded, args) {
      let plan = plans.get(loaded);
      if (!plan) plans.set(loaded, plan = { key, loaded, infos: loaded.steps(), calls: [] });
      const start = performance.now();
      const ran = await loaded.timed(args);
      const done = performance.now();
      await Promise.all(ran.outs.map((out) => out.read()));
      const readback = performance.now() - done;
      if (plan.calls.length >= mostCalls) plan.calls.splice(mostCalls >> 1, 1);
      plan.calls.push({ ran, start, ms: ran.ms, readback });
      return ran.outs;
    },
    async profile(machine, { since = -Infinity, peak } = {}) {
      const best = peak ?? await peakOf(machine);
      const all = [...plans.values()]
        .map((plan) => ({ ...plan, calls: plan.calls.filter(({ start }) => start >= since) }))
        .filter(({ calls }) => calls.length > 0);
      const began = Math.min(...all.flatMap(({ calls }) => calls.map(({ start }) => start)));
      const { name, description } = machine;
      const clock = all.some((p) => p.calls.some(({ ran }) => ran.clock === "host"))
        ? "host"
        : "device";
      return {
        device: { name, description },
        clock,
        began: all.length ? began : 0,
        peak: best,
        plans: all.map((plan) => planOf(plan, began, best)),
      };
    },
  };
}

/** The same without places, for a program that nobody wrote here, as a loaded file. */
export function withoutPlaces(profile: Profile): Profile {
  const plans = profile.plans.map((plan) => ({
    ...plan,
    kernels: plan.kernels.map((kernel) => ({ ...kernel, place: null })),
  }));
  return { ...profile, plans };
}

/** Profiles of one machine as one, in one time. */
export function joinedProfiles(profiles: readonly Profile[]): Profile {
  const seen = profiles.filter(({ plans }) => plans.length > 0);
  const began = Math.min(...seen.map((profile) => profile.began));
  const plans = seen.flatMap((profile) =>
    profile.plans.map((plan) => ({
      ...plan,
      calls: plan.calls.map((c) => ({ ...c, start: c.start + profile.began - began })),
    }))
  );
  const clock = seen.some((profile) => profile.clock === "host") ? "host" : profiles[0].clock;
  return { ...profiles[0], clock, began: seen.length ? began : 0, plans };
}

function planOf({ key, loaded, infos, calls }: Collected, began: number, peak: Peak): ProfiledPlan {
  const rows = calls.map(({ ran }) => new Map(ran.times.map((time) => [time.step, time])));
  return {
    key,
    ms: loaded.took,
    kernels: infos.map((info, i) => kernelOf(info, rows.map((row) => row.get(i)), peak)),
    memory: loaded.memory(),
    calls: calls.map(({ ran, start, ms, readback }) => ({
      ...{ start: start - began, ms, readback },
      kernels: ran.times.map(({ step, start, ns }) => ({ kernel: step, start, ns })),
    })),
  };
}

function kernelOf(
  info: StepInfo,
  times: readonly (StepTime | undefined)[],
  peak: Peak,
): ProfiledKernel {
  const ns = times.map((time) => time?.ns ?? null);
  const medianNs = median(ns.filter((x) => x !== null));
  const [gbps, gflops] = [info.bytes, info.flops].map((x) => medianNs ? x / medianNs : 0);
  return {
    operation: info.name,
    kind: info.kind,
    place: info.sites.toReversed().map(placeOf).find((place) => place) ?? null,
    ins: info.ins.map(printType),
    outs: info.outs.map(printType),
    variant: info.variant ?? null,
    dispatch: info.dispatch ?? null,
    bytes: info.bytes,
    flops: info.flops,
    ns,
    medianNs,
    rate: { gbps, gflops },
    share: { bandwidth: gbps / peak.gbps, arithmetic: gflops / peak.gflops },
  };
}

/** The median of some numbers; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (!sorted.length) return 0;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
