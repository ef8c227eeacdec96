/**
 * Maps: every invocation computes four neighbours of the flat iteration space, several times on an
 * adapter where an invocation costs much.
 * @module
 */
import type { MapForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { indent, moduleOf, spreadGroups, type WgslKernel } from "./kernel.ts";
import { scopeOf } from "./scalar.ts";
import { flatten } from "./space.ts";

/** Sizes of a map's kernel: elements side by side, repeats, and invocations of a work-group. */
interface MapVariant extends Variant {
  readonly lanes: 1 | 4;
  readonly repeats: number;
  readonly group: number;
}

/** The ways to compute a map, best guess first. */
export function mapVariants(form: MapForm, adapter: "software" | "gpu"): readonly Variant[] {
  const points = form.shape.reduce((a, b) => a * b, 1);
  const once: MapVariant = { name: "vec4", lanes: 4, repeats: 1, group: 64 };
  const more: MapVariant = { name: "vec4x4", lanes: 4, repeats: 4, group: 256 };
  const one: MapVariant = { name: "scalar", lanes: 1, repeats: 1, group: 64 };
  const isWord = form.outs.every(({ type }) => type.dtype === "f32" || type.dtype === "i32");
  const many = points >= 2 ** 16 && adapter === "software";
  return [...(many ? [more, once] : [once]), ...(isWord ? [one] : [])];
}

/** The kernel of a map. */
export function emitMap(form: MapForm, variant: Variant, limits: Limits): WgslKernel {
  const { lanes, repeats, group } = variant as MapVariant;
  const roots = form.outs.flatMap((out) => [out.index, out.body]);
  const { points, terms } = flatten(form.shape, [], roots);
  const module = moduleOf(form.ins, form.outs.map((o) => o.type), limits);
  const width = Math.min(group, limits.invocations);
  const chunks = Math.ceil(points / lanes);
  const workgroups = spreadGroups(Math.ceil(chunks / (width * repeats)), limits);
  const root = scopeOf(module);
  const row = module.param(workgroups[0]);
  const count = module.param(chunks);
  const start = repeats === 1
    ? `let chunk = (i32(wid.y) * ${row} + i32(wid.x)) * ${width} + i32(lid.x);`
    : `let first = (i32(wid.y) * ${row} + i32(wid.x)) * ${width * repeats} + i32(lid.x);`;
  const place = lanes === 4 ? { text: "i", step: 1 as const } : { text: "i" };
  const inner = root.child({ axes: new Map([[0, place]]) });
  const last = points % 4 ? module.param(points) : undefined;
  form.outs.forEach((_, k) => {
    const guard = last ? (lane: number) => `i + ${lane} < ${last}` : undefined;
    inner.store(k, terms[2 * k], terms[2 * k + 1], guard);
  });
  const work = [
    `if (chunk < ${count}) {`,
    ...indent([`let i = chunk${lanes === 4 ? " * 4" : ""};`, ...inner.lines]),
    `}`,
  ];
  // Repeats stand a work-group apart, so that neighbours read neighbouring memory.
  const body = repeats === 1 ? work : [
    `for (var u = 0; u < ${repeats}; u++) {`,
    ...indent([`let chunk = first + u * ${width};`, ...work]),
    `}`,
  ];
  return module.finish({
    body: [start, ...root.lines, ...body],
    group: [width, 1, 1],
    workgroups: points === 0 ? [0, 1, 1] : workgroups,
    iterations: repeats === 1 ? 0 : repeats,
  });
}
