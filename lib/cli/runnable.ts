/**
 * A model that runs on arrays, whether a file or a module states it.
 * @module
 */
import type { Host } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Machine } from "../core/target.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, pathText } from "../core/tree.ts";
import type { Named } from "../core/type.ts";
import { isExpected } from "../trace/testcase.ts";
import { type Profile, type ProfileOptions, withoutPlaces } from "../trace/profile.ts";
import { trace, type TraceOptions } from "../trace/trace.ts";
import { withLeaves } from "./module_model.ts";
import type { Opened } from "./opened.ts";

/** An output of a run. */
export interface NamedValue {
  readonly name: string;
  readonly value: Host;
}

/** A model that runs on arrays. */
export interface Runnable {
  readonly inputs: readonly Named[];
  /** Runs once; values are in the order of the inputs. The run is over when the outputs are here. */
  run(values: readonly Host[]): Promise<readonly NamedValue[]>;
  /** What each kernel of each run took; needs `profiling`. */
  profile(options?: ProfileOptions): Promise<Profile>;
  /** Releases the plans. */
  dispose(): void;
}

/** How a module's function is run; a file was told when it was loaded. */
export type RunOptions = Pick<TraceOptions, "profiling" | "optLevel">;

/** The opened model on a machine; a file with operators that cannot run here throws its reason. */
export function runnable(opened: Opened, machine: Machine, options: RunOptions = {}): Runnable {
  if (opened.kind === "file") {
    const { model } = opened;
    if (model.refusal) throw model.refusal;
    const inputs = model.inputs.filter(({ name }) => !isExpected(name)) as unknown as Named[];
    return {
      inputs,
      async run(values) {
        const given = inputs.map(({ name }, i) => [name, constant(values[i])] as const);
        return await valuesOf(machine, Object.entries(await model(Object.fromEntries(given))));
      },
      // Its places would be this program's.
      profile: async (options) => withoutPlaces(await model.profile(options)),
      dispose: model.dispose,
    };
  }
  const { source, types, inputs } = opened.module;
  const own = { ...opened.module.options, ...options };
  // Values are used again in each run, so none is given away.
  const traced = trace(source, { ...own, on: machine, recordOnly: false, donate: [] });
  return {
    inputs,
    async run(values) {
      const result = await traced(...withLeaves(types, values.map((v) => constant(v))) as never[]);
      const leaves = leavesOf(result, isTensor).map(({ leaf, path }, i) =>
        [resultName(path, i), leaf] as const
      );
      return await valuesOf(machine, leaves);
    },
    profile: traced.profile,
    dispose: traced.dispose,
  };
}

function resultName(path: readonly (string | number)[], i: number): string {
  return path.some((key) => typeof key === "string") ? pathText(path) : `output${i}`;
}

/** All outputs in one read; their memory goes back. */
async function valuesOf(
  machine: Machine,
  outputs: readonly (readonly [string, Tensor])[],
): Promise<readonly NamedValue[]> {
  const residents = outputs.map(([, t]) => t.node.data as Parameters<Machine["read"]>[0][number]);
  const values = await machine.read(residents);
  for (const [, t] of outputs) t.dispose();
  return outputs.map(([name], i) => ({ name, value: values[i] }));
}
