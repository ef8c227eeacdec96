/**
 * Regions: what would be computed inside one kernel if nothing more went to memory. Where one would
 * hold too many terms or bind too many operands, its largest part is materialised, so that long
 * chains become a few kernels of bounded size.
 * @module
 */
import type { Limits } from "../core/target.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
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
  readonly users: ReadonlyMap<Node, readonly Node[]>;
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
  const isHeld = (t: Tensor) => d.isLeaf(t.node) || d.made.has(t.node) || d.isRoot(t.node);
  for (const node of order) {
    if (d.isLeaf(node)) continue;
    weights.set(node, ownCost(node));
    for (;;) {
      const root = d.owner.get(node);
      const chain = root && d.chains.get(root)!;
      const inside = root && (chain![chain!.indexOf(node) - 1] ?? root);
      const isLoaded = (t: Tensor) => t.node !== inside && isHeld(t);
      const region = union(node, regions, isLoaded);
      if (region.operands.size <= most && heavy(region.nodes) <= longestBody) {
        regions.set(node, region);
        break;
      }
      if (node.ins.some((t) => !isHeld(t) && refresh(t.node, regions, d.made, isHeld))) continue;
      // A part that loads one operand saves no binding, one without weight saves no term.
      const isCrowded = region.operands.size > most;
      const parts = node.ins.filter((t) => !isLoaded(t) && t.node !== inside)
        .map(({ node }) => ({ node, region: regions.get(node) }))
        .filter((p) => p.region && (p.region.operands.size > 1 || heavy(p.region.nodes) > 0))
        .sort((p, q) =>
          isCrowded
            ? q.region!.operands.size - p.region!.operands.size
            : heavy(q.region!.nodes) - heavy(p.region!.nodes)
        );
      if (parts.length) {
        const best = shared(parts[0].node, isCrowded, { d, regions, isHeld });
        d.made.add(best);
      } else if (!root || !cutChain(node, root, d)) {
        regions.set(node, region);
        break;
      }
    }
  }
}

/** Finds again what a node would be computed with, if some of that is in memory by now. */
function refresh(
  node: Node,
  regions: Map<Node, Region>,
  made: ReadonlySet<Node>,
  isHeld: (t: Tensor) => boolean,
): boolean {
  const old = regions.get(node);
  if (!old || ![...old.nodes].some((n) => n !== node && made.has(n))) return false;
  for (const t of node.ins) if (!isHeld(t)) refresh(t.node, regions, made, isHeld);
  regions.set(node, union(node, regions, isHeld));
  return true;
}

interface Sharing {
  readonly d: Decided;
  readonly regions: ReadonlyMap<Node, Region>;
  readonly isHeld: (t: Tensor) => boolean;
}

/**
 * What to put into memory for a part: behind views, and behind what takes its operands from one
 * node that many share, that node, unless it is larger than all that its users make of it.
 */
function shared(part: Node, isCrowded: boolean, { d, regions, isHeld }: Sharing): Node {
  for (let node = part;;) {
    const own = regions.get(node)!;
    const next = node.ins.find((x) => {
      const region = !isHeld(x) && !isInlineConstant(x) ? regions.get(x.node) : undefined;
      if (!region) return false;
      const uses = d.users.get(x.node)!.length;
      if (sizeOf(x.shape) > sizeOf(node.outs[0].shape) * uses) return false;
      return node.op.view || isCrowded && uses > 1 && region.operands.size + 1 >= own.operands.size;
    });
    if (!next) return node;
    node = next.node;
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
