/**
 * Depthwise convolutions: four channels side by side, several pixels of a row at a time. Each input
 * element is loaded once for all taps and pixels that read it, each weight once for all pixels.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import { type Linear, linearOf, substitute } from "../../lib/core/index.ts";
import { printScalar, type Scalar } from "../../lib/core/scalar.ts";
import { axis, coef } from "../sums.ts";
import type { Local } from "./code.ts";
import { isReadBehind, ofConv, type Products } from "./products.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { store } from "./load.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import type { Panels } from "./packing.ts";
import type { Scope } from "./scope.ts";

/** Pixels of a tile at most: their sums, a row of weights and one input stay in registers. */
const pixels = 8;
/** Taps up to which all of them are written out. */
const mostTaps = 64;

/** Axes of a convolution's points and sums, as `ofConv` numbers them. */
const [images, groups, rows, columns, tapRows, tapColumns] = [0, 1, 3, 4, 6, 7];

/** What a depthwise convolution reads. */
export interface Depthwise {
  readonly products: Products;
  readonly x: Linear;
  readonly w: Linear;
  /** How the weights are packed, where they never change. */
  readonly packing?: Panels;
}

/** A convolution with one channel in each group, channels side by side; else `undefined`. */
export function depthwiseOf(
  form: ConvForm,
  constants: readonly number[],
): Depthwise | undefined {
  if (form.c !== 1 || form.o !== 1 || form.g < 4) return undefined;
  if (form.kernel[0] * form.kernel[1] > mostTaps) return undefined;
  const products = ofConv(form);
  if (!products || products.extents.includes(0)) return undefined;
  const { a, b } = products;
  const isConstant = constants.includes(b.operand) && !isReadBehind(products.outs, b.operand);
  const isFloat = (operand: number) => form.ins[operand].dtype === "f32";
  if (!isFloat(a.operand) || !(isFloat(b.operand) || (isConstant && b.type === "f32"))) {
    return undefined;
  }
  const [x, w] = [linearOf(a.index), linearOf(b.index)];
  const moves = [tapRows, tapColumns, rows, columns];
  if (coef(x, groups) !== 1 || moves.some((i) => coef(x, i) < 0)) return undefined;
  if (isConstant) {
    const [kh, kw] = form.kernel;
    return {
      ...{ products, x, w },
      packing: {
        ...{ kind: "panels", elements: "f32", base: w.constant, matrices: [] },
        rows: [{ extent: kh, stride: coef(w, tapRows) }, {
          extent: kw,
          stride: coef(w, tapColumns),
        }],
        columns: { extent: form.g, stride: coef(w, groups) },
        widths: [Math.ceil(form.g / 4) * 4],
      },
    };
  }
  return coef(w, groups) === 1 ? { products, x, w } : undefined;
}

/** The kernel of a depthwise convolution. */
export function depthwiseKernel(form: ConvForm, found: Depthwise): WasmKernel {
  const { products: { a, b, outs, extents }, packing } = found;
  const [width, units] = [extents[columns], extents[images] * extents[rows]];
  const key = `depthwise ${extents} ${form.stride} ${form.dilate} ${printScalar(a.index)} ` +
    `${printScalar(b.index)} ${Boolean(packing)} ${outs.map(printScalar).join(";")} ` +
    typesOf(form);
  const taps = form.kernel[0] * form.kernel[1];
  // Packed weights are words, whatever they were packed from.
  const dtype = "f32" as const;
  const ins = form.ins.map((t, i) => i === b.operand && packing ? { ...t, dtype } : t);
  return {
    ...{ key, name: "depthwise", units },
    cost: form.g * width * (taps + weightOf(outs)),
    packs: form.ins.map((_, i) => i === b.operand ? packing : undefined),
    write: (module) =>
      kernelFunction(module, key, "depthwise", { ...form, ins }, outs, (root, code) => {
        const unit = code.local("i32");
        code.get(firstUnit);
        code.set(unit);
        const axes = new Map([images, rows].map((i) => [i, code.local("i32")]));
        const row = root.child({ axes });
        const named = new Map([[0, axes.get(images)!], [1, axes.get(rows)!]]);
        decode(row.code, unit, [extents[images], extents[rows]], named);
        tiles(row, form, found);
        countedLoop(code, unit, { local: endUnit }, 1, row.code);
      }),
  };
}

/** The tiles of one row of pixels: full ones, then one of what is left. */
function tiles(scope: Scope, form: ConvForm, found: Depthwise): void {
  const { code } = scope;
  const width = found.products.extents[columns];
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  const whole = width - width % pixels;
  const tile = (count: number) => {
    const inner = scope.child({ axes: new Map([[columns, at]]) });
    channels(inner, form, found, count);
    return inner.code;
  };
  if (whole) countedLoop(code, at, whole, pixels, tile(pixels));
  if (width % pixels) code.append(tile(width % pixels));
}

/** All channels of a tile, by fours. */
function channels(scope: Scope, form: ConvForm, found: Depthwise, count: number): void {
  const { code } = scope;
  const { g } = form;
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  const names = { axes: new Map([[groups, at]]), lanes: groups };
  const whole = g - g % 4;
  const four = scope.child(names);
  block(four, form, found, count);
  countedLoop(code, at, whole, 4, four.code);
  if (g % 4) {
    const rest = scope.child({ ...names, alive: g % 4 });
    block(rest, form, found, count);
    code.append(rest.code);
  }
}

/** Four channels of several pixels. */
function block(scope: Scope, form: ConvForm, found: Depthwise, count: number): void {
  const { code, module } = scope;
  const { products: { a, b, outs, extents }, x, w, packing } = found;
  const [kh, kw] = form.kernel;
  const zeros = (index: Scalar) => substitute(index, extents.map((n, i) => axis(i, i < 5 ? n : 1)));
  const from = scope.address(a.operand, zeros(a.index))!;
  const g = axis(groups, form.g);
  const weights = scope.address(b.operand, packing ? g : zeros(b.index))!;
  const rowBytes = packing ? packing.widths[0] * 4 * kw : coef(w, tapRows) * 4;
  const tapBytes = packing ? packing.widths[0] * 4 : coef(w, tapColumns) * 4;
  const sums = Array.from({ length: count }, () => code.local("v128"));
  for (const sum of sums) {
    code.v128(new Uint8Array(16));
    code.set(sum);
  }
  const held = Array.from({ length: kw }, () => code.local("v128"));
  const value = code.local("v128");
  const [step, tap] = [coef(x, columns), coef(x, tapColumns)];
  for (let r = 0; r < kh; r++) {
    held.forEach((local, k) => {
      code.get(weights.pointer);
      code.memory("v128.load", weights.offset + r * rowBytes + k * tapBytes);
      code.set(local);
    });
    // Where each input element is read: by pixel p through tap k at p·step + k·tap.
    const readers = new Map<number, { p: number; k: number }[]>();
    for (let p = 0; p < count; p++) {
      for (let k = 0; k < kw; k++) {
        const place = p * step + k * tap;
        readers.set(place, [...(readers.get(place) ?? []), { p, k }]);
      }
    }
    for (const place of [...readers.keys()].sort((i, j) => i - j)) {
      code.get(from.pointer);
      code.memory("v128.load", from.offset + (r * coef(x, tapRows) + place) * 4);
      code.set(value);
      for (const { p, k } of readers.get(place)!) {
        if (module.features.madd) {
          code.madd(value, held[k], sums[p]);
          continue;
        }
        for (const local of [sums[p], value, held[k]]) code.get(local);
        code.op("f32x4.mul");
        code.op("f32x4.add");
        code.set(sums[p]);
      }
    }
  }
  writeOut(scope, form, outs, sums);
}

function writeOut(
  scope: Scope,
  form: ConvForm,
  outs: readonly Scalar[],
  sums: readonly Local[],
): void {
  sums.forEach((sum, p) => {
    const pixel = scope.child({
      accs: new Map([[0, sum]]),
      shift: new Map([[columns, p]]),
    });
    for (let k = 0; 2 * k < outs.length; k++) {
      store(pixel, form.ins.length + k, outs[2 * k], outs[2 * k + 1]);
    }
    scope.code.append(pixel.code);
  });
}
