/**
 * What a contraction does with its sums: the bodies of the results, computed four neighbours at a
 * time and written as quads where the result has them side by side.
 * @module
 */
import type { Out } from "../../lib/core/form.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { type Access, quads, sourceOf, strided } from "./access.ts";
import { type Coordinate, element, fix, param, quad, type Sheet, type Use } from "./operand.ts";
import { useOf, writer } from "./operand.ts";
import { writes } from "./sheet_text.ts";

/** The results of a contraction, four neighbours along `axis` at a time. */
export interface Epilogue {
  readonly axis: number;
  /** Neighbours are written as quads; else one by one. */
  readonly quad: boolean;
  readonly outs: readonly { readonly value: Use; readonly address: Use; readonly step: number }[];
}

/** The axis along which all results can be written in quads, or the first; `undefined` if neither. */
export function epilogueAxis(
  outs: readonly Out[],
  axes: readonly number[],
): { axis: number; quad: boolean } | undefined {
  const inQuads = (out: Out, axis: number) => {
    const at = strided(out.index);
    return at !== undefined && quads(at, axis, sizeOf(out.type.shape)) &&
      writes(out.type.dtype, "quad");
  };
  const axis = axes.find((a) => outs.every((out) => inQuads(out, a)));
  if (axis !== undefined) return { axis, quad: true };
  if (outs.every((out) => writes(out.type.dtype, "element"))) return { axis: axes[0], quad: false };
  return undefined;
}

/** How the results are computed and addressed. */
export function epilogueOf(
  sheet: Sheet,
  outs: readonly Out[],
  rank: number,
  axis: number,
  quad: boolean,
): Epilogue {
  return {
    axis,
    quad,
    outs: outs.map((out, k) => {
      const value = useOf(sheet, `r${k}x`, out.body, sourceOf(out.body, 1), axis, rank, 1);
      const at = strided(out.index);
      const load: Access | undefined = at && { operand: -1, ...at };
      const address: Use = {
        name: `o${k}x`,
        source: load && { term: out.index, loads: [load], body: out.index, axes: [] },
        term: out.index,
        kind: "i32",
        axis,
        rank,
        accs: 0,
        modes: [load ? quad ? "quad" : "gather" : "general"],
      };
      return { value, address, step: at?.strides.get(axis) ?? 0 };
    }),
  };
}

/** Lines that write four neighbours; `inside` is the condition under which neighbour j exists. */
export function stores(
  sheet: Sheet,
  epilogue: Epilogue,
  id: string,
  at: ReadonlyMap<number, Coordinate>,
  acc: string,
  inside: (j: number) => string,
): string[] {
  const lines: string[] = [];
  epilogue.outs.forEach(({ value, address, step }, k) => {
    const from = fix(sheet, value, id, at);
    const result = quad(sheet, value, from.fixed, new Map(), [acc]);
    lines.push(...from.lines, ...result.lines);
    if (epilogue.quad) {
      const to = fix(sheet, address, id, at);
      lines.push(...to.lines, writer(sheet, "quad", k, to.fixed.names[0], result.text));
      return;
    }
    lines.push(`let y${k}_${id} = ${result.text};`);
    const to = fix(sheet, address, id, at);
    lines.push(...to.lines);
    for (let j = 0; j < 4; j++) {
      const place = address.source
        ? j && step
          ? `${to.fixed.names[0]} + ${j} * ${param(sheet, `o${k}x0_s${epilogue.axis}`, step)}`
          : to.fixed.names[0]
        : element(sheet, address, to.fixed, new Map([[epilogue.axis, {
          e: `${at.get(epilogue.axis)!.e} + ${j}`,
        }]]));
      const write = writer(sheet, "element", k, place, `y${k}_${id}[${j}]`);
      lines.push(`if (${inside(j)}) {`, write, "}");
    }
  });
  return lines;
}
