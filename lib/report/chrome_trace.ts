/**
 * A profile in the Trace Event format, which chrome://tracing and Perfetto open: calls, the kernels
 * in them and what had to be prepared as spans, live memory as counters.
 * @module
 */
import type { Profile, ProfiledCall, ProfiledPlan } from "../trace/profile.ts";

/** One event; times in microseconds. */
export interface TraceEvent {
  /** What it shows: a kernel's operations, `call 1`, `compile`. */
  readonly name: string;
  /** `X` a span, `C` values of counters, `M` what a process or thread is called. */
  readonly ph: "X" | "C" | "M";
  /** The process; there is one. */
  readonly pid: number;
  /** The thread, which is a row of the picture. */
  readonly tid: number;
  /** When it begins. */
  readonly ts: number;
  /** Of spans. */
  readonly dur?: number;
  /** `prepare`, `call` or `kernel`. */
  readonly cat?: string;
  /** What is known besides: of kernels types, work and rates, of counters their values. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The file as an object. */
export interface ChromeTrace {
  /** What viewers count in. */
  readonly displayTimeUnit: "ms";
  /** The device, whose clock it is, and what the device reaches. */
  readonly otherData: Readonly<Record<string, unknown>>;
  /** Names first, then everything in order of time. */
  readonly traceEvents: readonly TraceEvent[];
}

const pid = 1;
/** Threads: what is prepared, then calls and kernels in turns, a pair for each that overlap. */
const preparing = 1;

/**
 * A profile as a trace, to be written as JSON. Kernels begin with their call, since a device's
 * clock is not the host's; what a plan took to make stands before its first call.
 *
 * ```ts
 * import { mul, type Tensor, tensor, trace } from "@weft/weft";
 * import { chromeTrace } from "@weft/weft/report";
 *
 * await using twice = trace((x: Tensor) => mul(x, 2), { profiling: true });
 * for (let i = 0; i < 2; i++) (await twice(tensor([1, 2]))).dispose();
 * const { traceEvents } = chromeTrace(await twice.profile());
 * console.log(traceEvents.filter(({ cat }) => cat === "kernel").length); // 2
 * ```
 */
export function chromeTrace(profile: Profile): ChromeTrace {
  const { device, clock, peak, plans } = profile;
  const lanes = lanesOf(plans.flatMap(({ calls }) => calls));
  const before = preparations(plans);
  // The trace begins with the first thing prepared, at 0.
  const zero = -Math.min(0, ...before.map(({ ts }) => ts));
  const events = [
    ...before,
    ...plans.flatMap((plan) => planEvents(plan, lanes)),
  ].map((event) => ({ ...event, ts: event.ts + zero }));
  // Spans that begin together: the outer one first, and counters after what they tell of.
  events.sort((a, b) => a.ts - b.ts || (b.dur ?? -1) - (a.dur ?? -1));
  const count = Math.max(0, ...lanes.values()) + 1;
  return {
    displayTimeUnit: "ms",
    otherData: { device: device.name, description: device.description, clock, peak },
    traceEvents: [...names(profile, count), ...events],
  };
}

function meta(name: string, tid: number, args: TraceEvent["args"]): TraceEvent {
  return { name, ph: "M", pid, tid, ts: 0, args };
}

function names({ device, clock }: Profile, lanes: number): readonly TraceEvent[] {
  const thread = (tid: number, name: string) => [
    meta("thread_name", tid, { name }),
    meta("thread_sort_index", tid, { sort_index: tid }),
  ];
  return [
    meta("process_name", preparing, { name: `weft on ${device.name} (${device.description})` }),
    ...thread(preparing, "prepare"),
    ...Array.from({ length: lanes }, (_, lane) => {
      const more = lanes > 1 ? ` ${lane + 1}` : "";
      return [
        ...thread(callThread(lane), `calls${more}`),
        ...thread(kernelThread(lane), `kernels${more} (${clock} clock)`),
      ];
    }).flat(),
  ];
}

function callThread(lane: number): number {
  return 2 * lane + 2;
}

function kernelThread(lane: number): number {
  return 2 * lane + 3;
}

/** Calls that overlap get different lanes. */
function lanesOf(calls: readonly ProfiledCall[]): ReadonlyMap<ProfiledCall, number> {
  const ends: number[] = [];
  const lanes = new Map<ProfiledCall, number>();
  for (const call of calls.toSorted((a, b) => a.start - b.start)) {
    const free = ends.findIndex((end) => end <= call.start);
    const lane = free < 0 ? ends.length : free;
    const busy = Math.max(call.ms + call.readback, ...call.kernels.map((k) => endOf(k) / 1e6));
    ends[lane] = call.start + busy;
    lanes.set(call, lane);
  }
  return lanes;
}

function endOf({ start, ns }: ProfiledCall["kernels"][number]): number {
  return start + ns;
}

/** What plans took to make, each before the plan's first call and none over another. */
function preparations(plans: readonly ProfiledPlan[]): readonly TraceEvent[] {
  const events: TraceEvent[] = [];
  const called = plans.filter(({ calls }) => calls.length > 0)
    .sort((a, b) => a.calls[0].start - b.calls[0].start);
  let end = -Infinity;
  for (const { ms, key, calls } of called) {
    const parts = Object.entries(ms) as [string, number][];
    const whole = parts.reduce((sum, [, x]) => sum + x, 0);
    let at = Math.max(end, calls[0].start - whole) * 1000;
    for (const [name, x] of parts) {
      const span = { ph: "X", pid, tid: preparing, ts: at, dur: x * 1000 } as const;
      events.push({ name, ...span, cat: "prepare", args: { plan: key } });
      at += x * 1000;
    }
    end = at / 1000;
  }
  return events;
}

function planEvents(
  { key, kernels, calls, memory }: ProfiledPlan,
  lanes: ReadonlyMap<ProfiledCall, number>,
): readonly TraceEvent[] {
  return calls.flatMap((call, i) => {
    const lane = lanes.get(call)!;
    const start = call.start * 1000;
    const host = { ph: "X", pid, tid: callThread(lane), cat: "call" } as const;
    const counter = {
      name: lanes.size && lane ? `memory ${lane + 1}` : "memory",
      ph: "C",
    } as const;
    const live = (ts: number, bytes: number): TraceEvent => ({
      ...{ ...counter, pid, tid: kernelThread(lane), ts },
      args: { "live bytes": bytes },
    });
    const last = call.kernels.at(-1);
    return [
      { name: `call ${i + 1}`, ...host, ts: start, dur: call.ms * 1000, args: { plan: key } },
      ...[{
        name: "readback",
        ...host,
        ts: start + call.ms * 1000,
        dur: call.readback * 1000,
        args: {},
      }],
      ...call.kernels.flatMap(({ kernel, start: begin, ns }): TraceEvent[] => {
        const { operation, ns: _, ...about } = kernels[kernel];
        const ts = start + begin / 1000;
        const span = { ph: "X", pid, tid: kernelThread(lane), ts, dur: ns / 1000 } as const;
        return [
          { name: operation, ...span, cat: "kernel", args: about },
          ...(memory ? [live(ts, memory.timeline[kernel].liveBytes)] : []),
        ];
      }),
      ...(memory && last ? [live(start + endOf(last) / 1000, 0)] : []),
    ];
  });
}
