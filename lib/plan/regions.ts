/**
 * Regions: what would be computed inside one kernel if nothing more went to memory. Where one would
 * hold too many terms or bind too many operands, its largest part is materialised, so that long
 * chains become a few kernels of bounded size.
 * @module
 */
import type { Limits } from "../core/target.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { ownCost } from "./cost.ts";
import { isInlineConstant } from "./inline.ts";

/** Terms that one kernel may hold. */
const longestBody = 256;

interface Region {
  readonly nodes: ReadonlySet<Node>;
  readonly operands: ReadonlySet<Tensor>;
}

/** What is decided already about the nodes of a graph. */
export interface Decided {
  /** Nodes that go to memory; regions are cut by adding to it. */
  readonly made: Set<Node>;
  /** The contraction or reduction that each node of an epilogue follows. */
  readonly owner: Map<Node, Node>;
  /** The epilogue of each contraction or reduction, shortened where it grows too long. */
  readonly chains: Map<Node, Node[]>;
  readonly isRoot: (n: Node) => boolean;
  readonly isLeaf: (n: Node) => boolean;
}

/** Materialises nodes, operands before users, until every kernel stays within the limits. */
export function boundRegions(order: readonly Node[], limits: Limits, d: Decided): void {
  const regions = new Map<Node, Region>();
  const weights = new Map<Node, number>();
  const most = Math.max(2, limits.bindings - 1);
  const heavy = (nodes: ReadonlySet<Node>) => {
    let sum = 0;
    for (const n of nodes) sum += weights.get(n)!;
    return sum;
  };
  for (const node of order) {
    if (d.isLeaf(node)) continue;
    weights.set(node, ownCost(node));
    for (;;) {
      const root = d.owner.get(node);
      const chain = root && d.chains.get(root)!;
      const inside = root && (chain![chain!.indexOf(node) - 1] ?? root);
      const isLoaded = (t: Tensor) =>
        t.node !== inside && (d.isLeaf(t.node) || d.made.has(t.node) || d.isRoot(t.node));
      const region = union(node, regions, isLoaded);
      if (region.operands.size <= most && heavy(region.nodes) <= longestBody) {
        regions.set(node, region);
        break;
      }
      // A part that loads one operand saves no binding, one without weight saves no term.
      const parts = node.ins.filter((t) => !isLoaded(t) && t.node !== inside)
        .map(({ node }) => ({ node, region: regions.get(node) }))
        .filter((p) => p.region && (p.region.operands.size > 1 || heavy(p.region.nodes) > 0))
        .sort((p, q) =>
          region.operands.size > most
            ? q.region!.operands.size - p.region!.operands.size
            : heavy(q.region!.nodes) - heavy(p.region!.nodes)
        );
      if (parts.length) d.made.add(parts[0].node);
      else if (!root || !cutChain(node, root, d)) {
        regions.set(node, region);
        break;
      }
    }
  }
}

function union(
  node: Node,
  regions: ReadonlyMap<Node, Region>,
  isLoaded: (t: Tensor) => boolean,
): Region {
  const nodes = new Set<Node>([node]);
  const operands = new Set<Tensor>();
  for (const t of node.ins) {
    if (isInlineConstant(t)) continue;
    const below = isLoaded(t) ? undefined : regions.get(t.node);
    if (!below) operands.add(t);
    else {
      for (const n of below.nodes) nodes.add(n);
      for (const o of below.operands) operands.add(o);
    }
  }
  return { nodes, operands };
}

/** Ends the epilogue before a node, which then stands by itself; false where it has none before. */
function cutChain(node: Node, root: Node, d: Decided): boolean {
  const chain = d.chains.get(root)!;
  const at = chain.indexOf(node);
  if (at < 0) return false;
  d.made.delete(chain[chain.length - 1]);
  for (const n of chain.splice(at)) d.owner.delete(n);
  d.made.add(chain[chain.length - 1] ?? root);
  return true;
}
