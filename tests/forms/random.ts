/**
 * Random forms: maps, reductions and rows whose operands lie in any order, turned, spread, shared,
 * reshaped or behind guards, with bodies of a few primitives and one result or two.
 * @module
 */
import type { Combine, Form, Out } from "../../lib/core/form.ts";
import { addressOf, axesOf } from "../../lib/core/index.ts";
import { kindOf, narrow, s, type Scalar } from "../../lib/core/scalar.ts";
import { type DType, sizeOf, type Type } from "../../lib/core/type.ts";
import { random } from "../ops/case_values.ts";
import { type FormCase, values } from "./values.ts";

/** Draws of a seed. */
interface Draw {
  /** A whole number below n. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  is(chance: number): boolean;
}

function drawOf(seed: number): Draw {
  const next = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: (list) => list[below(list.length)], is: (chance) => next() < chance };
}

/** A form of a seed, with operands. */
export function randomForm(seed: number): FormCase {
  const draw = drawOf(seed);
  const extents = Array.from(
    { length: 1 + draw.below(4) },
    () => draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 12, 17]),
  );
  while (sizeOf(extents) > 3000) extents.pop();
  const ins: Type[] = [];
  const axes = axesOf(extents);
  const leaf = () => operand(draw, ins, axes, extents);
  const kind = draw.pick(["map", "map", "reduce", "rows"] as const);
  const dtype = draw.pick<DType>(["f32", "f32", "f32", "f16", "i32", "u8", "i16", "bool"]);
  const lead = kind === "map" ? extents.length : draw.below(extents.length + 1);
  const [shape, over] = [extents.slice(0, lead), extents.slice(lead)];
  const form = kind === "map"
    ? {
      kind,
      shape: extents,
      ins,
      outs: outsOf(draw, axes, extents, () => bodyOf(draw, leaf), dtype),
    }
    : kind === "reduce"
    ? reduction(draw, ins, shape, over, leaf)
    : rows(draw, ins, shape, over, leaf);
  // Longer sums lose more, and halves keep three digits.
  const half = [...ins, ...form.outs.map(({ type }) => type)].some(({ dtype }) => dtype === "f16");
  const loose = half ? 4e-3 : 2e-5;
  const hosts = ins.map((type, i) => values(type, seed + i));
  return { form, ins: hosts, tolerance: { rtol: loose, atol: loose } };
}

/** One load of an operand that is read in some way along the axes. */
function operand(
  draw: Draw,
  ins: Type[],
  axes: readonly Scalar[],
  extents: readonly number[],
): Scalar {
  const dtype = draw.pick<DType>(["f32", "f32", "f32", "f16", "i32", "u8", "i16", "bool", "i8"]);
  const coords: Scalar[] = [];
  const shape: number[] = [];
  let valid: Scalar | undefined;
  const order = axes.map((_, i) => i);
  if (draw.is(0.4)) order.sort(() => draw.below(3) - 1);
  for (const i of order) {
    const [axis, extent] = [axes[i], extents[i]];
    if (draw.is(0.2)) continue;
    switch (draw.below(9)) {
      case 0: // backwards
        coords.push(s.add(s.mul(axis, -1), extent - 1));
        shape.push(extent);
        break;
      case 1: { // spread
        const [step, first] = [2 + draw.below(2), draw.below(3)];
        coords.push(s.add(s.mul(axis, step), first));
        shape.push((extent - 1) * step + first + 1);
        break;
      }
      case 2: { // behind a guard
        const first = draw.below(3) - 1;
        const size = Math.max(1, extent - 1 - draw.below(2));
        const at = s.sub(axis, first);
        const inside = s.and(s.ge(at, 0), s.lt(at, size));
        valid = valid ? s.and(valid, inside) : inside;
        coords.push(at);
        shape.push(size);
        break;
      }
      case 3: // in rows, as after a reshape
        if (extent % 2 === 0) {
          coords.push(s.div(axis, 2), s.rem(axis, 2));
          shape.push(extent / 2, 2);
        } else {
          coords.push(axis);
          shape.push(extent);
        }
        break;
      case 4: // one for all
        coords.push(s.i(draw.below(extent)));
        shape.push(extent);
        break;
      default:
        coords.push(axis);
        shape.push(extent);
    }
  }
  const type: Type = { dtype, shape };
  ins.push(type);
  const index = addressOf(coords, shape);
  const load: Scalar = {
    ...{ kind: "load", type: kindOf(dtype), operand: ins.length - 1, index },
    ...(valid ? { valid, fill: draw.pick([0, 1]) } : {}),
  };
  return load;
}

/** A float of a few primitives over some operands and coordinates. */
function bodyOf(draw: Draw, leaf: () => Scalar, depth: number = 1 + draw.below(3)): Scalar {
  const part = () => bodyOf(draw, leaf, depth - 1);
  if (depth === 0) {
    const x = leaf();
    return x.type === "f32" ? x : s.mul(s.toF32(x), 0.0625);
  }
  switch (draw.below(10)) {
    case 0:
      return s.add(part(), part());
    case 1:
      return s.mul(part(), part());
    case 2:
      return s.max(part(), part());
    case 3:
      return s.min(part(), draw.pick([s.f(0.5), s.f(-1), s.f(2)]));
    case 4:
      return s.select(s.lt(part(), 0.25), part(), s.f(0.5));
    case 5:
      return s.tanh(part());
    case 6: {
      const x = part();
      return s.sub(s.mul(x, x), x);
    }
    case 7:
      return s.select(s.toBool(leaf()), part(), s.neg(part()));
    case 8:
      return s.abs(s.add(part(), 0.125));
    default:
      return part();
  }
}

/** One result or two, dense or turned. */
function outsOf(
  draw: Draw,
  axes: readonly Scalar[],
  extents: readonly number[],
  body: () => Scalar,
  dtype: DType,
): readonly Out[] {
  return Array.from({ length: draw.is(0.2) ? 2 : 1 }, (): Out => {
    const order = axes.map((_, i) => i);
    if (draw.is(0.3)) order.reverse();
    const shape = order.map((i) => extents[i]);
    return {
      type: { dtype, shape },
      index: addressOf(order.map((i) => axes[i]), shape),
      body: stored(body(), dtype),
    };
  });
}

/** A float as what a result keeps; whole numbers are taken from where they cannot fall on either side. */
function stored(x: Scalar, dtype: DType): Scalar {
  const kind = kindOf(dtype);
  if (kind === "bool") return s.lt(s.abs(x), 1e9);
  if (kind === "i32") return narrow(s.select(s.lt(x, 1e9), s.i(7), s.i(-300)), dtype);
  return narrow(x, dtype);
}

function reduction(
  draw: Draw,
  ins: Type[],
  shape: readonly number[],
  over: readonly number[],
  leaf: () => Scalar,
): Form {
  const combine = draw.pick<Combine>(["sum", "sum", "max", "min", "prod", "argmax", "argmin"]);
  // Positions and products are of what the operands hold, which is exact.
  const isExact = combine.startsWith("arg") || combine === "prod";
  let body = isExact ? leaf() : bodyOf(draw, leaf);
  if (combine === "prod" && body.type === "f32") body = s.add(s.mul(body, 0.01), 1);
  if (combine === "prod" && body.type === "i32") body = s.bitAnd(body, 3);
  const isPlace = combine.startsWith("arg");
  const kind = isPlace || body.type === "bool" ? "i32" : body.type;
  const acc = s.acc(0, kind);
  const dtype: DType = kind === "f32" ? draw.pick(["f32", "f16"]) : "i32";
  const outs = outsOf(draw, axesOf(shape), shape, () => acc, dtype)
    .map((out) => ({ ...out, body: narrow(acc, dtype) }));
  return { kind: "reduce", shape, over: over.length ? over : [1], combine, ins, body, outs };
}

function rows(
  draw: Draw,
  ins: Type[],
  shape: readonly number[],
  over: readonly number[],
  leaf: () => Scalar,
): Form {
  const body = bodyOf(draw, leaf, 1);
  const off = s.sub(body, s.acc(0));
  const extents = [...shape, ...over];
  const axes = axesOf(extents);
  const end = draw.is(0.5)
    ? s.div(s.exp(off), s.acc(1))
    : s.mul(off, s.div(1, s.sqrt(s.add(s.acc(1), 1))));
  const stages = draw.is(0.5)
    ? [{ combine: "max", body }, { combine: "sum", body: s.exp(off) }] as const
    : [{ combine: "max", body }, { combine: "sum", body: s.mul(off, off) }] as const;
  const dtype = draw.pick<DType>(["f32", "f32", "f16"]);
  const outs = outsOf(
    draw,
    axes,
    extents,
    () => s.add(end, draw.is(0.3) ? bodyOf(draw, leaf, 0) : s.f(0)),
    dtype,
  )
    // A quotient by a sum of no exponentials may be anything; squares are never below zero.
    .map((out) => ({ ...out, body: narrow(s.min(s.max(out.body, -1e3), 1e3), dtype) }));
  return { kind: "rows", shape, over, ins, stages, outs };
}
