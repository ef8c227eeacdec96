/**
 * A profile in lines: kernels by time, then what the machine reaches, what plans took to make, and
 * the memory.
 * @module
 */
import { bytesText, countText, digits, ofThem, percentText, timeText } from "../report/amount.ts";
import type { MemoryReport } from "../core/target.ts";
import {
  clockText,
  type KernelRow,
  kernelRows,
  placeEnd,
  planTimes,
} from "../report/profile_data.ts";
import type { Profile, ProfiledPlan } from "../trace/profile.ts";
import type { Colors } from "./std.ts";

/** Kernels that are listed. */
const most = 30;
/** Letters of a kernel's name. */
const longest = 44;

/** The lines. */
export function profileLines(profile: Profile, paint: Colors): readonly string[] {
  const rows = kernelRows(profile);
  const several = profile.plans.length > 1;
  const { gbps, gflops } = profile.peak;
  return [
    ...profile.plans.flatMap((plan, i) => planLines(plan, several ? `plan ${i + 1} ` : "", paint)),
    paint.bold("kernels by time"),
    ...table(rows, several, paint),
    `${paint.bold("machine")}  ${digits(gbps)} GB/s and ${digits(gflops)} GF/s, measured`,
    `${paint.bold("clock")}    ${clockText(profile)}`,
  ];
}

function planLines(plan: ProfiledPlan, name: string, paint: Colors): readonly string[] {
  const { call, kernels, readback } = planTimes(plan);
  const ms = (x: number) => timeText(x * 1e6);
  const { memory } = plan;
  const fullest = memory?.timeline.reduce((a, b) => b.liveBytes > a.liveBytes ? b : a, {
    ...{ name: "", liveBytes: 0 },
  });
  const word = (text: string) => paint.bold(text.padEnd(8));
  return [
    ...(name ? [paint.bold(name) + paint.dim(plan.key)] : []),
    `${word("run")} ${ms(call)} (median of ${countText(plan.calls.length)}), ` +
    `${ofThem(plan.kernels.length, "kernel")} ${ms(kernels)}, readback ${ms(readback)}`,
    `${word("once")} plan ${ms(plan.ms.plan)}, compile ${ms(plan.ms.compile)}, ` +
    `upload ${ms(plan.ms.upload)}`,
    memory
      ? `${word("memory")} ${memoryText(memory)}`
      : `${word("memory")} the interpreter plans none`,
    ...(fullest?.liveBytes
      ? [`${word("")} ${bytesText(fullest.liveBytes)} live at once in ${cut(fullest.name, 60)}`]
      : []),
  ];
}

function memoryText(memory: MemoryReport): string {
  const [peak, arenas, least, constants, args, results] = [
    ...[memory.peakBytes, memory.arenaBytes, memory.lowerBound, memory.constantBytes],
    ...[memory.argumentBytes, memory.resultBytes],
  ].map(bytesText);
  return `peak ${peak}: arenas ${arenas} (least possible ${least}), constants ${constants}, ` +
    `arguments ${args}, results ${results}`;
}

function table(rows: readonly KernelRow[], several: boolean, paint: Colors): readonly string[] {
  const cells = rows.slice(0, most).map((row) => [
    timeText(row.medianNs),
    percentText(row.part),
    digits(row.rate.gbps),
    percentText(row.share.bandwidth),
    digits(row.rate.gflops),
    percentText(row.share.arithmetic),
    `${several ? `${row.plan + 1}: ` : ""}${cut(row.operation, longest)}`,
    row.place ? placeEnd(row.place) : "",
  ]);
  const head = ["time", "share", "GB/s", "of peak", "GF/s", "of peak", "kernel", "place"];
  const lines = [rows.some(({ place }) => place) ? head : head.slice(0, -1), ...cells];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  const text = lines.map((line) =>
    line.map((cell, i) => i < 6 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ")
      .trimEnd()
  );
  return [
    `  ${paint.dim(text[0])}`,
    ...text.slice(1).map((line) => `  ${line}`),
    ...(rows.length > most
      ? [paint.dim(`  … ${rows.length - most} more; --json and --html have all`)]
      : []),
  ];
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
