/**
 * Products and convolutions in one normal form: sums over some axes of a load times a load, both at
 * addresses that are sums of axes. One axis of the result is computed four neighbours at a time, one
 * several rows at a time; the other axes are loops.
 * @module
 */
import type { ConvForm, MatmulForm } from "../../lib/core/form.ts";
import {
  constant,
  type Linear,
  linearOf,
  plusIndex,
  substitute,
  timesIndex,
} from "../../lib/core/index.ts";
import type { Load, Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { arranged, axis, coef, cut, type Space } from "../sums.ts";
import { fillOf, wellFilled } from "./fill.ts";
import { type Panels, panelWidths, type Stride } from "./packing.ts";
import { isReadBehind, ofConv, ofMatmul, type Products } from "./products.ts";

/** A loop over what is summed: how often, and elements from one step to the next in both operands. */
export interface SumLoop {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
}

/** The normal form. */
export interface Contraction {
  /** What is multiplied and summed. */
  readonly kind: "f32" | "i32";
  /** Extents of the loops outside: `outer` of them, then rows, then columns. */
  readonly extents: readonly number[];
  readonly outer: number;
  /** Numbers of the row axis and of the column axis. */
  readonly row: number;
  readonly column: number;
  /** The sums, outermost first; never empty. */
  readonly sums: readonly SumLoop[];
  /** The operand read one value at a time, and where a row starts: over outer axes and the row. */
  readonly left: { readonly operand: number; readonly index: Scalar; readonly rowStep: number };
  /**
   * The operand read four at a time: packed once and for all, or `staged`, which packs each panel
   * before its use, or in place.
   */
  readonly right: {
    readonly operand: number;
    readonly packing?: Panels;
    readonly staged: boolean;
    /** Over outer axes and the column; where it is packed, over outer axes: a matrix' start. */
    readonly index: Scalar;
    /** Elements from one column to the next, as it lies. */
    readonly columnStep: number;
    /** Widths of the panels that the columns are computed in. */
    readonly widths: readonly number[];
  };
  /** Address and value of each result, over the axes above and `acc0`. */
  readonly outs: readonly Scalar[];
}

/** The normal form of a product, or `undefined` where plain loops do as well. */
export function contractionOf(
  form: MatmulForm | ConvForm,
  constants: readonly number[],
): Contraction | undefined {
  const products = form.kind === "matmul" ? ofMatmul(form) : ofConv(form);
  if (!products || products.extents.includes(0)) return undefined;
  const isNarrow = (operand: number) => !fourBytes.has(form.ins[operand].dtype);
  const first = normal(products, constants, isNarrow);
  if (first && fillOf(first) >= wellFilled) return first;
  const turned = normal({ ...products, a: products.b, b: products.a }, constants, isNarrow);
  if (!first || !turned) return first ?? turned;
  return fillOf(turned) > fillOf(first) ? turned : first;
}

const fourBytes: ReadonlySet<string> = new Set(["f32", "i32"]);

/** Rows that must read a panel before it is worth turning, and before it is worth copying. */
const fewReads = 4;
const manyReads = 24;
/** Columns from which vectors that are not full beat other loops. */
const fewColumns = 3;

/** Packed operands may be `isNarrow`, for they are widened then. */
function normal(
  given: Products,
  constants: readonly number[],
  isNarrow: (operand: number) => boolean,
): Contraction | undefined {
  const { a, b } = given;
  if (a.type !== "f32" && a.type !== "i32") return undefined;
  const open = cut({
    extents: given.extents,
    terms: [a.index, b.index, ...given.outs],
  });
  // Only points are cut: addresses of operands are sums already.
  const points = given.points + open.extents.length - given.extents.length;
  const [ai, bi, out] = [open.terms[0], open.terms[1], open.terms[2]].map((t) => linearOf(t));
  // What follows the sum reads operands as they lie, so such a one is not packed.
  const isConstant = constants.includes(b.operand) && !isReadBehind(given.outs, b.operand);
  if (isNarrow(a.operand) || (isNarrow(b.operand) && !isConstant)) return undefined;
  const all = open.extents.map((_, i) => i).filter((i) => open.extents[i] > 1);
  const outside = all.filter((i) => i < points);
  const summed = all.filter((i) => i >= points);
  const columns = outside.filter((i) => coef(bi, i) !== 0 && coef(ai, i) === 0);
  const rows = outside.filter((i) => coef(ai, i) > 0 && coef(bi, i) === 0);
  // Neighbours in the result before neighbours in the operand: those are copied if they are far.
  const column = best(
    columns,
    (i) =>
      (Math.abs(coef(out, i)) === 1 ? 2e9 : 0) + (!isConstant && coef(bi, i) === 1 ? 1e9 : 0) +
      open.extents[i],
  );
  if (column === undefined || open.extents[column] < fewColumns) return undefined;
  // Of equally long axes the one along which the result's neighbours are nearest.
  const row = best(rows, (i) => open.extents[i] - Math.abs(coef(out, i)) * 1e-9);
  const far = (p: number, q: number) => Math.abs(coef(out, q)) - Math.abs(coef(out, p)) || p - q;
  // Axes of one operand stand beside each other, so that they may become one.
  const beside = columns.filter((i) => i !== column).sort(far);
  const loops = outside.filter((i) => i !== row && !columns.includes(i)).sort(far);
  const sumOrder = summed.toSorted((p, q) =>
    Math.abs(coef(ai, q)) - Math.abs(coef(ai, p)) || Math.abs(coef(bi, q)) - Math.abs(coef(bi, p))
  );
  const order = [...loops, ...(row === undefined ? [] : [row]), ...beside, column];
  return isConstant
    ? packed(open, order, sumOrder, { a, b, bi, row, column, points })
    : inPlace(open, order, sumOrder, { a, b, row, column });
}

interface Chosen {
  readonly a: Load;
  readonly b: Load;
  readonly row: number | undefined;
  readonly column: number;
}

function best(list: readonly number[], score: (i: number) => number): number | undefined {
  const sorted = list.filter((i) => score(i) >= 0).toSorted((p, q) => score(q) - score(p));
  return sorted[0];
}

/** Axes merged where all allow it; then the row and the column axis, if not last of the points, are. */
function rowsAndColumnsLast(
  space: Space,
  order: readonly number[],
  sumOrder: readonly number[],
  row: number | undefined,
): Space & { readonly apart: number; readonly row: number | undefined } {
  const once = arranged(space, [...order, ...sumOrder], order.length);
  const [at, last] = [row === undefined ? undefined : once.where.get(row), once.apart - 1];
  const points = [...Array(once.apart).keys()].filter((i) => i !== at && i !== last);
  if (at === undefined || at === last - 1) return { ...once, row: at };
  const again = [...points, ...(at === undefined ? [] : [at]), last];
  const sums = once.extents.map((_, i) => i).slice(once.apart);
  const { extents, terms, apart, where } = arranged(once, [...again, ...sums], once.apart);
  return { extents, terms, apart, row: at === undefined ? undefined : where.get(at) };
}

/** The right operand lies where it is; both operands say which axes are one. */
function inPlace(
  open: { readonly extents: readonly number[]; readonly terms: readonly Scalar[] },
  order: readonly number[],
  sumOrder: readonly number[],
  { a, b, row }: Chosen,
): Contraction | undefined {
  const found = rowsAndColumnsLast(open, order, sumOrder, row);
  const [left, right, ...outs] = found.terms;
  const { extents, apart, row: rowAxis } = found;
  const [l, r] = [linearOf(left), linearOf(right)];
  const sums = extents.slice(apart).map((extent, i): SumLoop => ({
    extent,
    a: coef(l, apart + i),
    b: coef(r, apart + i),
  }));
  const last = apart - 1;
  const columnStep = coef(r, last);
  // A panel that many rows read is better read side by side; one for few is read as it lies.
  const reads = sizeOf(extents.slice(0, last).filter((_, i) => coef(r, i) === 0));
  if (columnStep !== 1 && reads < fewReads) return undefined;
  return {
    ...placed(extents, apart, rowAxis, outs, a),
    sums: sums.length ? sums : [{ extent: 1, a: 0, b: 0 }],
    left: { operand: a.operand, ...leftOf(left, extents, apart, rowAxis) },
    right: {
      operand: b.operand,
      staged: columnStep !== 1 || reads >= manyReads,
      index: atZero(right, extents, apart),
      columnStep,
      widths: panelWidths(extents[last], rowAxis === undefined ? 1 : Infinity),
    },
  };
}

/** The right operand is laid out anew as panels; only the left one says which axes are one. */
function packed(
  open: { readonly extents: readonly number[]; readonly terms: readonly Scalar[] },
  order: readonly number[],
  sumOrder: readonly number[],
  { a, b, bi, row, column, points }: Chosen & { readonly bi: Linear; readonly points: number },
): Contraction {
  const [left, , ...outs] = open.terms;
  const stride = (i: number): Stride => ({ extent: open.extents[i], stride: coef(bi, i) });
  const matrixAxes = order.filter((i) => i !== column && coef(bi, i) !== 0);
  const reads = sizeOf(
    open.extents.slice(0, points).filter((_, i) => i !== column && coef(bi, i) === 0),
  );
  const widths = panelWidths(open.extents[column], reads);
  const rows = sumOrder.map(stride);
  const rowCount = sizeOf(rows.map(({ extent }) => extent));
  const matrixSize = rowCount * widths.reduce((x, y) => x + y, 0);
  // Matrices follow each other in the order of their axes.
  let start: Scalar = constant(0);
  let below = matrixSize;
  for (const i of matrixAxes.toReversed()) {
    start = plusIndex(start, timesIndex(axis(i, open.extents[i]), below));
    below *= open.extents[i];
  }
  const found = rowsAndColumnsLast(
    { extents: open.extents, terms: [left, start, ...outs] },
    order,
    sumOrder,
    row,
  );
  const { extents, apart, row: rowAxis } = found;
  const [leftIndex, matrix, ...results] = found.terms;
  const l = linearOf(leftIndex);
  const sums = extents.slice(apart).map((extent, i): SumLoop => ({
    extent,
    a: coef(l, apart + i),
    // Filled in by the panel's width; rows of a panel follow each other.
    b: 0,
  }));
  return {
    ...placed(extents, apart, rowAxis, results, a),
    sums: sums.length ? sums : [{ extent: 1, a: 0, b: 0 }],
    left: { operand: a.operand, ...leftOf(leftIndex, extents, apart, rowAxis) },
    right: {
      operand: b.operand,
      index: matrix,
      staged: false,
      columnStep: 1,
      widths,
      packing: {
        kind: "panels",
        elements: a.type === "f32" ? "f32" : "i32",
        base: bi.constant,
        matrices: matrixAxes.map(stride),
        rows,
        columns: stride(column),
        widths,
      },
    },
  };
}

function placed(
  extents: readonly number[],
  apart: number,
  row: number | undefined,
  outs: readonly Scalar[],
  { type }: Load,
): Pick<Contraction, "kind" | "extents" | "outer" | "row" | "column" | "outs"> {
  const outer = row === undefined ? apart - 1 : apart - 2;
  // A result of one row has a row axis of one point behind the others.
  return {
    kind: type === "f32" ? "f32" : "i32",
    extents: extents.slice(0, apart),
    outer,
    row: row ?? extents.length,
    column: apart - 1,
    outs,
  };
}

function leftOf(
  index: Scalar,
  extents: readonly number[],
  apart: number,
  row: number | undefined,
): { index: Scalar; rowStep: number } {
  const rowStep = row === undefined ? 0 : coef(linearOf(index), row);
  return { index: atZero(index, extents, apart), rowStep };
}

/** An address where every sum stands at its start. */
function atZero(index: Scalar, extents: readonly number[], apart: number): Scalar {
  const at = extents.map((extent, i) => i < apart ? axis(i, extent) : constant(0));
  return substitute(index, at);
}
