/**
 * Indexing as NumPy and MegEngine have it: integers, ranges, new axes, the ellipsis, tensors of
 * integers that broadcast together, and masks. What an index says about ranges is a slice; the
 * axes that tensors index are taken together, and their axes come where the first of them stood,
 * or in front where something stands between them.
 * @module
 */
import { DTypeError, OptionError, ShapeError } from "../core/fault.ts";
import { host, isHost } from "../core/host.ts";
import { constant, literal } from "../core/leaf.ts";
import { isTensor, located, type Tensor } from "../core/tensor.ts";
import { broadcastShapes, i32, isInteger, printType, sameShape, sizeOf } from "../core/type.ts";
import type { Operand } from "../op/declare.ts";
import { add } from "./arithmetic.ts";
import { type Joint, joint, type Pick, placesIn } from "./joint.ts";
import { logicalAnd } from "./logic.ts";
import { setSlice } from "./scatter.ts";
import { chosen } from "./search.ts";
import { where } from "./select.ts";
import { broadcastTo, reshape } from "./shape.ts";
import { forwards, type Part, rangeOver, sliceFn } from "./slice.ts";

/**
 * What stands for axes in an index: an integer, a range [begin, end, step] as in NumPy, a tensor of
 * integers, a mask (bool) for as many axes as it has, `null` for a new axis, `"..."` for all axes
 * that nothing else stands for.
 */
export type Index =
  | number
  | Tensor
  | null
  | "..."
  | readonly [begin?: number, end?: number, step?: number];

/** What an index needs besides. */
export interface IndexOptions {
  /**
   * Room for so many elements of a mask that is not constant. What does not fit is left out; rows
   * behind the last chosen one are zeros when read, and are not written.
   */
  readonly max?: number;
}

/** An index taken apart. */
interface Parsed {
  /** The ranges, all axes kept. */
  readonly part: Part;
  /** Which axes of the part are indexed by tensors. */
  readonly picks: readonly Pick[];
  /** Where their places are there; absent where they are everywhere. */
  readonly there?: Tensor;
  /** How many of the other axes of the part come before the axes of the places. */
  readonly place: number;
  /** Shape of the result, with new axes and without those of integers. */
  readonly shape: readonly number[];
  /** First of the result's axes that are the places', and their number. */
  readonly at: readonly [first: number, count: number];
}

/** The part of x that an index names. Throws ShapeError for an index outside. */
export function index(
  x: Tensor,
  items: readonly Index[],
  options: IndexOptions = {},
): Tensor {
  return placed("index", () => {
    const parsed = parse(x, items, options);
    const cut = sliceFn(x, parsed.part);
    if (!parsed.picks.length) return reshape(cut, { shape: parsed.shape });
    const found = reshape(joint(cut, parsed.picks, parsed.place).take(), { shape: parsed.shape });
    return parsed.there ? where(spread(parsed, parsed.there), found, 0) : found;
  });
}

/**
 * x with `value`, broadcast, where an index names. Of several values for one place the last one
 * stays. Throws ShapeError for an index outside or a value that does not broadcast.
 */
export function setIndex(
  x: Tensor,
  items: readonly Index[],
  value: Operand,
  options: IndexOptions = {},
): Tensor {
  return placed("setIndex", () => {
    const parsed = parse(x, items, options);
    const values = valueFor(x, value, parsed.shape);
    if (!parsed.picks.length) return laid(x, parsed.part, values);
    return within(x, parsed, (joined) => joined.set(values, parsed.there));
  });
}

/** x with `value`, broadcast, added where an index names; what is named twice gets both. */
export function addIndex(
  x: Tensor,
  items: readonly Index[],
  value: Operand,
  options: IndexOptions = {},
): Tensor {
  return placed("addIndex", () => {
    const parsed = parse(x, items, options);
    const values = valueFor(x, value, parsed.shape);
    if (!parsed.picks.length) {
      const old = reshape(sliceFn(x, parsed.part), { shape: parsed.shape });
      return laid(x, parsed.part, add(old, values));
    }
    const all = parsed.there ? where(spread(parsed, parsed.there), values, 0) : values;
    return within(x, parsed, (joined) => joined.add(all));
  });
}

function placed<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw located(error, new Error(name));
  }
}

function valueFor(x: Tensor, value: Operand, shape: readonly number[]): Tensor {
  const t = isTensor(value) ? value : literal(Number(value), x.dtype);
  if (t.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot put value: ${printType(t)} into x: ${printType(x)}: the dtypes differ\n` +
        "  try cast on the value",
    );
  }
  const both = broadcastShapes(t.shape, shape);
  if (!both || !sameShape(both, shape)) {
    throw new ShapeError(
      `Cannot put value: ${printType(t)} into x: ${printType(x)}: the index names [${shape}]`,
    );
  }
  return broadcastTo(t, { shape });
}

/** x with values in a part of it. */
function laid(x: Tensor, part: Part, values: Tensor): Tensor {
  const own = forwards(reshape(values, { shape: part.size }), part);
  return setSlice(x, own.value, { begin: own.begin, step: own.step });
}

/** Changes the part of x that ranges name and puts it back. */
function within(x: Tensor, parsed: Parsed, change: (joined: Joint) => Tensor): Tensor {
  const { part, picks, place } = parsed;
  const whole = sameShape(part.size, x.shape) && part.step.every((by) => by === 1);
  const cut = whole ? x : sliceFn(x, part);
  const changed = change(joint(cut, picks, place));
  return whole ? changed : laid(x, part, changed);
}

/** A tensor over the places as one that broadcasts to the result. */
function spread({ shape, at: [first, count] }: Parsed, t: Tensor): Tensor {
  const own = shape.slice(first, first + count);
  const behind = shape.length - first - count;
  return reshape(broadcastTo(t, { shape: own }), { shape: [...own, ...Array(behind).fill(1)] });
}

/** How many axes an item stands for. */
function axesOfItem(item: Index): number {
  if (item === null || item === "...") return 0;
  return isTensor(item) && item.dtype === "bool" ? item.shape.length : 1;
}

function parse(x: Tensor, given: readonly Index[], options: IndexOptions): Parsed {
  const items = completed(x, given);
  const advanced = items.some((item) => isTensor(item));
  const part = { begin: [] as number[], size: [] as number[], step: [] as number[] };
  const whole = (extent: number) => {
    part.begin.push(0), part.size.push(extent), part.step.push(1);
  };
  const picks: Pick[] = [];
  const masks: Tensor[] = [];
  /** Axes of the result before and behind the places, and where items for places stood. */
  const shape: number[] = [];
  const stood: { readonly item: number; readonly axes: number; readonly rest: number }[] = [];
  let rest = 0;
  items.forEach((item, i) => {
    const axis = part.size.length;
    const extent = x.shape[axis];
    const what = `axis ${axis} of ${printType(x)}`;
    if (item === null) return void shape.push(1);
    if (typeof item === "number") {
      const place = placeOf(item, extent, what);
      if (!advanced) {
        part.begin.push(place), part.size.push(1), part.step.push(1);
        return;
      }
      stood.push({ item: i, axes: shape.length, rest });
      picks.push({ axes: [axis], places: constant(host(i32(), Int32Array.of(place))) });
      return whole(extent);
    }
    if (isTensor(item)) {
      stood.push({ item: i, axes: shape.length, rest });
      const axes = Array.from({ length: axesOfItem(item) }, (_, k) => axis + k);
      if (item.dtype === "bool") {
        const { places, there } = maskPlaces(x, item, axes, options);
        picks.push({ axes, places });
        if (there) masks.push(there);
      } else {
        needIntegers(item);
        picks.push({ axes, places: placesIn(item, extent, what) });
      }
      return axes.forEach((a) => whole(x.shape[a]));
    }
    const one = rangeOver(item as readonly (number | undefined)[], extent);
    part.begin.push(one.begin), part.size.push(one.size), part.step.push(one.step);
    shape.push(one.size);
    rest++;
  });
  if (!picks.length) return { part, picks, place: 0, shape, at: [0, 0] };
  const own = broadcastShapes(...picks.map((p) => p.places.shape)) ?? [];
  const together = stood.every((one, k) => one.item === stood[0].item + k);
  const [first, place] = together ? [stood[0].axes, stood[0].rest] : [0, 0];
  const there = masks.length ? masks.reduce((a, b) => logicalAnd(a, b)) : undefined;
  return {
    ...{ part, picks, place, there },
    shape: shape.toSpliced(first, 0, ...own),
    at: [first, own.length],
  };
}

/** The items with whole ranges for the axes that none stands for. */
function completed(x: Tensor, given: readonly Index[]): readonly Exclude<Index, "...">[] {
  const known = given.reduce<number>((n, item) => n + axesOfItem(item), 0);
  const rank = x.shape.length;
  const dots = given.filter((item) => item === "...").length;
  if (known > rank || dots > 1) {
    throw new ShapeError(
      dots > 1
        ? `Cannot index ${printType(x)} with ${dots} ellipses: one says where the other axes are`
        : `Cannot index ${printType(x)} by ${known} axes: it has ${rank}`,
    );
  }
  const others = Array.from({ length: rank - known }, (): readonly [] => []);
  const at = dots ? given.indexOf("...") : given.length;
  return [...given.slice(0, at), ...others, ...given.slice(dots ? at + 1 : at)] as Exclude<
    Index,
    "..."
  >[];
}

function placeOf(given: number, extent: number, what: string): number {
  const place = given < 0 ? given + extent : given;
  if (!Number.isInteger(given) || place < 0 || place >= extent) {
    throw new ShapeError(`Cannot take index ${given} of ${what}: it has ${extent} elements`);
  }
  return place;
}

function needIntegers(t: Tensor): void {
  if (isInteger(t.dtype)) return;
  throw new DTypeError(
    `Cannot index by ${printType(t)}: it must hold integers or be a mask\n` +
      `  try cast(…, { dtype: "i32" })`,
  );
}

function maskPlaces(
  x: Tensor,
  mask: Tensor,
  axes: readonly number[],
  { max }: IndexOptions,
): { readonly places: Tensor; readonly there?: Tensor } {
  const extents = axes.map((a) => x.shape[a]);
  if (!axes.length || !sameShape(extents, mask.shape)) {
    throw new ShapeError(
      `Cannot index ${printType(x)} by mask: ${
        printType(mask)
      }: the axes that it stands for have ` +
        `extents [${extents}]`,
    );
  }
  if (max === undefined && !isHost(mask.node.data) && sizeOf(mask.shape) > 0) {
    throw new OptionError(
      `Cannot index ${printType(x)} by mask: ${printType(mask)}: how many elements it chooses is ` +
        `not known while staging\n  try { max: … }, at most ${sizeOf(mask.shape)}`,
    );
  }
  return chosen("index", mask, { max });
}
