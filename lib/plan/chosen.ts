/**
 * Fusions chosen by hand: which nodes go to memory, and which do not, whatever the level says.
 * @module
 */
import type { GraphOpt } from "../core/target.ts";
import type { Node } from "../core/tensor.ts";

/** A graph being fused, and what was chosen. */
export interface Choice {
  readonly order: readonly Node[];
  readonly users: ReadonlyMap<Node, readonly Node[]>;
  /** `leaf`, `map`, or the kind of a draft. */
  readonly kinds: ReadonlyMap<Node, string>;
  readonly options: GraphOpt;
}

/** Nodes that become kernels of their own because a fusion is switched off. */
export function keptApart({ order, users, kinds, options }: Choice): readonly Node[] {
  return order.filter((node) => {
    if (kinds.get(node) !== "map") return false;
    if (isDimshuffle(node)) return options.jitFuseDimshuffle === false;
    return options.jitFuseReduce === false && !node.op.view && feedsReduction(node, users, kinds);
  });
}

/** True for a node that only reductions read, where these compute their operands on the way. */
export function isForReductions(
  node: Node,
  made: ReadonlySet<Node>,
  { users, kinds, options }: Omit<Choice, "order">,
): boolean {
  if (!options.jitFuseReduce) return false;
  const only = (n: Node): boolean => {
    const next = users.get(n)!;
    return next.length > 0 && next.every((u) => isReduction(u, kinds) || !made.has(u) && only(u));
  };
  return only(node);
}

/** Elements in another order, or each of them several times. */
function isDimshuffle({ op: { name } }: Node): boolean {
  return name === "transpose" || name === "broadcastTo";
}

function isReduction(node: Node, kinds: Choice["kinds"]): boolean {
  return kinds.get(node) === "reduce" || kinds.get(node) === "rows";
}

/** True if a reduction reads the node, perhaps through views. */
function feedsReduction(
  node: Node,
  users: Choice["users"],
  kinds: Choice["kinds"],
): boolean {
  return users.get(node)!.some((user) =>
    isReduction(user, kinds) || Boolean(user.op.view) && feedsReduction(user, users, kinds)
  );
}
