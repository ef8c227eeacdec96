/**
 * Forms: the closed union of what a target may be asked to compute, as plain data. Five kinds
 * suffice because bodies and addresses are scalar terms; `generic` gives the plain loop nest of the
 * two contraction forms, which is their meaning.
 * @module
 */
import { axesOf, substitute } from "./index.ts";
import { call, type Kind, mapLeaves, printScalar, s, type Scalar } from "./scalar.ts";
import { printType, type Type } from "./type.ts";

/** How a reduction combines elements; `argmax` and `argmin` give the first index, as i32. */
export type Combine = "sum" | "prod" | "max" | "min" | "argmax" | "argmin";

/** One result: its type, the address that each iteration writes, and the value written. */
export interface Out {
  /** Type of the result. */
  readonly type: Type;
  /** Element address in the dense result; by default the iteration's own row-major address. */
  readonly index: Scalar;
  /** The value, of kind `kindOf(type.dtype)`, already narrowed to the dtype. */
  readonly body: Scalar;
}

/** What every form has. */
export interface Common {
  /** Types of the operands that `load` terms name. */
  readonly ins: readonly Type[];
  /** Results; all are written by one kernel. */
  readonly outs: readonly Out[];
}

/** `outs[k].body` for every point of `shape`. */
export interface MapForm extends Common {
  /** Which form this is. */
  readonly kind: "map";
  /** Extents of the points. */
  readonly shape: readonly number[];
}

/**
 * For every point of `shape`, `body` is combined over all points of `over` (its axes follow those
 * of `shape`); `outs` are written once a point of `shape` and see the result as `acc0`.
 */
export interface ReduceForm extends Common {
  /** Which form this is. */
  readonly kind: "reduce";
  /** Extents of the points. */
  readonly shape: readonly number[];
  /** Extents that are reduced. */
  readonly over: readonly number[];
  /** How elements are combined. */
  readonly combine: Combine;
  /** The element that is combined. */
  readonly body: Scalar;
}

/**
 * For every point of `shape`, a row: `stages` are reductions over `over`, one after another, each
 * seeing the earlier ones as `acc0`, `acc1` …; then `outs` are written for every element of the row.
 */
export interface RowsForm extends Common {
  /** Which form this is. */
  readonly kind: "rows";
  /** Extents of the points. */
  readonly shape: readonly number[];
  /** Extents that are reduced. */
  readonly over: readonly number[];
  /** The reductions, in order. */
  readonly stages: readonly { readonly combine: Combine; readonly body: Scalar }[];
}

/**
 * Sum over k of a·b. With r = batch.length the axes are: batch 0…r-1, m: r, n: r+1, k: r+2; `a`
 * uses batch, m, k; `b` uses batch, k, n; `outs` use batch, m, n and `acc0`.
 */
export interface MatmulForm extends Common {
  /** Which form this is. */
  readonly kind: "matmul";
  /** Extents of the leading axes. */
  readonly batch: readonly number[];
  /** Rows of the product. */
  readonly m: number;
  /** Columns of the product. */
  readonly n: number;
  /** Terms of each sum. */
  readonly k: number;
  /** Element of the left operand. */
  readonly a: Scalar;
  /** Element of the right operand. */
  readonly b: Scalar;
}

/** The numbers of a two-dimensional convolution; `pad` may be negative, `inflate` dilates the input. */
export interface ConvGeometry {
  /** Images. */
  readonly n: number;
  /** Groups. */
  readonly g: number;
  /** Input and output channels of one group. */
  readonly c: number;
  /** Output channels of one group. */
  readonly o: number;
  /** Rows and columns of the input. */
  readonly input: readonly [number, number];
  /** Rows and columns of the kernel. */
  readonly kernel: readonly [number, number];
  /** Rows and columns of the output. */
  readonly output: readonly [number, number];
  /** Distance between kernel positions. */
  readonly stride: readonly [number, number];
  /** Distance between kernel taps. */
  readonly dilate: readonly [number, number];
  /** Distance between input elements. */
  readonly inflate: readonly [number, number];
  /** Rows above and columns left; what is needed below and right follows from `output`. */
  readonly pad: readonly [number, number];
}

/** Zeros that may be read before and after an axis. */
export interface Margin {
  /** Before the first element. */
  readonly before: number;
  /** After the last. */
  readonly after: number;
}

/**
 * Grouped cross-correlation. `x` is over its own axes n 0, g 1, c 2, ih 3, iw 4; `w` over g 0, o 1,
 * c 2, kh 3, kw 4; `outs` over n 0, g 1, o 2, oh 3, ow 4 and `acc0`. An input row is
 * ih = (oh·stride + kh·dilate − pad) / inflate where that is whole and inside, else zero is read.
 */
export interface ConvForm extends Common, ConvGeometry {
  /** Which form this is. */
  readonly kind: "conv";
  /** Zeros that lie around the input in memory, along rows and columns; none unless stated. */
  readonly margin?: readonly [Margin, Margin];
  /** Element of the input. */
  readonly x: Scalar;
  /** Element of the kernel. */
  readonly w: Scalar;
}

/** What a target may be asked to compute. */
export type Form = MapForm | ReduceForm | RowsForm | MatmulForm | ConvForm;

/** The plain loop nest that a contraction means; other forms are returned as they are. */
export function generic(form: Form): MapForm | ReduceForm | RowsForm {
  if (form.kind === "matmul") {
    const { batch, m, n, k, a, b, ins, outs } = form;
    const body = call("mul", a, b);
    return { kind: "reduce", shape: [...batch, m, n], over: [k], combine: "sum", body, ins, outs };
  }
  if (form.kind === "conv") {
    const shape = [form.n, form.g, form.o, ...form.output];
    const over = [form.c, ...form.kernel];
    const [n, g, o, oh, ow] = axesOf(shape);
    const [c, kh, kw] = axesOf(over, 5);
    const row = place(form, 0, oh, kh);
    const column = place(form, 1, ow, kw);
    const x = substitute(form.x, [n, g, c, row.at, column.at]);
    const w = substitute(form.w, [g, o, c, kh, kw]);
    const inside = s.and(row.inside, column.inside);
    const body = s.mul(s.select(inside, guarded(x, inside), 0), w);
    return { kind: "reduce", shape, over, combine: "sum", body, ins: form.ins, outs: form.outs };
  }
  return form;
}

/** Where kernel tap `k` of output position `o` reads along an axis, and whether that is inside. */
function place(form: ConvForm, axis: 0 | 1, o: Scalar, k: Scalar): { at: Scalar; inside: Scalar } {
  const raw = s.sub(
    s.add(s.mul(o, form.stride[axis]), s.mul(k, form.dilate[axis])),
    form.pad[axis],
  );
  const by = form.inflate[axis];
  const at = by === 1 ? raw : s.div(raw, by);
  const bounded = s.and(s.ge(raw, 0), s.lt(at, form.input[axis]));
  return { at, inside: by === 1 ? bounded : s.and(bounded, s.eq(s.rem(raw, by), 0)) };
}

/** Adds a condition to every load of a term, so that nothing is read where it fails. */
export function guarded(term: Scalar, condition: Scalar): Scalar {
  return mapLeaves(term, (leaf) =>
    leaf.kind === "load"
      ? {
        ...leaf,
        valid: leaf.valid ? s.and(condition, leaf.valid) : condition,
        fill: leaf.fill ?? 0,
      }
      : undefined);
}

/** The value a reduction starts from, of a kind. */
export function startOf(combine: Combine, kind: Kind): number {
  switch (combine) {
    case "sum":
      return 0;
    case "prod":
      return 1;
    case "max":
    case "argmax":
      return kind === "f32" ? -Infinity : -(2 ** 31);
    case "min":
    case "argmin":
      return kind === "f32" ? Infinity : 2 ** 31 - 1;
    default:
      throw new TypeError(`internal: unknown combine ${combine satisfies never}`);
  }
}

/** Elements that the iteration space of a form has, without what is reduced. */
export function pointsOf(form: Form): readonly number[] {
  switch (form.kind) {
    case "map":
    case "reduce":
      return form.shape;
    case "rows":
      return [...form.shape, ...form.over];
    case "matmul":
      return [...form.batch, form.m, form.n];
    case "conv":
      return [form.n, form.g, form.o, ...form.output];
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
}

/** The canonical text of a form. */
export function printForm(form: Form): string {
  const lines = form.ins.map((t, i) => `  in${i}: ${printType(t)}`);
  switch (form.kind) {
    case "map":
      lines.unshift(`map [${form.shape}]`);
      break;
    case "reduce":
      lines.unshift(`reduce ${form.combine} [${form.shape}] over [${form.over}]`);
      lines.push(`  body: ${printScalar(form.body)}`);
      break;
    case "rows":
      lines.unshift(`rows [${form.shape}] over [${form.over}]`);
      form.stages.forEach((stage, i) =>
        lines.push(`  acc${i}: ${stage.combine} ${printScalar(stage.body)}`)
      );
      break;
    case "matmul":
      lines.unshift(`matmul [${form.batch}] ${form.m}x${form.n}x${form.k}`);
      lines.push(`  a: ${printScalar(form.a)}`, `  b: ${printScalar(form.b)}`);
      break;
    case "conv": {
      const { n, g, c, o, input, kernel, output, stride, dilate, inflate, pad } = form;
      lines.unshift(
        `conv n=${n} g=${g} c=${c} o=${o} input=${input} kernel=${kernel} output=${output} ` +
          `stride=${stride} dilate=${dilate} inflate=${inflate} pad=${pad}`,
      );
      lines.push(`  x: ${printScalar(form.x)}`, `  w: ${printScalar(form.w)}`);
      break;
    }
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
  for (const out of form.outs) {
    lines.push(
      `  out ${printType(out.type)}[${printScalar(out.index)}] = ${printScalar(out.body)}`,
    );
  }
  return lines.join("\n");
}
