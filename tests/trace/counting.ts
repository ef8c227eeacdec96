/**
 * A machine that keeps what it has loaded, for tests that count plans and kernels.
 * @module
 */
import type { CompileOptions, Loaded, Machine } from "../../lib/core/target.ts";
import type { Graph } from "../../lib/core/graph.ts";

/** The machine, and all that it loaded, in order. */
export interface Counting {
  readonly machine: Machine;
  readonly loaded: readonly Loaded[];
}

/** A machine that is another one, and counts. */
export function countingMachine(on: Machine): Counting {
  const loaded: Loaded[] = [];
  const machine: Machine = Object.create(on, {
    compile: {
      value: async (graph: Graph, options: CompileOptions) => {
        const made = await on.compile(graph, options);
        loaded.push(made);
        return made;
      },
    },
  });
  return { machine, loaded };
}
