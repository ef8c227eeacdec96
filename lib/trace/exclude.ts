/**
 * Regions that a record leaves out: they run on every call and may do what they like, as long as
 * the types of what they give stay the same.
 * @module
 */
import { placeOf, TraceError } from "../core/fault.ts";
import { constant } from "../core/leaf.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree } from "../core/tree.ts";
import { read } from "./read.ts";

/**
 * Runs a function outside the record of the call that its tensors belong to; without such a tensor
 * it simply runs. The function gets values as constants and may be async.
 */
export async function excludeFromTrace<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  ...args: A
): Promise<Awaited<R>> {
  const site = new Error("excludeFromTrace");
  const calls = leavesOf(args, isTensor).map(({ leaf }) => leaf.node.call).filter((c) => c?.live);
  const call = calls[0];
  if (!call) return await fn(...args);
  if (!call.read || !call.admit) {
    const place = placeOf(site);
    throw new TraceError(
      "excluded region",
      `Cannot leave ${fn.name || "a region"} out of a record that never runs: ` +
        `what types it gives is known only when it does${place ? `\n  at ${place}` : ""}\n` +
        "  try to trace without recordOnly, or to give its result as an argument",
      { place },
    );
  }
  const values = new Map<Tensor, Tensor>();
  for (const { leaf } of leavesOf(args, isTensor)) {
    if (leaf.node.call === call) values.set(leaf, constant(await call.read(leaf)));
  }
  const given = mapTree(args, isTensor, (t) => values.get(t) ?? t) as unknown as A;
  const result = await fn(...given);
  const admitted = new Map<Tensor, Tensor>();
  for (const { leaf } of leavesOf(result, isTensor)) {
    admitted.set(leaf, call.admit(await read(leaf)));
  }
  return mapTree(result, isTensor, (t) => admitted.get(t)!) as Awaited<R>;
}

/** True for a term of a call that is running; false inside an excluded region. */
export function isTracing(t: Tensor): boolean {
  return t.node.call?.live ?? false;
}
