/**
 * The parts of a model that its nodes belong to, read off the parameters' names: what reads
 * `net.fc1.weight` belongs to `net.fc1`, and what stands between two parts to the part around both.
 * @module
 */
import type { NodeData } from "./graph_data.ts";

/** What finding parts needs of a node. */
export type Scoped = Pick<NodeData, "role" | "name" | "ins">;

const path = /^[\w-]+(?:\[\d+\])?(?:[./][\w-]+(?:\[\d+\])?)+$/;

/** The part of a parameter with this name; none for names that are no paths. */
export function scopeOf(name: string | undefined): string | undefined {
  if (name === undefined || !path.test(name)) return undefined;
  return name.slice(0, Math.max(name.lastIndexOf("."), name.lastIndexOf("/")));
}

/** The part around two others, if there is one. */
export function around(a: string, b: string): string | undefined {
  if (a === b) return a;
  let end = 0;
  for (let i = 0; i <= Math.min(a.length, b.length); i++) {
    const [p, q] = [a[i] ?? ".", b[i] ?? "."];
    const both = /[./]/.test(p) && /[./]/.test(q);
    if (both) end = i;
    else if (p !== q) break;
  }
  return end > 0 ? a.slice(0, end) : undefined;
}

/** Parts by node; operands come before their users. */
export function scopesOf(nodes: readonly Scoped[]): (string | undefined)[] {
  const own: (string | undefined)[] = [];
  const held: boolean[] = [];
  for (const { role, name, ins } of nodes) {
    const from = ins.flatMap((x) => x.from === undefined ? [] : [x.from]);
    held.push(
      role === "constant" ||
        (role === "operation" && from.length > 0 && from.every((i) => held[i])),
    );
    const near = role === "constant"
      ? [scopeOf(name)]
      : from.filter((i) => held[i]).map((i) => own[i]);
    own.push(role === "result" ? undefined : joined(near));
  }
  const users: number[][] = nodes.map(() => []);
  nodes.forEach(({ ins }, i) =>
    ins.forEach(({ from }) => from !== undefined && users[from].push(i))
  );
  const above: (string | undefined)[] = [];
  nodes.forEach(({ ins }, i) => {
    const near = ins.flatMap(({ from }) => from === undefined || held[from] ? [] : [above[from]]);
    above.push(own[i] ?? joined(near));
  });
  const below: (string | undefined)[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    below[i] = own[i] ?? joined(users[i].map((user) => below[user]));
  }
  return nodes.map(({ role }, i) => {
    if (own[i] !== undefined || role !== "operation") return own[i];
    const [a, b] = [above[i], below[i]];
    return a !== undefined && b !== undefined ? around(a, b) : undefined;
  });
}

/** The part around all that are known; none if there is no such part. */
function joined(scopes: readonly (string | undefined)[]): string | undefined {
  const known = scopes.filter((s) => s !== undefined);
  return known.reduce<string | undefined>(
    (a, b) => a === undefined ? undefined : around(a, b),
    known[0],
  );
}
