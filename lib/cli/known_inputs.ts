/**
 * Inputs whose values the command line gives before a graph runs.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { withKnown } from "../stage/known.ts";
import { inputValues } from "./input_spec.ts";
import { suggestion, usageError } from "./parse.ts";

/** The graph with the values that `--known NAME=SPEC` gives in the place of arguments. */
export async function knownInputs(graph: Graph, specs: readonly string[]): Promise<Graph> {
  if (specs.length === 0) return graph;
  const names = graph.args.map(({ node }, i) => node.name ?? `arg_${i}`);
  const asked = specs.map((text) => {
    const name = names.toSorted((a, b) => b.length - a.length)
      .find((name) => text.startsWith(`${name}=`));
    if (name !== undefined) return names.indexOf(name);
    throw usageError(
      `Cannot take --known ${text}: it is written NAME=SPEC, and the inputs are ` +
        `${names.join(", ")}; ${suggestion(text.replace(/=.*$/s, ""), names)}`,
    );
  });
  const inputs = [...new Set(asked)].map((i) => {
    const { dtype, shape } = graph.args[i];
    return { index: i, name: names[i], dtype, shape };
  });
  const values = await inputValues(inputs, specs, { seed: 0, log: () => {} });
  return withKnown(graph, new Map(inputs.map(({ index }, i) => [index, values[i]])));
}
