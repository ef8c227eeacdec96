/**
 * Depthwise convolution: each invocation computes a tile of one channel, four columns at a time and
 * row by row, so that every input row is read once and added to all results that it is part of.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import type { Limits } from "../../lib/core/target.ts";
import { type DirectVariant, placeTile } from "./conv_direct.ts";
import { epilogueOf, stores } from "./epilogue.ts";
import { indent, spreadGroups, type WgslKernel } from "./kernel.ts";
import { fused, imagesOf } from "./matmul_tile.ts";
import { atOf, fix, param, sheetOf, single, useOf, vectorOf } from "./operand.ts";
import { columnChecks, fixRow, quadKey, readRow, windowOf } from "./window.ts";

/** The kernel of a convolution with one input and one output channel a group. */
export function emitDepthwise(form: ConvForm, variant: DirectVariant, limits: Limits): WgslKernel {
  const { tx, ty } = variant;
  const { stride, dilate, pad } = form;
  const [kh, kw] = form.kernel;
  const sheet = sheetOf(form.ins, form.outs, limits, imagesOf(variant));
  const epilogue = epilogueOf(sheet, form.outs, [4], true);
  const lines: string[] = [];
  const tiles = placeTile(sheet, form, variant, limits, lines);
  const window = windowOf(sheet, form, variant, epilogue.isQuad);
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
  // Rows of results in progress: c0 begins in this step, the last one ends in it.
  const open = Math.ceil(((kh - 1) * dilate[0] + 1) / stride[0]);
  for (let b = 0; b < open; b++) for (const x of quads) lines.push(`var c${b}_${x} = ${vector}();`);
  const core: string[] = [];
  const place = new Map([[0, "n"], [1, "g"]]);
  for (let q = 0; q < stride[0]; q++) {
    const taps = Array.from({ length: open }, (_, b) => (q + b * stride[0]) / dilate[0])
      .map((ky, b) => ({ ky, b })).filter(({ ky }) => Number.isInteger(ky) && ky < kh);
    if (taps.length === 0) continue;
    core.push(`let row${q} = top + r * ${stride[0]} + ${q};`);
    core.push(`let in_row${q} = row${q} >= 0 && row${q} < height;`);
    const row = fixRow(window, `r${q}`, place, `row${q}`, `in_row${q}`, core);
    const values = readRow(window, row, "0", core);
    for (let kx = 0; kx < kw; kx++) {
      for (const x of quads) {
        const first = x * stride[1] + kx * dilate[1] - pad[1];
        const parts = [0, 1, 2, 3].map((l) => values.get(first + l * stride[1]));
        const whole = stride[1] === 1 ? values.get(quadKey(first)) : undefined;
        const name = `u${q}_${kx}_${x}`;
        core.push(`let ${name} = ${whole ?? `${vector}(${parts.join(", ")})`};`);
        for (const { ky, b } of taps) {
          core.push(fused(form.w.type, `c${b}_${x}`, name, `w${ky}_${kx}`));
        }
      }
    }
  }
  core.push(`let y = oy + r - ${open - 1};`);
  const write: string[] = [];
  for (const x of quads) {
    const at = new Map([[0, "n"], [1, "g"], [2, "0"], [3, "y"], [4, `x${x}`]]);
    const acc = `c${open - 1}_${x}`;
    const put = stores(sheet, epilogue, `${x}`, at, acc, (l) => `x${x} + ${l} < columns`);
    write.push(`if (ox + ${x} < columns) {`, `  let x${x} = ox + ${x};`, ...indent(put), `}`);
  }
  core.push(`if (y >= oy) {`, ...indent(write), `}`);
  for (let b = open - 1; b >= 0; b--) {
    for (const x of quads) core.push(`c${b}_${x} = ${b ? `c${b - 1}_${x}` : `${vector}()`};`);
  }
  lines.push(
    `let turns = min(${param(sheet, "tall", ty)}, rows - oy) + ${open - 1};`,
    `for (var r = 0; r < turns; r++) {`,
    ...indent(core),
    `}`,
  );
  return sheet.module.finish({
    body: [...[...sheet.named.values()].map((p) => p.line), ...lines],
    group: [variant.group, 1, 1],
    workgroups: spreadGroups(Math.ceil(tiles / variant.group), limits),
    iterations: ty + open,
  });
}
