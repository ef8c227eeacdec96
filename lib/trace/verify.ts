/**
 * What a later call must not do: differ from its record, or need the host where there is none.
 * @module
 */
import { difference } from "../core/compare.ts";
import { placeOf, TraceError } from "../core/fault.ts";
import { printAttrs } from "../core/print.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import type { TraceOptions } from "./options.ts";
import { isCaptured, type Recording } from "./record.ts";

/** A later call must do what the record did. */
export function verify(before: Recording, now: Recording, options: TraceOptions): void {
  const bound = options.captureAsConst ? undefined : isCaptured;
  const found = difference(before.graph, now.graph, options.comparator, bound);
  if (!found) return;
  const line = (what: string, node: Node | undefined) =>
    node
      ? `\n  ${what}: ${node.op.name}(${printAttrs(node.attrs)}) ${printType(node.outs[0])} at ${
        placeOf(found.site ?? node.site) ?? "unknown place"
      }`
      : "";
  throw new TraceError(
    found.reason,
    `Cannot run this call: it differs from the record because ${found.reason}` +
      line("recorded", found.recorded) + line("found", found.found),
    { place: placeOf(found.site ?? found.found?.site) },
  );
}

/** Without the host nothing can be read, computed anew or captured after the first call. */
export function refuseHost(made: Recording, captured: readonly Tensor[]): void {
  const cut = made.graph.cuts.find((c) => c.kind === "read");
  const leaf = cut?.roots[0] ?? captured[0];
  if (!leaf) return;
  const place = placeOf(cut?.site ?? leaf.node.site);
  throw new TraceError(
    cut ? "value unreadable" : "captured tensor",
    cut
      ? `Cannot trace without the host: it would freeze the value read at ${
        place ?? "an unknown place"
      }`
      : `Cannot trace without the host: it would freeze ${printType(leaf)}, captured from ${
        place ?? "an unknown place"
      }\n  try captureAsConst, or give it as an argument`,
    { place },
  );
}
