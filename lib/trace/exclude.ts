/**
 * Regions that a record leaves out: they run on every call and may do what they like, as long as
 * the types of what they give stay the same.
 * @module
 */
import { placeOf, TraceError } from "../core/fault.ts";
import type { Cut, Graph } from "../core/graph.ts";
import type { Host } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree } from "../core/tree.ts";
import { printType, sameType, type Type } from "../core/type.ts";
import { isType } from "../stage/stage.ts";
import { read } from "./read.ts";
import type { Compute } from "./record.ts";

/** Types of what some functions give, as their authors stated them. */
const stated = Symbol("types of the result");

/**
 * A function that states the types of what it gives: a type, or an array or record of types. A
 * region needs that where nothing runs, as with `recordOnly`; where it runs it is held to it.
 *
 * ```ts
 * import { excludeFromTrace, f32, returning, type Tensor, tensor, trace } from "@weft/weft";
 *
 * const noisy = returning(f32([2]), (t: Tensor) => t);
 * const f = trace((x: Tensor) => excludeFromTrace(noisy, x), { recordOnly: true });
 * console.log((await f(tensor([1, 2]))).shape); // [2]
 * ```
 */
export function returning<A extends readonly unknown[], R>(
  types: unknown,
  fn: (...args: A) => R,
): (...args: A) => R {
  const own = (...args: A) => fn(...args);
  Object.defineProperty(own, "name", { value: fn.name });
  return Object.assign(own, { [stated]: types });
}

/**
 * Runs a function outside the record of the call that its tensors belong to; without such a tensor
 * it simply runs. The function gets values as constants and may be async.
 */
export async function excludeFromTrace<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  ...args: A
): Promise<Awaited<R>> {
  const site = new Error("excludeFromTrace");
  const leaves = leavesOf(args, isTensor).map(({ leaf }) => leaf);
  const call = leaves.map(({ node }) => node.call).find((c) => c?.live);
  if (!call?.exclude) return await fn(...args);
  const taken = [...new Set(leaves)].filter((t) => t.node.call === call);
  const types = (fn as { [stated]?: unknown })[stated];
  const run = async (values: readonly Host[]) => {
    const known = new Map(taken.map((t, i) => [t, constant(values[i])]));
    const given = mapTree(args, isTensor, (t) => known.get(t) ?? t) as unknown as A;
    const result = await fn(...given);
    const hosts = await Promise.all(leavesOf(result, isTensor).map(({ leaf }) => read(leaf)));
    if (types !== undefined) holdTo(leavesOf(types, isType).map(({ leaf }) => leaf), hosts, site);
    return { result, hosts };
  };
  const again = async (values: readonly Host[]) => (await run(values)).hosts;
  Object.defineProperty(again, "name", { value: fn.name });
  const hole = call.exclude(taken, again, site);
  let at = 0;
  if (hole.taken) {
    const { result, hosts } = await run(await hole.taken);
    const made = hole.admit(hosts);
    return mapTree(result, isTensor, () => made[at++]) as Awaited<R>;
  }
  if (types === undefined) throw neverRuns(fn.name, site);
  const made = hole.admit(leavesOf(types, isType).map(({ leaf }) => leaf));
  return mapTree(types, isType, () => made[at++]) as Awaited<R>;
}

/** Where nothing runs, what a region gives is not known. */
function neverRuns(name: string, site: Error): TraceError {
  const place = placeOf(site);
  return new TraceError(
    "excluded region",
    `Cannot leave ${name || "a region"} out of a record that never runs: ` +
      `what types it gives is known only when it does${place ? `\n  at ${place}` : ""}\n` +
      "  try returning(f32([2]), fn) to state them, or to give its result as an argument",
    { place },
  );
}

/** What a region gives must have the types that were stated, or recorded. */
function holdTo(types: readonly Type[], hosts: readonly Host[], site: Error | undefined): void {
  if (types.length === hosts.length && types.every((t, i) => sameType(t, hosts[i]))) return;
  const place = placeOf(site);
  const shown = (list: readonly Type[]) => list.map(printType).join(", ") || "no tensor";
  throw new TraceError(
    "tensors not equals",
    `Cannot take what the excluded region gives: ${shown(hosts)}, not ${shown(types)}${
      place ? `\n  at ${place}` : ""
    }`,
    { place },
  );
}

/** Runs the excluded regions of a record on new values, in order; what they give, one by one. */
export async function rerun(graph: Graph, given: number, compute: Compute): Promise<Host[]> {
  const admitted: Host[] = [];
  for (const cut of graph.cuts.filter(isHole)) {
    const leaves = graph.args.slice(0, given + admitted.length);
    const hosts = await cut.fn(await compute(cut.roots, leaves, admitted));
    holdTo(cut.outs, hosts, cut.site);
    admitted.push(...hosts);
  }
  return admitted;
}

function isHole(cut: Cut): cut is Cut & { kind: "hole" } {
  return cut.kind === "hole";
}

/** True for a term of a call that is running; false inside an excluded region. */
export function isTracing(t: Tensor): boolean {
  return t.node.call?.live ?? false;
}
