/**
 * Constants packed element by element, when their bytes are asked for: one at a time is in memory.
 * What `packed` of packing.ts does by operations, this does by counting; the former is its oracle.
 * @module
 */
import { bytesIn, collect, type Data, type Host, isHost, type Source } from "../../core/host.ts";
import { arrayOf } from "../../core/host.ts";
import { denseStrides, sizeOf } from "../../core/type.ts";
import { packedShape, type Packing } from "../packing.ts";

/** A constant in an arrangement; its extents are first filled with zeros up to `least`. */
export function packedData(
  data: Host | Source,
  packing: Packing,
  least: readonly number[] = data.shape,
): Data {
  const shape = packedShape(least, packing);
  if (isHost(data)) return arranged(data, packing, shape);
  return {
    ...{ dtype: data.dtype, shape },
    async *open() {
      const { data: array } = arranged(await collect(data), packing, shape);
      const bytes = bytesIn(array);
      const step = 1 << 20;
      for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
    },
  };
}

/** Where an axis of the result leads in the tensor: so many elements, of an axis so far. */
interface Step {
  readonly extent: number;
  /** Which axis of the tensor it moves along, and how far on it. */
  readonly axis: number;
  readonly by: number;
}

function arranged(host: Host, { axes, order, block }: Packing, shape: readonly number[]): Host {
  const from = host.data as Float32Array;
  const to = arrayOf(host.dtype, sizeOf(shape)) as Float32Array;
  const strides = denseStrides(host.shape);
  const steps = [...order].map((letter, i): Step => ({
    extent: shape[i],
    axis: axes.indexOf(letter.toLowerCase()),
    by: letter === letter.toLowerCase() ? 1 : block,
  }));
  const place = host.shape.map(() => 0);
  let at = 0;
  const fill = (i: number): void => {
    const { extent, axis, by } = steps[i];
    const start = place[axis];
    if (i === steps.length - 1) {
      const inside = host.shape.every((n, a) => a === axis || place[a] < n);
      const count = inside ? Math.min(extent, Math.ceil((host.shape[axis] - start) / by)) : 0;
      const stride = strides[axis] * by;
      let source = place.reduce((sum, p, a) => sum + p * strides[a], 0);
      for (let k = 0; k < count; k++, source += stride) to[at + k] = from[source];
      at += extent;
      return;
    }
    for (let k = 0; k < extent; k++) {
      place[axis] = start + k * by;
      fill(i + 1);
    }
    place[axis] = start;
  };
  if (to.length) fill(0);
  return { dtype: host.dtype, shape, data: to } as Host;
}
