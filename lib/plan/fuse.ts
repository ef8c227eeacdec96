/**
 * Fusing: nodes to groups, one kernel each. Maps and views go into their users; what follows a
 * contraction or reduction elementwise goes into its epilogue. A node is materialised when it is a
 * result, when recomputing it costs more than a load, or when a kernel would bind or hold too much.
 * @module
 */
import { draftOf, formOf, resultBody, resultCoords, stored } from "../core/draft.ts";
import type { Form } from "../core/form.ts";
import { type Graph, orderOf, resultsOf, rootsOf, usersOf } from "../core/graph.ts";
import { coordsOf } from "../core/coords.ts";
import { addressOf, linearOf } from "../core/index.ts";
import { broadcastCoords } from "../core/draft.ts";
import type { Scalar } from "../core/scalar.ts";
import type { GraphOpt, Limits } from "../core/target.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { sameShape, sizeOf } from "../core/type.ts";
import { draftOfNode } from "./decompose.ts";
import { inliner, isInlineConstant } from "./inline.ts";
import { ownCost, readsOf, repeats } from "./cost.ts";
import { boundRegions } from "./regions.ts";
import { isForReductions, keptApart } from "./chosen.ts";

/** One kernel: what it computes, from what, and the operations in it. */
export interface Group {
  readonly nodes: readonly Node[];
  readonly ins: readonly Tensor[];
  readonly outs: readonly Tensor[];
  readonly form: Form;
  /** What it is called, where that is not its operations. */
  readonly name?: string;
}

/** How eagerly to fuse. */
export interface FuseOptions extends GraphOpt {
  /** False: every operation is its own kernel, views aside. */
  readonly fuse: boolean;
}

function isLeaf(node: Node): boolean {
  return node.op.name === "arg" || node.op.name === "data";
}

/** The groups of a decomposed graph, operands before users. */
export function fuse(graph: Graph, limits: Limits, options: FuseOptions): readonly Group[] {
  const roots = rootsOf(graph);
  const order = orderOf(roots);
  const users = usersOf(order);
  const kindOf = (n: Node) =>
    isLeaf(n) ? "leaf" : n.op.scalar || n.op.view ? "map" : draftOfNode(n)!.kind;
  const kinds = new Map(order.map((n) => [n, kindOf(n)] as const));
  const results = new Set(resultsOf(graph).concat(roots).map((t) => t.node));
  const isRoot = (n: Node) => kinds.get(n) !== "map" && kinds.get(n) !== "leaf";

  // Epilogues: the last root takes what follows it, so that a residual joins the later contraction.
  const owner = new Map<Node, Node>();
  const chains = new Map<Node, Node[]>();
  for (const node of [...order].reverse()) {
    if (!isRoot(node)) continue;
    const chain: Node[] = [];
    let cur = node;
    while (options.fuse && !results.has(cur)) {
      const next = users.get(cur)!;
      if (next.length !== 1 || owner.has(next[0]) || !isEpilogue(next[0], cur, options)) break;
      cur = next[0];
      chain.push(cur);
      owner.set(cur, node);
    }
    chains.set(node, chain);
  }
  const made = new Set<Node>();
  for (const node of order) {
    if (isRoot(node)) made.add(chains.get(node)!.at(-1) ?? node);
    if (results.has(node) && !isLeaf(node)) made.add(node);
  }
  for (const node of keptApart({ order, users, kinds, options })) {
    if (!owner.has(node)) made.add(node);
  }
  if (options.fuse || options.jitFuseReduce) {
    boundRegions(order, limits, { made, owner, chains, users, isRoot, isLeaf });
  }
  for (const node of results) if (!isLeaf(node)) made.add(node);
  materialize(order, made, { owner, isRoot, kinds, options, users });

  const groups: Group[] = [];
  const built = new Set<Node>();
  const build = (target: Node): void => {
    if (built.has(target) || isLeaf(target)) return;
    built.add(target);
    const root = owner.get(target) ?? target;
    const chain = isRoot(root) ? chains.get(root)! : [];
    const group = groupOf(root, chain, made, limits);
    for (const t of group.ins) build(t.node);
    groups.push(group);
  };
  for (const node of order) if (made.has(node)) build(node);
  return groups;
}

/** Elementwise on the whole of `cur`, or the same elements in another order. */
function isEpilogue(user: Node, cur: Node, { jitFuseDimshuffle = true }: GraphOpt): boolean {
  if (user.op.scalar) {
    return user.ins.some((t) => t.node === cur) && sameShape(user.outs[0].shape, cur.outs[0].shape);
  }
  return user.op.name === "reshape" || jitFuseDimshuffle && user.op.name === "transpose";
}

interface Deciding {
  readonly owner: ReadonlyMap<Node, Node>;
  readonly isRoot: (n: Node) => boolean;
  readonly kinds: ReadonlyMap<Node, string>;
  readonly users: ReadonlyMap<Node, readonly Node[]>;
  readonly options: FuseOptions;
}

/** Decides, users first, which maps are computed into memory and which at each use. */
function materialize(order: readonly Node[], made: Set<Node>, how: Deciding): void {
  const { users } = how;
  const cost = new Map<Node, number>();
  for (const node of order) {
    let below = 0;
    for (const { node: from } of new Map(node.ins.map((t) => [t.node, t])).values()) {
      const apart = users.get(from)!.length > 1 || how.isRoot(from) || made.has(from);
      if (!apart) below += cost.get(from) ?? 0;
    }
    cost.set(node, isLeaf(node) || how.isRoot(node) ? 0 : Math.min(1e6, below + ownCost(node)));
  }
  const work = new Map<Node, number>();
  for (const node of [...order].reverse()) {
    if (isLeaf(node)) continue;
    const size = Math.max(1, sizeOf(node.outs[0].shape));
    let evaluations = 0;
    for (const user of users.get(node)!) {
      const times = readsOf(user, node);
      const points = how.isRoot(user)
        ? repeats(user, node) * size
        : made.has(user) || how.owner.has(user)
        ? sizeOf(user.outs[0].shape)
        : Math.max(work.get(user) ?? 0, sizeOf(user.outs[0].shape));
      evaluations += times * points;
    }
    work.set(node, evaluations);
    if (made.has(node) || how.isRoot(node) || how.owner.has(node)) continue;
    const own = cost.get(node)!;
    const extra = evaluations / size;
    const cheap = own * (extra - 1) <= 3 + 1.5 * extra;
    const isView = Boolean(node.op.view) || own === 0;
    const apart = !how.options.fuse && !node.op.view && !isForReductions(node, made, how);
    if (apart || (!cheap && !isView) || (own > 0 && feedsContraction(node, users, made, how))) {
      made.add(node);
    }
  }
}

/** True if a contraction reads the node, perhaps through views; such operands must be plain loads. */
function feedsContraction(
  node: Node,
  users: ReadonlyMap<Node, readonly Node[]>,
  made: ReadonlySet<Node>,
  how: Deciding,
): boolean {
  return users.get(node)!.some((user) => {
    const kind = how.kinds.get(user);
    if (kind === "matmul" || kind === "conv") return true;
    return Boolean(user.op.view) && !made.has(user) && feedsContraction(user, users, made, how);
  });
}

/** The form of a root with its epilogue; operands that make it too large are materialised first. */
function groupOf(
  root: Node,
  chain: readonly Node[],
  made: Set<Node>,
  limits: Limits,
): Group {
  for (;;) {
    const last = chain.at(-1) ?? root;
    const inside = new Set<Node>([root, ...chain]);
    const isLoaded = (t: Tensor) => isLeaf(t.node) || (made.has(t.node) && !inside.has(t.node));
    const terms = inliner(isLoaded);
    const { draft, value, coords } = termsOf(root, chain, terms.at);
    const plain = draft.kind === "matmul"
      ? [draft.a, draft.b]
      : draft.kind === "conv"
      ? [draft.x, draft.w]
      : [];
    const awkward = plain.findIndex((t) => !isPlainLoad(t));
    if (awkward >= 0 && demote(root.ins[awkward], made)) continue;
    if (terms.operands.length + 1 > limits.bindings && demoteAny([root, ...chain], made, inside)) {
      continue;
    }
    const type = last.outs[0];
    const out = { type, index: addressOf(coords, type.shape), body: value };
    return {
      nodes: [root, ...chain],
      ins: terms.operands,
      outs: [last.results[0]],
      form: formOf(draft, terms.operands.map(({ dtype, shape }) => ({ dtype, shape })), [out]),
    };
  }
}

function termsOf(
  root: Node,
  chain: readonly Node[],
  at: (t: Tensor, coords: readonly Scalar[]) => Scalar,
) {
  const draft = draftOf(root.op, (k, c) => at(root.ins[k], c), root.ins, root.attrs, root.outs)!;
  let coords: readonly Scalar[] = resultCoords(draft);
  let value = stored(resultBody(draft, root.outs[0]), root.outs[0]);
  let cur = root;
  for (const node of chain) {
    if (node.op.scalar) {
      const args = node.ins.map((t) =>
        t.node === cur ? value : at(t, broadcastCoords(coords, t.shape))
      );
      value = stored(node.op.scalar(args, node.attrs, node.ins), node.outs[0]);
    } else if (node.op.name === "transpose") {
      const order: readonly number[] = node.attrs.perm;
      const before = coords;
      coords = order.map((a) => before[a]);
    } else {
      coords = coordsOf(addressOf(coords, cur.outs[0].shape), node.outs[0].shape);
    }
    cur = node;
  }
  return { draft, value, coords };
}

/** A load whose address is a sum of axes: what contraction kernels read fast. */
function isPlainLoad(term: Scalar): boolean {
  if (term.kind === "lit") return true;
  if (term.kind !== "load" || term.valid) return false;
  return [...linearOf(term.index).terms.values()].every(({ atom }) => atom.kind === "axis");
}

/** Materialises an operand that is not yet; false if it is. */
function demote(t: Tensor, made: Set<Node>): boolean {
  if (isLeaf(t.node) || made.has(t.node) || isInlineConstant(t)) return false;
  made.add(t.node);
  return true;
}

/** Materialises the nearest inlined operand with operands of its own. */
function demoteAny(nodes: readonly Node[], made: Set<Node>, inside: ReadonlySet<Node>): boolean {
  const queue = nodes.flatMap((n) => [...n.ins]);
  const candidates = queue.filter((t) => !inside.has(t.node) && t.node.ins.length > 0);
  for (const t of candidates) if (demote(t, made)) return true;
  return false;
}
