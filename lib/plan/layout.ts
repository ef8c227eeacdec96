/**
 * Layouts: in which order the axes of a value lie in memory, and how many zeros lie around them. A
 * target says what its contractions read and write best; values between kernels take that, others
 * follow what they are made of, and conversions stand only at the edges of the graph. Forms know
 * nothing of it: their addresses are those of a dense value of another shape.
 * @module
 */
import type { Form, MapForm, Margin } from "../core/form.ts";
import { coordsOf } from "../core/coords.ts";
import { addressOf, axesOf, linearOf, plusIndex } from "../core/index.ts";
import { arg } from "../core/leaf.ts";
import { kindOf, mapLeaves, type Scalar } from "../core/scalar.ts";
import type { Layout, Placement, Target } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Type } from "../core/type.ts";
import type { Group } from "./fuse.ts";

/** Groups over values that lie as a target likes, and what lies around them. */
export interface LaidOut {
  readonly groups: readonly Group[];
  /** Values with zeros around them, by the axes as they lie. */
  readonly borders: ReadonlyMap<Tensor, readonly Margin[]>;
}

/** A value with the layout it has; dense where there is none. */
interface Placed {
  readonly tensor: Tensor;
  readonly layout: Layout | undefined;
}

/** The shape of a value as it lies, borders included. */
function physicalShape(shape: readonly number[], { order, margins }: Layout): number[] {
  return order.map((a) => margins[a].before + shape[a] + margins[a].after);
}

/** The address of coordinates in a layout. */
function physicalAddress(
  coords: readonly Scalar[],
  shape: readonly number[],
  layout: Layout | undefined,
): Scalar {
  if (!layout) return addressOf(coords, shape);
  const { order, margins } = layout;
  const moved = order.map((a) => plusIndex(coords[a], margins[a].before));
  return addressOf(moved, physicalShape(shape, layout));
}

/** Lays out the values between groups; `results` stay dense. */
export function laidOut(
  groups: readonly Group[],
  results: ReadonlySet<Tensor>,
  wishes: NonNullable<Target<unknown>["layouts"]>,
): LaidOut {
  const made = new Set(groups.flatMap((g) => g.outs));
  const isFree = (t: Tensor) => made.has(t) && !results.has(t);
  const placement = (t: Tensor): Placement =>
    isFree(t) ? "free" : t.node.data ? "constant" : "fixed";
  const asked = groups.map((g) => wishes(g.form, (i) => placement([...g.ins, ...g.outs][i])));
  const chosen = choose(groups, asked, isFree);
  if (chosen.size === 0 && asked.every((list) => list.every((w) => !w))) {
    return { groups, borders: new Map() };
  }
  const placed = new Map<Tensor, Placed>();
  const borders = new Map<Tensor, readonly Margin[]>();
  const place = (t: Tensor, layout: Layout): Placed => {
    const { dtype = t.dtype } = layout;
    const tensor = arg({ dtype, shape: physicalShape(t.shape, layout) });
    const list = layout.order.map((a) => layout.margins[a]);
    if (list.some(({ before, after }) => before + after > 0)) borders.set(tensor, list);
    return { tensor, layout };
  };
  for (const [t, layout] of chosen) placed.set(t, place(t, layout));
  const of = (t: Tensor): Placed => placed.get(t) ?? { tensor: t, layout: undefined };
  const copies = new Map<Tensor, Placed[]>();
  const out: Group[] = [];

  /** A copy of a value in a layout that holds what is wished, made once. */
  const copied = (t: Tensor, wish: Layout | undefined, group: Group): Placed => {
    const known = (copies.get(t) ?? []).find((p) => holds(p.layout, wish));
    if (known) return known;
    const to = wish ? place(t, widest(groups, asked, t, wish)) : denseCopy(t);
    copies.set(t, [...(copies.get(t) ?? []), to]);
    const form = relayout(t, of(t), to);
    out.push({
      ...{ nodes: group.nodes.slice(0, 1), name: "relayout" },
      ...{ ins: [of(t).tensor], outs: [to.tensor], form },
    });
    return to;
  };

  groups.forEach((group, g) => {
    const operands = group.ins.map((t, i) => {
      const wish = asked[g][i];
      return wish && !holds(of(t).layout, wish) ? copied(t, wish, group) : of(t);
    });
    let form = rewritten(group, operands, group.outs.map(of));
    if (!isPlain(form) && isPlain(group.form)) {
      // What is a sum of axes in the dense order only is read from a dense copy.
      group.ins.forEach((t, i) => {
        if (operands[i].layout && !asked[g][i]) operands[i] = copied(t, undefined, group);
      });
      form = rewritten(group, operands, group.outs.map(of));
    }
    out.push({
      ...group,
      ins: operands.map(({ tensor }) => tensor),
      outs: group.outs.map((t) => of(t).tensor),
      form,
    });
  });
  return { groups: out, borders };
}

function denseCopy(t: Tensor): Placed {
  return { tensor: arg({ dtype: t.dtype, shape: t.shape }), layout: undefined };
}

/** Layouts of values between groups: what their readers and writers wish, else what they come from. */
function choose(
  groups: readonly Group[],
  asked: readonly (readonly (Layout | undefined)[])[],
  isFree: (t: Tensor) => boolean,
): Map<Tensor, Layout> {
  const chosen = new Map<Tensor, Layout>();
  const wish = (t: Tensor, layout: Layout | undefined) => {
    if (!layout || !isFree(t)) return;
    const known = chosen.get(t);
    if (!known) chosen.set(t, layout);
    else if (sameOrder(known, layout)) chosen.set(t, merged(known, layout));
  };
  groups.forEach((g, k) => {
    g.ins.forEach((t, i) => wish(t, asked[k][i]));
    g.outs.forEach((t, i) => wish(t, asked[k][g.ins.length + i]));
  });
  // The others take the order of an operand of the same rank, so that neighbours stay neighbours.
  for (const g of groups) {
    const from = g.ins.find((t) => chosen.has(t));
    if (!from) continue;
    for (const t of g.outs) {
      if (!isFree(t) || chosen.has(t) || t.shape.length !== from.shape.length) continue;
      const { order } = chosen.get(from)!;
      chosen.set(t, { order, margins: t.shape.map(() => ({ before: 0, after: 0 })) });
    }
  }
  return chosen;
}

function sameOrder(a: Layout, b: Layout): boolean {
  return a.order.every((x, i) => x === b.order[i]);
}

function merged(a: Layout, b: Layout): Layout {
  const dtype = a.dtype ?? b.dtype;
  return {
    ...(dtype ? { dtype } : {}),
    order: a.order,
    margins: a.margins.map((m, i) => ({
      before: Math.max(m.before, b.margins[i].before),
      after: Math.max(m.after, b.margins[i].after),
    })),
  };
}

/** True if a layout is what is wished, with at least the zeros wished around it. */
function holds(layout: Layout | undefined, wish: Layout | undefined): boolean {
  if (!wish) return !layout;
  if (!layout || !sameOrder(layout, wish)) return false;
  if (wish.dtype && layout.dtype !== wish.dtype) return false;
  return wish.margins.every(({ before, after }, i) =>
    layout.margins[i].before >= before && layout.margins[i].after >= after
  );
}

/** One copy serves all who wish the same order: it has the most zeros that any of them reads. */
function widest(
  groups: readonly Group[],
  asked: readonly (readonly (Layout | undefined)[])[],
  t: Tensor,
  wish: Layout,
): Layout {
  let all = wish;
  groups.forEach((g, k) =>
    g.ins.forEach((other, i) => {
      const own = asked[k][i];
      if (other === t && own && sameOrder(own, wish)) all = merged(all, own);
    })
  );
  return all;
}

/** The form that copies a value from one layout into another. */
function relayout(t: Tensor, from: Placed, to: Placed): MapForm {
  const axes = axesOf(t.shape);
  const type = ({ dtype, shape }: Type): Type => ({ dtype, shape });
  const body: Scalar = {
    ...{ kind: "load", type: kindOf(t.dtype), operand: 0 },
    index: physicalAddress(axes, t.shape, from.layout),
  };
  const index = physicalAddress(axes, t.shape, to.layout);
  return {
    ...{ kind: "map", shape: t.shape, ins: [type(from.tensor)] },
    outs: [{ type: type(to.tensor), index, body }],
  };
}

/** A group's form with the addresses of its values as they lie. */
function rewritten(group: Group, ins: readonly Placed[], outs: readonly Placed[]): Form {
  const { form } = group;
  if (![...ins, ...outs].some(({ layout }) => layout)) return form;
  const memo = new Map<Scalar, Scalar>();
  const change = (term: Scalar): Scalar =>
    mapLeaves(term, (leaf) => {
      if (leaf.kind !== "load") return undefined;
      const { layout } = ins[leaf.operand];
      const index = change(leaf.index);
      const valid = leaf.valid && change(leaf.valid);
      const { shape } = group.ins[leaf.operand];
      const at = layout ? physicalAddress(coordsOf(index, shape, valid), shape, layout) : index;
      return { ...leaf, index: at, ...(valid ? { valid } : {}) };
    }, memo);
  const type = ({ tensor: { dtype, shape } }: Placed): Type => ({ dtype, shape });
  const common = {
    ins: ins.map(type),
    outs: form.outs.map((out, k) => {
      const { layout } = outs[k];
      const { shape } = group.outs[k];
      const index = layout ? physicalAddress(coordsOf(out.index, shape), shape, layout) : out.index;
      return { type: type(outs[k]), index, body: change(out.body) };
    }),
  };
  switch (form.kind) {
    case "map":
      return { ...form, ...common };
    case "reduce":
      return { ...form, ...common, body: change(form.body) };
    case "rows":
      return {
        ...form,
        ...common,
        stages: form.stages.map((stage) => ({ ...stage, body: change(stage.body) })),
      };
    case "matmul":
      return { ...form, ...common, a: change(form.a), b: change(form.b) };
    case "conv": {
      const margin = marginOf(form.x, ins);
      return { ...form, ...common, x: change(form.x), w: change(form.w), ...margin };
    }
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
}

/** The zeros around the rows and columns of a convolution's input. */
function marginOf(
  x: Scalar,
  ins: readonly Placed[],
): { margin?: readonly [Margin, Margin] } {
  if (x.kind !== "load") return {};
  const { layout, tensor } = ins[x.operand];
  if (!layout) return {};
  // The logical shape, from the physical one.
  const shape = layout.order.map(() => 0);
  layout.order.forEach((a, i) => {
    shape[a] = tensor.shape[i] - layout.margins[a].before - layout.margins[a].after;
  });
  const coords = coordsOf(x.index, shape);
  const around = (axis: number): Margin => {
    const at = coords.findIndex((c) => c.kind === "axis" && c.axis === axis);
    return at < 0 ? { before: 0, after: 0 } : layout.margins[at];
  };
  return { margin: [around(3), around(4)] };
}

/** True if a contraction reads both operands at sums of axes; other forms read as they like. */
function isPlain(form: Form): boolean {
  const terms = form.kind === "matmul"
    ? [form.a, form.b]
    : form.kind === "conv"
    ? [form.x, form.w]
    : [];
  return terms.every((term) =>
    term.kind === "load" && !term.valid &&
    [...linearOf(term.index).terms.values()].every(({ atom }) => atom.kind === "axis")
  );
}
