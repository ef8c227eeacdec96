/**
 * Where the largest or smallest element along an axis stands.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import type { Draft } from "../core/op.ts";
import { s } from "../core/scalar.ts";
import { denseStrides, i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis, flag } from "../op/field.ts";
import { between } from "../op/kinds.ts";

/** Index of an extreme element along an axis. */
export type Arg = Fn<readonly ["x"], { axis?: number; keep?: boolean }>;

function position(name: "argmax" | "argmin", doc: string): Arg {
  return op({
    name,
    doc,
    ins: ["x"],
    attrs: { axis: axis(-1), keep: flag("leave the axis with extent 1") },
    infer: ([x], { axis, keep }) => {
      if (x.shape[axis] === 0) {
        throw new ShapeError(
          `Cannot take ${name} of x: ${printType(x)}: axis ${axis} holds no element`,
        );
      }
      return i32(x.shape.flatMap((e, i) => i === axis ? (keep ? [1] : []) : [e]));
    },
    eval: ([x], { axis }, [out]) => [positions(x, axis, out, name === "argmax")],
    lower: (at, [x], { axis, keep }): Draft => {
      const outer = x.shape.filter((_, i) => i !== axis);
      const kept = axesOf(outer);
      const [inner] = axesOf([x.shape[axis]], outer.length);
      const coords = [...kept.slice(0, axis), inner, ...kept.slice(axis)];
      const value = at(0, coords);
      const result = keep ? [...kept.slice(0, axis), s.i(0), ...kept.slice(axis)] : kept;
      return {
        kind: "reduce",
        shape: outer,
        over: [x.shape[axis]],
        combine: name,
        body: value.type === "bool" ? s.toI32(value) : value,
        coords: result,
      };
    },
    vjp: () => [undefined],
    cases: [
      { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1 } },
      { ins: [between(-3, 3, i32([3, 9]))], attrs: { axis: -1, keep: true } },
    ],
  });
}

function positions(x: Host, axis: number, out: Type, largest: boolean): Host {
  const stride = denseStrides(x.shape)[axis];
  const extent = x.shape[axis];
  const data = arrayOf("i32", sizeOf(out.shape));
  for (let o = 0; o < data.length; o++) {
    const base = Math.floor(o / stride) * stride * extent + o % stride;
    let best = NaN;
    for (let i = 0; i < extent; i++) {
      const v = Number(x.data[base + i * stride]);
      const better = largest ? v > best : v < best;
      if (i === 0 || better || (v !== v && best === best)) best = v, data[o] = i;
    }
  }
  return { dtype: "i32", shape: [...out.shape], data };
}

/** Index (i32) of the largest element along an axis; the first of equals, the first NaN if any. */
export const argmax: Arg = position(
  "argmax",
  "Index (i32) of the largest element along an axis; the first of equals, the first NaN if any",
);

/** Index (i32) of the smallest element along an axis; the first of equals, the first NaN if any. */
export const argmin: Arg = position(
  "argmin",
  "Index (i32) of the smallest element along an axis; the first of equals, the first NaN if any",
);
