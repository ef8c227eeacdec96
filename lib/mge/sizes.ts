/**
 * Which axes of which arguments may change in a file.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";

/** Axes of arguments that change together. */
export interface Size {
  readonly at: readonly { readonly arg: number; readonly axis: number }[];
  /** The extent in the file. */
  readonly extent: number;
}

/** The axes 0 of the arguments, those of equal extents together. */
export function firstAxes(graph: Graph): readonly Size[] {
  const groups = new Map<number, Size>();
  graph.args.forEach(({ shape }, arg) => {
    if (!shape.length) return;
    const before = groups.get(shape[0])?.at ?? [];
    groups.set(shape[0], { extent: shape[0], at: [...before, { arg, axis: 0 }] });
  });
  return [...groups.values()];
}

/** The axes asked for by name, those of equal extents together. */
export function namedAxes(
  graph: Graph,
  names: readonly string[],
  wanted: Readonly<Record<string, readonly number[]>>,
): readonly Size[] {
  const groups = new Map<number, Size>();
  for (const [name, axes] of Object.entries(wanted)) {
    const arg = names.indexOf(name);
    const shape = graph.args[arg]?.shape;
    for (const axis of axes) {
      const extent = shape?.[axis];
      if (extent === undefined) {
        throw new OptionError(
          `Cannot leave axis ${axis} of ${name} open: ` +
            (shape ? `it has ${shape.length} axes` : `the arguments are ${names.join(", ")}`),
        );
      }
      groups.set(extent, { extent, at: [...groups.get(extent)?.at ?? [], { arg, axis }] });
    }
  }
  return [...groups.values()];
}
