/**
 * The test cases that a model file may hold: values for its inputs, among them the expected
 * outputs, which the model's own assertions compare.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Imported, importModel } from "../mge/import.ts";
import type { FileModel } from "../mge/model.ts";
import { read } from "./read.ts";

/** One embedded test case. */
export interface TestCase {
  /** Values by input name; `Y:expect` is what output Y shall be. */
  readonly values: Readonly<Record<string, Tensor>>;
  /** Runs the model on the values and compares what its assertions compare. */
  run(): Promise<CaseResult>;
}

/** What a test case gave. */
export interface CaseResult {
  /** True if every assertion held. */
  readonly passed: boolean;
  /** The largest error among the assertions; 0 if there are none. */
  readonly worst: number;
  /** One entry for each assertion. */
  readonly checks: readonly CaseCheck[];
  /** The model's outputs by name; with assertions, the expected values. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** One assertion. */
export interface CaseCheck {
  /** Name of the output that is compared. */
  readonly name: string;
  /** The largest error, relative where both values are larger than 1. */
  readonly error: number;
  /** The error that the model allows. */
  readonly most: number;
  /** True if the output is near enough. */
  readonly passed: boolean;
  /** What was computed and what was expected. */
  readonly got?: Tensor;
  /** The value expected. */
  readonly want?: Tensor;
}

/** An assertion of a run whose error is still to be read. */
export interface Ran {
  readonly outputs: readonly Tensor[];
  readonly checks: readonly {
    readonly name: string;
    readonly most: number;
    readonly error: Tensor;
    readonly got?: Tensor;
    readonly want?: Tensor;
  }[];
}

/** True for an input that only an assertion reads. */
export function isExpected(name: string): boolean {
  return name.endsWith(":expect");
}

/** Reads the errors of a run's assertions; an error that is no number is none that is allowed. */
export async function checkedNow(checks: Ran["checks"]): Promise<CaseCheck[]> {
  const found: CaseCheck[] = [];
  for (const { error, ...check } of checks) {
    const value = Number((await read(error)).data[0]);
    error.dispose();
    found.push({ ...check, error: value, passed: value <= check.most });
  }
  return found;
}

/** The cases of a file: each graph gives the values in the order of the inputs' sorted names. */
export async function testcasesOf(
  model: Imported,
  graphs: readonly FileModel[],
  run: (ins: readonly Tensor[]) => Promise<Ran>,
): Promise<readonly TestCase[]> {
  const names = model.inputs.map(({ name }) => name).sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
  const cases: TestCase[] = [];
  for (const [i, graph] of graphs.entries()) {
    const { outputs } = (await importModel(graph, `test case ${i}`)).call([]);
    if (outputs.length !== names.length) {
      throw new FormatError(
        `Cannot read test case ${i}: it has ${outputs.length} values, ` +
          `the model has the inputs ${names.join(", ")}`,
        { code: "format.testcase" },
      );
    }
    const values = Object.fromEntries(names.map((name, k) => [name, outputs[k]]));
    cases.push({
      values,
      async run() {
        const ran = await run(model.inputs.map(({ name }) => values[name]));
        const checks = await checkedNow(ran.checks);
        return {
          passed: checks.every((check) => check.passed),
          worst: checks.reduce(
            (most, { error }) => error > most || error !== error ? error : most,
            0,
          ),
          checks,
          outputs: Object.fromEntries(model.outputs.map(({ name }, k) => [name, ran.outputs[k]])),
        };
      },
    });
  }
  return cases;
}
