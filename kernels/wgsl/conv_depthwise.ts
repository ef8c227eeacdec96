/**
 * Depthwise convolution: each invocation computes a tile of columns and rows of one channel, four
 * columns at a time.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import type { Limits } from "../../lib/core/target.ts";
import { type DirectVariant, placeTile, rowAt } from "./conv_direct.ts";
import { epilogueOf, stores } from "./epilogue.ts";
import { indent, spreadGroups, type WgslKernel } from "./kernel.ts";
import { fused, imagesOf } from "./matmul_tile.ts";
import { atOf, fix, sheetOf, single, useOf, vectorOf } from "./operand.ts";
import { columnChecks, quadKey, readRow, windowOf } from "./window.ts";

/** The kernel of a convolution with one input and one output channel a group. */
export function emitDepthwise(form: ConvForm, variant: DirectVariant, limits: Limits): WgslKernel {
  const { tx, ty } = variant;
  const [kh, kw] = form.kernel;
  const sheet = sheetOf(form.ins, form.outs, limits, imagesOf(variant));
  const epilogue = epilogueOf(sheet, form.outs, [4]);
  const lines: string[] = [];
  const tiles = placeTile(sheet, form, variant, limits, lines);
  const window = windowOf(sheet, form, variant);
  columnChecks(window, lines);
  const vector = vectorOf(form.w.type);
  const weights = fix(sheet, useOf(sheet, "w", form.w, -1), "g", new Map([[0, "g"]]), lines);
  for (let ky = 0; ky < kh; ky++) {
    for (let kx = 0; kx < kw; kx++) {
      const at = atOf([1, "0"], [2, "0"], [3, ["", ky]], [4, ["", kx]]);
      lines.push(`let w${ky}_${kx} = ${vector}(${single(sheet, weights, at)});`);
    }
  }
  const quads = Array.from({ length: tx / 4 }, (_, i) => 4 * i);
  const place = new Map([[0, "n"], [1, "g"]]);
  const rows = new Set<number>();
  for (let y = 0; y < ty; y++) {
    for (let ky = 0; ky < kh; ky++) rows.add(y * form.stride[0] + ky * form.dilate[0]);
  }
  for (let y = 0; y < ty; y++) {
    for (const x of quads) lines.push(`var c${y}_${x} = ${vector}();`);
  }
  for (const r of [...rows].sort((a, b) => a - b)) {
    const values = readRow(window, rowAt(window, r, place, lines), "0", lines);
    for (let kx = 0; kx < kw; kx++) {
      for (const x of quads) {
        const first = x * form.stride[1] + kx * form.dilate[1] - form.pad[1];
        const parts = [0, 1, 2, 3].map((l) => values.get(first + l * form.stride[1]));
        const whole = form.stride[1] === 1 ? values.get(quadKey(first)) : undefined;
        const name = `u${r}_${kx}_${x}`;
        lines.push(`let ${name} = ${whole ?? `${vector}(${parts.join(", ")})`};`);
        for (let y = 0; y < ty; y++) {
          const ky = (r - y * form.stride[0]) / form.dilate[0];
          if (!Number.isInteger(ky) || ky < 0 || ky >= kh) continue;
          lines.push(fused(form.w.type, `c${y}_${x}`, name, `w${ky}_${kx}`));
        }
      }
    }
  }
  for (let y = 0; y < ty; y++) {
    const body: string[] = [`let y${y} = oy + ${y};`];
    for (const x of quads) {
      const at = new Map([[0, "n"], [1, "g"], [2, "0"], [3, `y${y}`], [4, `x${y}_${x}`]]);
      const put = stores(
        sheet,
        epilogue,
        `${y}_${x}`,
        at,
        `c${y}_${x}`,
        (l) => `x${y}_${x} + ${l} < columns`,
      );
      body.push(
        `if (ox + ${x} < columns) {`,
        `  let x${y}_${x} = ox + ${x};`,
        ...indent(put),
        `}`,
      );
    }
    lines.push(`if (oy + ${y} < rows) {`, ...indent(body), `}`);
  }
  return sheet.module.finish({
    body: [...[...sheet.named.values()].map((p) => p.line), ...lines],
    group: [variant.group, 1, 1],
    workgroups: spreadGroups(Math.ceil(tiles / variant.group), limits),
    iterations: 1,
  });
}
