/**
 * What a later call must not do: differ from its record, or need the host where there is none.
 * @module
 */
import { difference, type Side } from "../core/compare.ts";
import { DeviceError, placeOf, TraceError } from "../core/fault.ts";
import { collect, type Data, type Host, isHost, isResident, isSource } from "../core/host.ts";
import { printAttrs } from "../core/print.ts";
import type { Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import type { TraceOptions } from "./options.ts";
import { capturedIn, isCaptured, type Recording } from "./record.ts";

/** A later call must do what the record did. */
export async function verify(
  before: Recording,
  now: Recording,
  { captureAsConst, recordOnly, comparator }: TraceOptions,
): Promise<void> {
  const constants = captureAsConst || recordOnly;
  const values = constants ? await changedValues(before, now) : undefined;
  const bound = constants ? undefined : isCaptured;
  const found = difference(before.graph, now.graph, comparator, bound, values);
  if (!found) return;
  const places = { recorded: placeIn(found.recorded), found: placeIn(found.found) };
  throw new TraceError(
    found.reason,
    `Cannot run this call: it differs from the record because ${found.reason}` +
      line("recorded", found.recorded, places.recorded) + line("found", found.found, places.found),
    { place: places.found ?? places.recorded, values: places },
  );
}

function placeIn(side: Side | undefined): string | undefined {
  return placeOf(side?.site ?? side?.node.site);
}

function line(what: string, side: Side | undefined, place = "an unknown place"): string {
  if (!side) return `\n  ${what}: nothing`;
  const { node, role } = side;
  const text = `${node.op.name}(${printAttrs(node.attrs)}) ${printType(node.outs[0])}`;
  return `\n  ${what}: ${role ? `${role} ` : ""}${text} at ${place}`;
}

/** Captured values that are not in memory, where the record and the call hold different ones. */
async function changedValues(before: Recording, now: Recording): Promise<Map<Data, Host>> {
  const values = new Map<Data, Host>();
  const [a, b] = [before, now].map(({ graph }) => capturedIn(graph).map(({ node }) => node.data!));
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] === b[i] || isHost(a[i]) && isHost(b[i])) continue;
    for (const data of [a[i], b[i]]) {
      if (isSource(data)) values.set(data, await collect(data));
      if (isResident(data)) values.set(data, await data.read().catch(gone));
    }
  }
  return values;
}

function gone(error: unknown): never {
  if (!(error instanceof DeviceError)) throw error;
  throw new TraceError(
    "tensors not equals",
    "Cannot compare a captured tensor with the record's, whose memory was given back\n" +
      "  try to give it as an argument, or to keep it",
  );
}

/** Without the host nothing can be read or captured after the first call. */
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

/** Without `symbolicShape` a function is for the shapes of its first call. */
export function refuseShapes(recorded: string, found: string, site: Error): void {
  if (recorded === found) return;
  const place = placeOf(site);
  throw new TraceError(
    "tensors not equals",
    "Cannot run this call: its shapes differ from the record's, and symbolicShape is false" +
      `\n  recorded: ${recorded}\n  found: ${found}${place ? ` at ${place}` : ""}`,
    { place },
  );
}
