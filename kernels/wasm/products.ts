/**
 * Products and convolutions as sums over some axes of a load times a load, both at addresses that
 * are sums of axes. A convolution whose input is spread out by zeros is several without such zeros.
 * @module
 */
import type { ConvForm, MatmulForm } from "../../lib/core/form.ts";
import { axesOf, linearOf, plusIndex, substitute, timesIndex } from "../../lib/core/index.ts";
import { type Load, type Scalar, walk } from "../../lib/core/scalar.ts";

/** A sum over axes of products, before its axes are put in order. */
export interface Products {
  /** Points first, then what is summed over. */
  readonly extents: readonly number[];
  readonly points: number;
  readonly a: Load;
  readonly b: Load;
  /** Address and value of each result, over the points and `acc0`. */
  readonly outs: readonly Scalar[];
}

/** A load without a condition at a sum of axes. */
function isPlain(term: Scalar): term is Load {
  if (term.kind !== "load" || term.valid) return false;
  return [...linearOf(term.index).terms.values()].every(({ atom }) => atom.kind === "axis");
}

/** A product of loads at sums of axes. */
export function ofMatmul(form: MatmulForm): Products | undefined {
  const { batch, m, n, k, a, b, outs } = form;
  if (!isPlain(a) || !isPlain(b)) return undefined;
  const points = batch.length + 2;
  return {
    ...{ extents: [...batch, m, n, k], points, a, b },
    outs: outs.flatMap(({ index, body }) => [index, body]),
  };
}

/** A convolution whose input has zeros around it is a product without conditions. */
export function ofConv(form: ConvForm): Products | undefined {
  if (!isPlain(form.x) || !isPlain(form.w) || !hasMargin(form)) return undefined;
  const shape = [form.n, form.g, form.o, ...form.output];
  const [n, g, o, oh, ow] = axesOf(shape);
  const [c, kh, kw] = axesOf([form.c, ...form.kernel], 5);
  const place = (i: 0 | 1, at: Scalar, tap: Scalar) =>
    plusIndex(
      plusIndex(timesIndex(at, form.stride[i]), timesIndex(tap, form.dilate[i])),
      -form.pad[i],
    );
  const x = substitute(form.x, [n, g, c, place(0, oh, kh), place(1, ow, kw)]) as Load;
  const w = substitute(form.w, [g, o, c, kh, kw]) as Load;
  return {
    ...{ extents: [...shape, form.c, ...form.kernel], points: 5, a: x, b: w },
    outs: form.outs.flatMap(({ index, body }) => [index, body]),
  };
}

/** True if every tap reads the input or a zero that lies in its margin. */
export function hasMargin(form: ConvForm): boolean {
  return [0, 1].every((i) => {
    const { before, after } = form.margin?.[i] ?? { before: 0, after: 0 };
    const last = (form.output[i] - 1) * form.stride[i] + (form.kernel[i] - 1) * form.dilate[i] -
      form.pad[i];
    return form.inflate[i] === 1 && form.pad[i] <= before && last < form.input[i] + after;
  });
}

/** How results of one phase follow each other along an axis, and which taps of the kernel they meet. */
interface Phase {
  readonly first: number;
  readonly outputs: number;
  readonly tap: number;
  readonly taps: number;
  readonly pad: number;
}

/**
 * Convolutions that together compute one whose input is inflated: each gives the results at every
 * so manieth row and column, which meet the same taps of the kernel and no zeros in between.
 */
export function phasesOf(form: ConvForm): readonly ConvForm[] {
  if (form.inflate.every((n) => n === 1)) return [form];
  const rows = phasesAlong(form, 0);
  const columns = phasesAlong(form, 1);
  return rows.flatMap((r) => columns.map((c) => phaseOf(form, [r, c])));
}

function periods(form: ConvForm, i: 0 | 1): { readonly out: number; readonly tap: number } {
  const by = form.inflate[i];
  return { out: by / gcd(by, form.stride[i]), tap: by / gcd(by, form.dilate[i]) };
}

/** Rows o and taps k read where (o·stride + k·dilate − pad) / inflate is whole. */
function phasesAlong(form: ConvForm, i: 0 | 1): Phase[] {
  const { out, tap: period } = periods(form, i);
  const [by, kernel] = [form.inflate[i], form.kernel[i]];
  const at = (first: number, tap: number) =>
    first * form.stride[i] + tap * form.dilate[i] - form.pad[i];
  return Array.from({ length: Math.min(out, form.output[i]) }, (_, first): Phase => {
    const outputs = Math.ceil((form.output[i] - first) / out);
    const taps = Array.from({ length: Math.min(period, kernel) }, (_, k) => k);
    const tap = taps.find((k) => at(first, k) % by === 0);
    if (tap === undefined) return { first, outputs, tap: 0, taps: 0, pad: 0 };
    const count = Math.ceil((kernel - tap) / period);
    return { first, outputs, tap, taps: count, pad: -at(first, tap) / by };
  });
}

function phaseOf(form: ConvForm, phases: readonly [Phase, Phase]): ConvForm {
  const [rows, columns] = phases;
  const [down, across] = [periods(form, 0), periods(form, 1)];
  const step = (first: number, by: number, term: Scalar) => plusIndex(timesIndex(term, by), first);
  const kernel = [rows.taps, columns.taps] as const;
  const output = [rows.outputs, columns.outputs] as const;
  const [g, o, c, kh, kw] = axesOf([form.g, form.o, form.c, ...kernel]);
  const weights = [g, o, c, step(rows.tap, down.tap, kh), step(columns.tap, across.tap, kw)];
  const [n, og, oo, oh, ow] = axesOf([form.n, form.g, form.o, ...output]);
  const at = [n, og, oo, step(rows.first, down.out, oh), step(columns.first, across.out, ow)];
  return {
    ...form,
    kernel,
    output,
    stride: [
      form.stride[0] * down.out / form.inflate[0],
      form.stride[1] * across.out / form.inflate[1],
    ],
    dilate: [
      form.dilate[0] * down.tap / form.inflate[0],
      form.dilate[1] * across.tap / form.inflate[1],
    ],
    inflate: [1, 1],
    pad: [rows.pad, columns.pad],
    w: substitute(form.w, weights),
    outs: form.outs.map((out) => ({
      ...out,
      index: substitute(out.index, at),
      body: substitute(out.body, at),
    })),
  };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** True if terms that follow a sum load an operand. */
export function isReadBehind(terms: readonly Scalar[], operand: number): boolean {
  let found = false;
  const seen = new Set<Scalar>();
  for (const term of terms) {
    walk(term, (part) => void (found ||= part.kind === "load" && part.operand === operand), seen);
  }
  return found;
}
