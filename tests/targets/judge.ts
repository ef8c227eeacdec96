/**
 * Graphs on machines beside the interpreter: values within a tolerance, bits where they must be the
 * same.
 * @module
 */
import { type Graph, resultsOf } from "../../lib/core/graph.ts";
import { bytesIn, type Host, type Resident } from "../../lib/core/host.ts";
import { isFloat, printType } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { worst } from "../ops/case_values.ts";
import { assert, assertEquals } from "../std.ts";

/** How far values may be apart; integers and truth agree exactly. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** What operations are held to where they state nothing else. */
export const usual: Tolerance = { rtol: 1e-5, atol: 1e-6 };

/** What can run. */
export interface Runs {
  run(args: readonly Host[]): Promise<readonly Resident[]>;
}

/** The results of one run, which are given back. */
export async function valuesFrom(loaded: Runs, hosts: readonly Host[]): Promise<Host[]> {
  const outs = await loaded.run(hosts);
  const values: Host[] = [];
  for (const out of outs) values.push(await out.read());
  outs.forEach((out) => out.dispose());
  return values;
}

/** What the interpreter gives. */
export function meant(graph: Graph, hosts: readonly Host[]): Host[] {
  const given = graph.args.map((t, i): [typeof t.node, Host] => [t.node, hosts[i]]);
  return evaluateNow(resultsOf(graph), new Map(given)).slice();
}

/** Fails unless values are near those wanted. */
export function assertNear(
  got: readonly Host[],
  want: readonly Host[],
  { rtol, atol }: Tolerance,
  what: string,
): void {
  assertEquals(got.map(printType), want.map(printType), what);
  got.forEach((value, i) => {
    const float = isFloat(value.dtype);
    const bad = worst(value, want[i], float ? rtol : 0, float ? atol : 0);
    assert(!bad, `${what}: result ${i} ${JSON.stringify(bad)}`);
  });
}

/** Fails unless values have the same bits. */
export function assertSameBits(got: readonly Host[], want: readonly Host[], what: string): void {
  assertEquals(got.map(printType), want.map(printType), what);
  got.forEach((value, i) => {
    const [a, b] = [bytesIn(value.data), bytesIn(want[i].data)];
    const at = a.findIndex((byte, k) => byte !== b[k]);
    assert(at < 0, `${what}: result ${i} differs from byte ${at} on`);
  });
}
