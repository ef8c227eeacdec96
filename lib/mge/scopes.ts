/**
 * The module that each operator of a graph belongs to, as far as the names of parameters tell.
 * MegEngine knows modules as it calls them; here `net.fc1.weight` says that there is a `net.fc1`.
 * @module
 */
import type { Node } from "../core/tensor.ts";

/**
 * The scope of every node that computes: of one that uses a parameter the parameter's module, of
 * another the module around those whose results it takes, or else around those that take its own.
 */
export function scopesOf(order: readonly Node[]): ReadonlyMap<Node, string> {
  const own = new Map(order.flatMap((node) => {
    const found = ownModule(node);
    return found === undefined ? [] : [[node, found] as const];
  }));
  const around = new Map<Node, string>();
  for (const [node, module] of own) around.set(node, parent(module));
  const settle = (node: Node, near: readonly Node[]) => {
    if (around.has(node) || node.ins.length === 0) return;
    const known = near.flatMap((n) => around.get(n) ?? []);
    if (known.length) around.set(node, known.reduce(shared));
  };
  for (const node of order) settle(node, node.ins.map((t) => t.node));
  const users = new Map<Node, Node[]>();
  for (const node of order) {
    for (const { node: below } of node.ins) users.set(below, [...users.get(below) ?? [], node]);
  }
  for (const node of order.toReversed()) settle(node, users.get(node) ?? []);
  return new Map(order.map((node) => [node, own.get(node) ?? around.get(node) ?? ""]));
}

/** The module whose parameter a node uses: `net.fc1` of `net.fc1.weight`. */
function ownModule({ ins }: Node): string | undefined {
  const named = ins.find(({ node }) => node.data && node.name !== undefined)?.node.name;
  return named === undefined ? undefined : parent(named);
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

/** The innermost module that holds both. */
function shared(a: string, b: string): string {
  const [x, y] = [a.split("."), b.split(".")];
  let n = 0;
  while (n < x.length && x[n] === y[n]) n++;
  return x.slice(0, n).join(".");
}
