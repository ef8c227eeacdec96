/**
 * The shared tile of a matrix product, for GPUs: a work-group brings tiles of both operands into its
 * own memory, one step of k at a time, and each invocation sums a small tile in registers.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { epilogueOf, stores } from "./epilogue.ts";
import { indent, type WgslKernel } from "./kernel.ts";
import { fused } from "./matmul_tile.ts";
import { atOf, fix, param, type Sheet, sheetOf, single, type Use, useOf } from "./operand.ts";
import { vectorOf } from "./operand.ts";

/** A work-group's tile, the step of k, and an invocation's part: `rm` rows by `rn` columns. */
export interface SharedVariant extends Variant {
  readonly wm: number;
  readonly wn: number;
  readonly wk: number;
  readonly rm: number;
  readonly rn: number;
}

/** The kernel of a shared tile. */
export function emitShared(form: MatmulForm, variant: SharedVariant, limits: Limits): WgslKernel {
  const { wm, wn, wk, rm, rn } = variant;
  const r = form.batch.length;
  const [m, n, k] = [r, r + 1, r + 2];
  const threads = (wm / rm) * (wn / rn);
  const sheet = sheetOf(form.ins, form.outs, limits, []);
  const epilogue = epilogueOf(sheet, form.outs, [n]);
  const kind = form.a.type;
  const vector = vectorOf(kind);
  const { module } = sheet;
  // Single elements: two invocations must not write parts of one vector.
  module.declare(`var<workgroup> tile_a: array<${kind}, ${wk * wm}>;`);
  module.declare(`var<workgroup> tile_b: array<${kind}, ${wk * wn}>;`);
  const across = Math.ceil(form.n / wn), down = Math.ceil(form.m / wm);
  const batches = sizeOf(form.batch);
  const lines = [
    `let thread = i32(lid.x);`,
    `let column = i32(wid.x) * ${wn};`,
    `let row = i32(wid.y) * ${wm};`,
    `let y = row + thread / ${wn / rn} * ${rm};`,
    `let x = column + thread % ${wn / rn} * ${rn};`,
    `var id = i32(wid.z);`,
  ];
  param(sheet, "m", form.m);
  param(sheet, "n", form.n);
  param(sheet, "k", form.k);
  for (let i = r - 1; i >= 0; i--) {
    const extent = param(sheet, `batch${i}`, form.batch[i]);
    lines.push(i ? `let z${i} = id % ${extent};` : `let z0 = id;`);
    if (i) lines.push(`id /= ${extent};`);
  }
  const batch = form.batch.map((_, i) => [i, `z${i}`] as const);
  for (let i = 0; i < rm; i++) {
    for (let j = 0; j < rn / 4; j++) lines.push(`var c${i}_${j} = ${vector}();`);
  }
  const core: string[] = [];
  const bring = (name: "a" | "b", term: MatmulForm["a"], own: number, wide: number) => {
    const use = useOf(sheet, name === "a" ? "left" : "right", term, -1);
    core.push(...brought(sheet, use, { name, own, wide, wk, k, threads, batch }));
  };
  bring("a", form.a, m, wm);
  bring("b", form.b, n, wn);
  core.push(`workgroupBarrier();`);
  const inner: string[] = [];
  inner.push(`let at_a = s * ${wm} + y - row;`, `let at_b = s * ${wn} + x - column;`);
  for (let j = 0; j < rn / 4; j++) {
    const parts = [0, 1, 2, 3].map((l) => `tile_b[at_b + ${4 * j + l}]`);
    inner.push(`let b${j} = ${vector}(${parts.join(", ")});`);
  }
  for (let i = 0; i < rm; i++) {
    inner.push(`let a${i} = ${vector}(tile_a[at_a + ${i}]);`);
    for (let j = 0; j < rn / 4; j++) inner.push(fused(kind, `c${i}_${j}`, `a${i}`, `b${j}`));
  }
  core.push(`for (var s = 0; s < ${wk}; s++) {`, ...indent(inner), `}`, `workgroupBarrier();`);
  lines.push(`for (var k0 = 0; k0 < k; k0 += ${wk}) {`, ...indent(core), `}`);
  for (let i = 0; i < rm; i++) {
    const body: string[] = [`let y${i} = y + ${i};`];
    for (let j = 0; j < rn; j += 4) {
      const at = atOf(...batch, [m, `y${i}`], [n, `x${i}_${j}`]);
      const put = stores(
        sheet,
        epilogue,
        `${i}_${j}`,
        at,
        `c${i}_${j >> 2}`,
        (l) => `x${i}_${j} + ${l} < n`,
      );
      body.push(`if (x + ${j} < n) {`, `  let x${i}_${j} = x + ${j};`, ...indent(put), `}`);
    }
    lines.push(`if (y + ${i} < m) {`, ...indent(body), `}`);
  }
  return module.finish({
    body: [...[...sheet.named.values()].map((p) => p.line), ...lines],
    group: [threads, 1, 1],
    workgroups: [across, down, batches],
    iterations: form.k + form.k / wk,
  });
}

/** What one operand's tile is called and how large it is. */
interface Bring {
  readonly name: "a" | "b";
  readonly own: number;
  readonly wide: number;
  readonly wk: number;
  readonly k: number;
  readonly threads: number;
  readonly batch: readonly (readonly [number, string])[];
}

/** Lines by which a work-group brings in a tile, zeros past the end. */
function brought(sheet: Sheet, use: Use, to: Bring): string[] {
  const { name, own, wide, wk, k, threads } = to;
  const lines: string[] = [];
  // Neighbouring invocations read neighbouring elements, whichever way the operand lies.
  const isAlongK = use.source?.loads.some((load) => load.strides.get(k) === 1) ?? false;
  const [first, extent] = name === "a" ? ["row", "m"] : ["column", "n"];
  for (let i = 0; i < (wide * wk) / threads; i++) {
    const at = `${name}e${i}`;
    const [o, s] = [`${name}o${i}`, `${name}s${i}`];
    lines.push(
      `let ${at} = thread + ${i * threads};`,
      `let ${o} = ${isAlongK ? `${at} / ${wk}` : `${at} % ${wide}`};`,
      `let ${s} = ${isAlongK ? `${at} % ${wk}` : `${at} / ${wide}`};`,
      `let ${o}_at = min(${first} + ${o}, ${extent} - 1);`,
      `let ${s}_at = min(k0 + ${s}, k - 1);`,
    );
    const fixed = fix(sheet, use, `${name}${i}`, atOf(...to.batch), lines);
    const value = single(sheet, fixed, atOf([own, `${o}_at`], [k, `${s}_at`]));
    const zero = `${use.term.type}()`;
    lines.push(
      `tile_${name}[${s} * ${wide} + ${o}] = select(${zero}, ${value}, k0 + ${s} < k);`,
    );
  }
  return lines;
}
