/**
 * A profile as rows for tables and charts: its kernels by the time they took, with what each
 * reached, over all plans; and the calls of a plan that stand for the others.
 * @module
 */
import {
  median,
  type Profile,
  type ProfiledCall,
  type ProfiledKernel,
  type ProfiledPlan,
} from "../trace/profile.ts";
import { type Family, familyOf } from "./family.ts";

/** A kernel among all kernels. */
export interface KernelRow extends ProfiledKernel {
  /** Its plan, by index. */
  readonly plan: number;
  /** Its index in the plan. */
  readonly kernel: number;
  /** Its place by time, from 1. */
  readonly rank: number;
  /** How often it did something. */
  readonly runs: number;
  /** Its part of the time of all kernels in all calls. */
  readonly part: number;
  /** For its colour. */
  readonly family: Family;
}

/** The kernels of all plans, those that took most time first. */
export function kernelRows(profile: Profile): readonly KernelRow[] {
  const all = profile.plans.flatMap(({ kernels }, plan) =>
    kernels.map((kernel, i) => {
      const runs = kernel.ns.filter((ns) => ns !== null).length;
      return { ...kernel, plan, kernel: i, runs, total: kernel.medianNs * runs };
    })
  );
  const whole = all.reduce((sum, { total }) => sum + total, 0);
  return all.sort((a, b) => b.total - a.total).map(({ total, ...row }, i) => ({
    ...row,
    rank: i + 1,
    part: whole ? total / whole : 0,
    family: kernelFamily(row),
  }));
}

/** Families by the kinds of forms; on the interpreter by the operation. */
function kernelFamily({ kind, operation }: ProfiledKernel): Family {
  switch (kind) {
    case "matmul":
    case "conv":
      return "product";
    case "map":
      return "arithmetic";
    case "reduce":
      return "reduce";
    case "rows":
      return "norm";
    case "copy":
      return "shape";
    default:
      return familyOf(operation);
  }
}

/** What its family is called where kernels are listed. */
export const familyWords: Partial<Record<Family, string>> = {
  product: "Products, convolutions",
  arithmetic: "Elementwise",
  activation: "Activations",
  reduce: "Reductions",
  norm: "Rows: softmax, norms",
  shape: "Copies, shapes",
  other: "Everything else",
};

/** A call that stands for others. */
export interface ShownCall {
  readonly word: string;
  readonly call: ProfiledCall;
}

/** The median call of a plan, then the first, the fastest and the slowest, each once. */
export function shownCalls({ calls }: ProfiledPlan): readonly ShownCall[] {
  const sorted = calls.toSorted((a, b) => a.ms - b.ms);
  const wanted: readonly (readonly [string, ProfiledCall | undefined])[] = [
    ["median", sorted[(sorted.length - 1) >> 1]],
    ["first", calls[0]],
    ["fastest", sorted[0]],
    ["slowest", sorted.at(-1)],
  ];
  const shown: ShownCall[] = [];
  for (const [word, call] of wanted) {
    if (call && !shown.some((other) => other.call === call)) shown.push({ word, call });
  }
  return shown;
}

/** Numbers of a plan that a reader looks for first, in milliseconds. */
export interface PlanTimes {
  /** A call, as a whole, by the median. */
  readonly call: number;
  /** Its kernels together, each by its median. */
  readonly kernels: number;
  /** Reading the results, by the median. */
  readonly readback: number;
}

/** The times of a plan. */
export function planTimes({ calls, kernels }: ProfiledPlan): PlanTimes {
  return {
    call: median(calls.map(({ ms }) => ms)),
    kernels: kernels.reduce((sum, { medianNs }) => sum + medianNs, 0) / 1e6,
    readback: median(calls.map(({ readback }) => readback)),
  };
}

/** What the clock of a profile means, in a sentence. */
export function clockText({ clock }: Pick<Profile, "clock">): string {
  return clock === "device"
    ? "Kernels are timed by the device's own clock."
    : "Kernels are timed by the host's clock, so what a kernel waits for counts as its time.";
}

/** The end of a place: the file with its folder, the line and the column. */
export function placeEnd(place: string): string {
  return place.split(/[\\/]/).slice(-2).join("/");
}
