/**
 * A run on values that the command line gives, and the comparison of its outputs with files.
 * @module
 */
import { arrayIn } from "../io/arrays.ts";
import {
  compareValues,
  type Comparison,
  suiteTolerance,
  type Tolerance,
} from "./compare_values.ts";
import { type InputOptions, inputValues } from "./input_spec.ts";
import { suggestion, usageError } from "./parse.ts";
import type { NamedValue, Runnable } from "./runnable.ts";
import type { Ran } from "./run_cases.ts";
import { timed, type Timing } from "./run_times.ts";

/** Runs a model on the values that specs name. */
export async function runValues(
  model: Runnable,
  specs: readonly string[],
  options: Timing & InputOptions,
): Promise<Ran> {
  const inputs = await inputValues(model.inputs, specs, options);
  const { last, times } = await timed(() => model.run(inputs), options);
  return { outputs: last, cases: [], times: [times], inputs: [inputs] };
}

/** Compares outputs with the files that `--check name=file` names. */
export async function checkOutputs(
  outputs: readonly NamedValue[],
  checks: readonly string[],
  tolerance: Partial<Tolerance>,
): Promise<readonly { readonly name: string; readonly found: Comparison }[]> {
  const done: { name: string; found: Comparison }[] = [];
  for (const text of checks) {
    const output = outputs.find(({ name }) => text.startsWith(`${name}=`));
    if (!output) {
      const names = outputs.map(({ name }) => name);
      const name = text.replace(/=.*$/s, "");
      throw usageError(
        `Cannot take --check ${text}: it is written NAME=FILE, and the outputs are ` +
          `${names.join(", ")}; ${suggestion(name, names)}`,
      );
    }
    const want = await arrayIn(text.slice(output.name.length + 1), output.name);
    const limits = { ...suiteTolerance, ...tolerance };
    done.push({ name: output.name, found: compareValues(output.value, want, limits) });
  }
  return done;
}
