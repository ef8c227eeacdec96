/**
 * From an operation to a form: what one operation computes on its own. The planner builds larger
 * forms from the same parts; the interpreter and the tests use these.
 * @module
 */
import type { At, Attrs, Draft, Op } from "./op.ts";
import { addressOf, axesOf, constant } from "./index.ts";
import type { Form, Out } from "./form.ts";
import { kindOf, lit, narrow, s, type Scalar } from "./scalar.ts";
import type { Type } from "./type.ts";

/** Coordinates of an operand's element for coordinates of a result it broadcasts to. */
export function broadcastCoords(coords: readonly Scalar[], shape: readonly number[]): Scalar[] {
  const skip = coords.length - shape.length;
  return shape.map((extent, i) => extent === 1 ? constant(0) : coords[skip + i]);
}

/** What an operation computes, or `undefined` where only its composition says. */
export function draftOf(
  op: Op,
  at: At,
  ins: readonly Type[],
  attrs: Attrs,
  outs: readonly Type[],
): Draft | undefined {
  const shape = outs[0].shape;
  if (op.scalar) {
    const coords = axesOf(shape);
    const args = ins.map((t, i) => at(i, broadcastCoords(coords, t.shape)));
    return { kind: "map", shape, body: op.scalar(args, attrs, ins) };
  }
  if (op.view) return { kind: "map", shape, body: at(0, op.view(axesOf(shape), ins, attrs)) };
  return op.lower?.(at, ins, attrs, outs);
}

/** The number of axes that a draft's result coordinates may use, as extents. */
export function spaceOf(draft: Draft): readonly number[] {
  switch (draft.kind) {
    case "map":
    case "reduce":
      return draft.shape;
    case "rows":
      return [...draft.shape, ...draft.over];
    case "matmul":
      return [...draft.batch, draft.m, draft.n];
    case "conv":
      return [draft.n, draft.g, draft.o, ...draft.output];
    default:
      throw new TypeError(`internal: unknown draft ${draft satisfies never}`);
  }
}

/** Coordinates of the result in terms of the iteration's axes. */
export function resultCoords(draft: Draft): readonly Scalar[] {
  const given = "coords" in draft ? draft.coords : undefined;
  return given ?? axesOf(spaceOf(draft));
}

/** The value of a draft's result before narrowing. */
export function resultBody(draft: Draft, type: Type): Scalar {
  switch (draft.kind) {
    case "map":
      return draft.body;
    case "rows":
      return draft.out;
    case "reduce":
      return draft.out ?? s.acc(0, accKind(draft));
    case "matmul":
    case "conv":
      return s.acc(0, kindOf(type.dtype));
    default:
      throw new TypeError(`internal: unknown draft ${draft satisfies never}`);
  }
}

function accKind(draft: Draft & { kind: "reduce" }): "f32" | "i32" {
  const arg = draft.combine === "argmax" || draft.combine === "argmin";
  return arg || draft.body.type !== "f32" ? "i32" : "f32";
}

/** A draft with its operands and results as a form. */
export function formOf(draft: Draft, ins: readonly Type[], outs: readonly Out[]): Form {
  switch (draft.kind) {
    case "map":
      return { kind: "map", shape: draft.shape, ins, outs };
    case "reduce": {
      const { shape, over, combine, body } = draft;
      return { kind: "reduce", shape, over, combine, body, ins, outs };
    }
    case "rows":
      return {
        kind: "rows",
        shape: draft.shape,
        over: draft.over,
        stages: draft.stages,
        ins,
        outs,
      };
    case "matmul": {
      const { batch, m, n, k, a, b } = draft;
      return { kind: "matmul", batch, m, n, k, a, b, ins, outs };
    }
    case "conv": {
      const { n, g, c, o, input, kernel, output, stride, dilate, inflate, pad, x, w } = draft;
      return {
        ...{ kind: "conv", n, g, c, o, input, kernel, output, stride, dilate, inflate, pad },
        ...{ x, w, ins, outs },
      };
    }
    default:
      throw new TypeError(`internal: unknown draft ${draft satisfies never}`);
  }
}

/** An element of a materialised operand. */
export function loadOf(operand: number, type: Type, coords: readonly Scalar[]): Scalar {
  return {
    kind: "load",
    type: kindOf(type.dtype),
    operand,
    index: addressOf(coords, type.shape),
  };
}

/** The form of one operation by itself, or `undefined` where only its composition says. */
export function ownForm(
  op: Op,
  ins: readonly Type[],
  attrs: Attrs,
  outs: readonly Type[],
): Form | undefined {
  const at: At = (k, coords) => loadOf(k, ins[k], coords);
  const draft = draftOf(op, at, ins, attrs, outs);
  if (!draft) return undefined;
  const index = addressOf(resultCoords(draft), outs[0].shape);
  const body = stored(resultBody(draft, outs[0]), outs[0]);
  return formOf(draft, ins, [{ type: outs[0], index, body }]);
}

/** A computed value as a dtype stores it; truth becomes a number where a number is stored. */
export function stored(body: Scalar, type: Type): Scalar {
  const want = kindOf(type.dtype);
  if (body.type === want) return narrow(body, type.dtype);
  if (body.kind === "lit" && want !== "bool") return narrow(lit(want, body.value), type.dtype);
  const converted = want === "f32"
    ? s.toF32(body)
    : want === "i32"
    ? s.toI32(body)
    : s.toBool(body);
  return narrow(converted, type.dtype);
}
