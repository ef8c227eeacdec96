/**
 * The memory that loading a plan will take, known before it takes any.
 * @module
 */
import { packedSize } from "../../kernels/wasm/packing.ts";
import { type Graph, orderOf, rootsOf } from "../core/graph.ts";
import type { Data } from "../core/host.ts";
import type { Plan, SlotId } from "../core/plan.ts";
import { bytesOf } from "../core/type.ts";
import type { Constants } from "./constants.ts";
import { roomOf } from "./heap.ts";
import { packingRoom } from "./packer.ts";
import type { Packed, Part } from "./parts.ts";

/** A constant that is read as it lies. */
interface Plain {
  readonly slot: SlotId;
  readonly data: Data;
  readonly bytes: number;
}

/** The constants that calls or the caller read as they lie. */
export function readConstants(plan: Plan, parts: readonly Part[]): readonly Plain[] {
  const read = new Set([...parts.flatMap(({ slots }) => slots), ...plan.outs]);
  return plan.slots.flatMap((slot, id) =>
    slot.kind === "constant" && slot.bytes > 0 && read.has(id)
      ? [{ slot: id, data: slot.data, bytes: slot.bytes }]
      : []
  );
}

/**
 * Bytes that the constants of a graph will take which no plan holds yet, about: planning may do without
 * some, and packing takes some for a while.
 */
export function broughtBytes(constants: Constants, graph: Graph): number {
  const brought = new Set(orderOf(rootsOf(graph)).flatMap(({ data }) => data ?? []));
  const bytes = [...brought].filter((data) => !constants.hasAny(data)).map(bytesOf);
  const all = bytes.reduce((sum, own) => sum + roomOf(own), 0);
  return all + Math.min(all, packingRoom);
}

/** Bytes of arenas, and of constants that no other plan holds. */
export function newBytes(
  constants: Constants,
  plan: Plan,
  plain: readonly Plain[],
  packed: readonly Packed[],
): number {
  const sizes = [
    ...plan.arenas,
    ...plain.flatMap(({ data, bytes }) => constants.has(data) ? [] : [bytes]),
    ...packed.flatMap(({ data, packing }) =>
      constants.has(data, packing) ? [] : [4 * packedSize(packing)]
    ),
  ];
  return sizes.reduce((sum, bytes) => sum + roomOf(bytes), 0);
}
