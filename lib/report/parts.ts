/**
 * The parts of a model as a tree: what a page lists, with how much each part holds.
 * @module
 */
import { bytesText, countText } from "./amount.ts";
import type { NodeData } from "./graph_data.ts";

/** A part, with the parts inside it. */
export interface Part {
  /** Its path, such as `net.stage0`; nodes of it have this path or one that goes on from it. */
  readonly path: string;
  /** The end of its path, below the part around it. */
  readonly name: string;
  /** How many nodes it has and what its parameters weigh, as text. */
  readonly amount: string;
  readonly parts: readonly Part[];
}

interface Branch {
  readonly path: string;
  nodes: number;
  bytes: number;
  readonly below: Map<string, Branch>;
}

/**
 * The parts of some nodes, in the order in which they compute. A part that holds nothing but one
 * other is shown as that one.
 */
export function partsOf(nodes: readonly NodeData[]): Part[] {
  const root: Branch = branch("");
  const last = ({ role }: NodeData) => Number(role !== "operation");
  for (const { scope, role, bytes = 0 } of [...nodes].sort((a, b) => last(a) - last(b))) {
    if (scope === undefined) continue;
    let at = root;
    for (const { index, 0: word } of scope.matchAll(/[^./]+/g)) {
      const path = scope.slice(0, index + word.length);
      const next = at.below.get(path) ?? branch(path);
      at.below.set(path, next);
      at = next;
      at.nodes++;
      if (role === "constant") at.bytes += bytes;
    }
  }
  return partsIn(root.below, 0);
}

function branch(path: string): Branch {
  return { path, nodes: 0, bytes: 0, below: new Map() };
}

function partsIn(branches: ReadonlyMap<string, Branch>, skip: number): Part[] {
  return [...branches.values()].map((at) => {
    const { path, nodes, bytes, below } = innermost(at);
    const amount = countText(nodes) + (bytes ? `, ${bytesText(bytes)}` : "");
    return { path, name: path.slice(skip), amount, parts: partsIn(below, path.length + 1) };
  });
}

function innermost(at: Branch): Branch {
  const [only, ...more] = at.below.values();
  return only && more.length === 0 && only.nodes === at.nodes ? innermost(only) : at;
}
