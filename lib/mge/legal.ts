/**
 * From a graph to operators that a file can hold: what files lack becomes compositions of what
 * they have, statics are folded once more, then each node is written by its rule.
 * @module
 */
import { FormatError, placeOf } from "../core/fault.ts";
import { type Graph, orderOf, rebuild, resultsOf, usersOf } from "../core/graph.ts";
import { isHost, isSource } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import { fromScalar } from "../ops/from_scalar.ts";
import { graphOf } from "../stage/stage.ts";
import { optimize } from "../stage/level.ts";
import { type Emitter, newEmitter, type Var } from "./emitter.ts";
import { bitLowerings } from "./legal/bits.ts";
import { boxLowerings, boxWriting } from "./legal/boxes.ts";
import { elementLowerings, elementWriting } from "./legal/element.ts";
import { imageLowerings, imageWriting } from "./legal/image.ts";
import { indexLowerings, indexWriting } from "./legal/index.ts";
import { linearLowerings, linearWriting } from "./legal/linear.ts";
import { normWriting } from "./legal/norm.ts";
import { poolLowerings, poolWriting } from "./legal/pool.ts";
import { randomWriting } from "./legal/random.ts";
import { recurrentWriting } from "./legal/recurrent.ts";
import { reduceLowerings, reduceWriting } from "./legal/reduce.ts";
import { shapeLowerings, shapeWriting } from "./legal/shape.ts";
import { sortLowerings, sortWriting } from "./legal/sort.ts";
import { scopesOf } from "./scopes.ts";
import type { Container, Lowerings, Writing, WritingRules } from "./legal/site.ts";
import { elemwise } from "./legal/steps.ts";

const lowerings: Lowerings = {
  ...elementLowerings,
  ...bitLowerings,
  ...linearLowerings,
  ...shapeLowerings,
  ...reduceLowerings,
  ...indexLowerings,
  ...poolLowerings,
  ...sortLowerings,
  ...boxLowerings,
  ...imageLowerings,
};

const rules: WritingRules = {
  ...elementWriting,
  ...linearWriting,
  ...shapeWriting,
  ...reduceWriting,
  ...indexWriting,
  ...poolWriting,
  ...normWriting,
  ...randomWriting,
  ...sortWriting,
  ...boxWriting,
  ...imageWriting,
  ...recurrentWriting,
};

/** Rounds of composition; each takes compositions apart by one layer. */
const deepest = 32;

/** True if a rule or the operation's own wire says how the node stands in a file. */
function isWritten(node: Node, container: Container): boolean {
  const rule = rules[node.op.name];
  if (rule) return rule.takes?.(node, container) ?? true;
  return node.op.wire?.opr === "Elemwise" && node.op.wire.mode !== undefined;
}

/** One node as what files have; `undefined` if it is that already. */
function lowered(t: Tensor, container: Container, made: Compositions): Tensor | undefined {
  const { node } = t;
  if (node.op.name === "arg" || node.data) return undefined;
  const own = lowerings[node.op.name]?.(t);
  if (own) return own;
  if (isWritten(node, container)) return undefined;
  if (!node.op.compose && node.op.scalar) return fromScalar(node.op, node.ins, node.attrs, t.dtype);
  if (!node.op.compose) throw unwritable(node);
  // several results of one node come from one composition
  if (!made.has(node)) made.set(node, node.op.compose(node.ins, node.attrs));
  return made.get(node)![t.out];
}

type Compositions = Map<Node, readonly Tensor[]>;

function unwritable(node: Node): FormatError {
  const place = placeOf(node.site);
  return new FormatError(
    `Cannot dump ${node.op.name} of ${node.ins.map(printType).join(" and ")}: a file has no ` +
      `operator for it${place ? `\n  at ${place}` : ""}`,
    { code: "format.write", place },
  );
}

/**
 * Names of what several operators compute together, by the place of the last of them; the others
 * have none.
 */
type Called = Map<Error, string | null>;

/** What MegEngine calls an operation that files have under another name, or not at all. */
const others: Readonly<Record<string, string>> = { leakyRelu: "PRELU", softmax: "Softmax" };

function expand(
  roots: readonly Tensor[],
  container: Container,
  called: Called,
): readonly Tensor[] {
  let now = roots;
  for (let left = deepest; left > 0; left--) {
    const made: Compositions = new Map();
    const next = rebuild(now, (t) => {
      const low = lowered(t, container, made);
      if (low) callParts(t.node, low.node, called);
      return low;
    });
    if (next.every((t, i) => t === now[i])) return now;
    now = next;
  }
  throw new TypeError("internal: compositions of operations that never end");
}

/** Named leaves keep their names through a reshape that only they meet. */
function renamed(roots: readonly Tensor[]): readonly Tensor[] {
  const order = orderOf(roots);
  const users = usersOf(order);
  const ends = new Set(roots.map((t) => t.node));
  return rebuild(roots, (t) => {
    const [x] = t.node.ins;
    if (t.node.op.name !== "reshape" || x.node.name === undefined || ends.has(x.node)) return;
    const { data, name } = x.node;
    if (users.get(x.node)?.length !== 1) return;
    if (!isHost(data) && !isSource(data)) return;
    if (isHost(data)) return constant({ ...data, shape: t.shape }, name);
    return constant({ dtype: data.dtype, shape: t.shape, open: () => data.open() }, name);
  });
}

/** A graph in operations that files have. */
interface Legal {
  readonly graph: Graph;
  readonly called: Called;
}

/** The last part of what was one operation has its name. */
function callParts({ op, site, ins }: Node, last: Node, called: Called): void {
  const name = called.has(site) ? called.get(site)! : others[op.name] ?? op.wire?.mode;
  if (name === undefined) return;
  const taken = new Set(ins.map(({ node }) => node));
  const visit = (node: Node): void => {
    if (taken.has(node) || node.ins.length === 0) return;
    taken.add(node);
    called.set(node.site, node === last ? name : null);
    for (const t of node.ins) visit(t.node);
  };
  visit(last);
}

/** The graph in operations that files have. */
export function legalised(graph: Graph, container: Container, level: 0 | 1 = 1): Legal {
  const called: Called = new Map();
  const first = optimize(graph, level);
  const roots = renamed(expand(resultsOf(first), container, called));
  const second = optimize(graphOf(graph.args, roots, graph.names), level);
  const last = expand(resultsOf(second), container, called);
  return { graph: graphOf(graph.args, last, graph.names), called };
}

/** A graph as operators, and what its arguments and results are there. */
export interface Written {
  readonly e: Emitter;
  readonly roots: readonly Var[];
  readonly args: readonly Var[];
}

/** Writes a legalised graph; arguments get the names given. */
export function writeOperators(
  { graph, called }: Legal,
  container: Container,
  argNames: readonly string[],
): Written {
  const e = newEmitter();
  const made = new Map<Node, readonly Var[]>();
  const args = graph.args.map((t, i) => e.input(argNames[i], t));
  graph.args.forEach((t, i) => made.set(t.node, [args[i]]));
  const order = orderOf(resultsOf(graph));
  const scopes = scopesOf(order);
  for (const node of order) {
    if (made.has(node)) continue;
    const vars = node.data ? e.hold(node.data, node.name) : e.within(scopes.get(node)!, () => {
      const own = applied(e, node, made, container);
      const name = called.get(node.site);
      if (name !== undefined) e.call([own].flat()[0], name ?? undefined);
      return own;
    });
    made.set(node, [vars].flat());
  }
  return { e, args, roots: resultsOf(graph).map((t) => made.get(t.node)![t.out]) };
}

function applied(
  e: Emitter,
  node: Node,
  made: ReadonlyMap<Node, readonly Var[]>,
  container: Container,
): Var | readonly Var[] {
  const ins = node.ins.map((t) => made.get(t.node)?.[t.out]);
  if (ins.includes(undefined)) throw unwritable(node);
  const site: Writing = {
    ...{ e, node, attrs: node.attrs, out: node.outs[0], container },
    ins: ins as readonly Var[],
  };
  const rule = rules[node.op.name];
  if (rule) return rule.write(site);
  const mode = node.op.wire?.mode;
  if (mode === undefined) throw unwritable(node);
  return elemwise(e, mode, ...site.ins);
}
