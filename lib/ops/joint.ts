/**
 * Several axes of a tensor that are indexed together, seen as one. An index for them is a vector
 * of places in the folded axis.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { host, isHost } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Tensor } from "../core/tensor.ts";
import { broadcastShapes, i32, printType, sizeOf } from "../core/type.ts";
import { add, maximum, minimum, mul } from "./arithmetic.ts";
import { lt } from "./compare.ts";
import { gather, scatterAdd } from "./gather.ts";
import { scatterSet } from "./scatter.ts";
import { as, where } from "./select.ts";
import { broadcastTo, inverse, reshape, transpose } from "./shape.ts";

/** Axes that one index stands for: a place in them, row-major. */
export interface Pick {
  /** Axes that follow one another. */
  readonly axes: readonly number[];
  /** Places, from 0, of any shape. */
  readonly places: Tensor;
}

/**
 * An index along an axis as places in it: what counts from the end made to count from the
 * beginning. A constant index outside is an error, any other is moved to the nearest end.
 */
export function placesIn(index: Tensor, extent: number, what: string): Tensor {
  const { data } = index.node;
  if (isHost(data)) {
    const list = Int32Array.from(data.data as Iterable<number>, (given) => {
      const place = given < 0 ? given + extent : given;
      if (place < 0 || place >= extent) {
        throw new ShapeError(`Cannot take index ${given} of ${what}: it has ${extent} elements`);
      }
      return place;
    });
    return constant(host(i32(index.shape), list));
  }
  if (extent === 0 && sizeOf(index.shape) > 0) {
    throw new ShapeError(`Cannot index ${what}: it holds no element`);
  }
  const own = as(index, "i32");
  return minimum(maximum(where(lt(own, 0), add(own, extent), own), 0), extent - 1);
}

/** Axes indexed together. */
export interface Joint {
  /** Shape of the places, all indices broadcast. */
  readonly shape: readonly number[];
  /** The elements at the places; their axes stand where `place` says among the others. */
  take(): Tensor;
  /** x with values of the type of `take()` at the places. */
  set(values: Tensor, there?: Tensor): Tensor;
  /** x with such values added. */
  add(values: Tensor): Tensor;
}

/** Joins axes of x; the axes of the places come behind the first `place` of the other axes. */
export function joint(x: Tensor, picks: readonly Pick[], place: number): Joint {
  const axes = picks.flatMap((p) => p.axes);
  const shape = broadcastShapes(...picks.map((p) => p.places.shape));
  if (!shape) {
    throw new ShapeError(
      `Cannot index ${printType(x)}: the indices ` +
        `${picks.map((p) => printType(p.places)).join(", ")} do not broadcast together`,
    );
  }
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const perm = [...rest.slice(0, place), ...axes, ...rest.slice(place)];
  const moved = transpose(x, { perm });
  const extents = picks.map((p) => sizeOf(p.axes.map((a) => x.shape[a])));
  const folded = reshape(moved, {
    shape: moved.shape.toSpliced(place, axes.length, sizeOf(extents)),
  });
  let places: Tensor | undefined;
  picks.forEach((p, k) => places = places ? add(mul(places, extents[k]), p.places) : p.places);
  const all = places!.shape.length === shape.length ? places! : broadcastTo(places!, { shape });
  const n = sizeOf(shape);
  const line = reshape(broadcastTo(all, { shape }), { shape: [n] });
  const flat = (values: Tensor) => reshape(values, { shape: folded.shape.with(place, n) });
  const back = (t: Tensor) =>
    transpose(reshape(t, { shape: moved.shape }), { perm: inverse(perm) });
  return {
    shape,
    take: () => gather(folded, broadcastTo(all, { shape }), { axis: place }),
    set(values, there) {
      const indices = there
        ? where(reshape(broadcastTo(there, { shape }), { shape: [n] }), line, -1)
        : line;
      return back(scatterSet(folded, flat(values), indices, { axis: place }));
    },
    add(values) {
      if (n === 0) return x;
      const size = folded.shape[place];
      return add(x, back(scatterAdd(flat(values), line, { axis: place, size })));
    },
  };
}
