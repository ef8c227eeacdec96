/**
 * Dumps with test cases: the main graph takes the expected values as further inputs and asserts
 * that they are met; each case is a small graph that holds the values, by ascending name.
 * @module
 */
import { type Graph, resultsOf } from "../core/graph.ts";
import { bytesIn, type Host } from "../core/host.ts";
import { type Named, printType, sameShape } from "../core/type.ts";
import { OptionError } from "../core/fault.ts";
import { evaluate } from "../cpu/evaluate.ts";
import { randomState } from "../io/random.ts";
import { expandSpecs, valuesOfSpec } from "./case_spec.ts";
import { type Emitter, fileDType, fileShape, type Var } from "./emitter.ts";
import { elemwise, integers, member, scalar, table } from "./legal/steps.ts";
import type { FileModel, FileOpr } from "./model.ts";
import type { Ending } from "./write.ts";

/** How test cases are made. */
export interface CaseOptions {
  /**
   * One spec a case, or its values by the inputs' names; those named `Y:expect` are what output Y
   * shall be, which is computed where it is left out.
   */
  readonly inputData: readonly (string | Readonly<Record<string, Host>>)[];
  /** Repeats the rows of values from files; 1 by default. */
  readonly repeat?: number;
  /** The embedded checks print nothing when they pass. */
  readonly silent?: boolean;
  /** Stores no expected values. */
  readonly noAssert?: boolean;
  /** Largest relative error that a check accepts; 1e-4 by default. */
  readonly maxerr?: number;
  /** Seed of `#rand`; 0 by default. */
  readonly seed?: number;
  /** Resizes pictures to the input's height and width; false by default. */
  readonly resizeInput?: boolean;
  /** Pictures in the order RGB; false by default, which is BGR. */
  readonly rgb?: boolean;
  /** Changes each value that came from a file, a picture's bytes among them. */
  readonly inputTransform?: (value: Host) => Host;
  /** Hears each case as name, shape, dtype, range, mean and deviation, and what was changed. */
  readonly log?: (line: string) => void;
}

/** One case: values by name. */
export type CaseValues = ReadonlyMap<string, Host>;

/** Values of the inputs for every spec. */
export async function caseInputs(
  inputs: readonly Named[],
  options: CaseOptions,
): Promise<readonly CaseValues[]> {
  const { resizeInput, rgb, repeat, inputTransform: transform, log = () => {} } = options;
  const random = randomState(options.seed ?? 0);
  const how = { random, repeat, transform, resizeInput, rgb, log };
  const cases: CaseValues[] = [];
  for (const given of options.inputData) {
    if (typeof given === "object" && given !== null) cases.push(givenCase(given, inputs));
    else {
      for (const spec of await expandSpecs([given])) {
        cases.push(await valuesOfSpec(spec, inputs, how));
      }
    }
  }
  if (!cases.length) {
    throw new OptionError("Cannot dump with inputData: testcases can not be empty");
  }
  for (const values of cases) {
    for (const [name, value] of values) log(summary(name, value));
  }
  return cases;
}

/** The values as they are; each input needs one of its dtype and rank. */
function givenCase(given: Readonly<Record<string, Host>>, inputs: readonly Named[]): CaseValues {
  const unknown = Object.keys(given).find((name) =>
    !name.endsWith(expectName("")) && !inputs.some((input) => input.name === name)
  );
  if (unknown !== undefined) {
    throw new OptionError(
      `Cannot make a test case with ${unknown}: there is no such input, they are ` +
        inputs.map(({ name }) => name).join(", "),
    );
  }
  for (const input of inputs) {
    const value = given[input.name];
    if (value === undefined) {
      throw new OptionError(`Cannot make a test case without a value for the input ${input.name}`);
    }
    if (
      value.dtype !== input.dtype || fileShape(value.shape).length !== fileShape(input.shape).length
    ) {
      throw new OptionError(
        `Cannot make a test case with ${input.name}: ${printType(value)}: it is ${
          printType(input)
        }`,
      );
    }
  }
  return new Map(Object.entries(given));
}

/** What each output of a case shall be: as the case says, else computed on the reference. */
export async function expectations(
  graphFor: GraphFor,
  graph: Graph,
  names: readonly string[],
  ends: readonly string[],
  values: CaseValues,
): Promise<readonly (readonly [string, Host])[]> {
  const wanted = ends.map(expectName);
  const computed = wanted.every((name) => values.has(name))
    ? []
    : await expectedOf(graphFor, graph, names, values);
  return wanted.map((name, i) => [name, values.get(name) ?? computed[i]] as const);
}

/** What a value is like, in a line. */
export function summary(name: string, { dtype, shape, data }: Host): string {
  const list = Array.from(data as Iterable<number>, Number);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  const variance = list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length;
  const [low, high] = list.reduce(
    ([a, b], x) => [Math.min(a, x), Math.max(b, x)],
    [Infinity, -Infinity],
  );
  return `${name}: shape [${shape}], ${dtype}, ${low} to ${high}, mean ${mean}, ` +
    `deviation ${Math.sqrt(variance)}`;
}

/** Stages a function again for arguments of other shapes. */
export type GraphFor = (shapes: readonly (readonly number[])[]) => Graph | Promise<Graph>;

/** The results of a graph for one case, computed on the reference. */
async function expectedOf(
  graphFor: GraphFor,
  base: Graph,
  names: readonly string[],
  values: CaseValues,
): Promise<readonly Host[]> {
  const given = names.map((name) => values.get(name));
  const same = base.args.every((t, i) => sameShape(t.shape, given[i]?.shape ?? t.shape));
  const graph = same ? base : await graphFor(base.args.map((t, i) => given[i]?.shape ?? t.shape));
  const bound = new Map(graph.args.flatMap((t, i) => {
    const value = given[i];
    return value ? [[t.node, value] as const] : [];
  }));
  const found = await evaluate(resultsOf(graph), bound);
  return found.map((h) => ({ ...h, shape: fileShape(h.shape) }));
}

/** The name of the input that holds what an output should be. */
function expectName(output: string): string {
  return `${output}:expect`;
}

/** Asserts that every end is what a further input says. */
export function asserting(maxerr: number, silent: boolean): Ending {
  return (e, ends, names) =>
    ends.map((got, i) => {
      const type = { dtype: got.dtype, shape: got.shape };
      const expect = e.input(expectName(names[i]), type);
      const error = largestError(e, expect, got);
      const param = table("AssertEqual", { maxerr, verbose: !silent });
      return e.opr("AssertEqual", [param], [expect, got, error], type, {
        label: `assert_eq(${expectName(names[i])},${names[i]})`,
      });
    });
}

/** max of |e - g| / max(min(|e|, |g|), 1), as the loader's own tools compute it. */
function largestError(e: Emitter, expect: Var, got: Var): Var {
  const size = (v: Var) => elemwise(e, "ABS", v);
  const least = elemwise(e, "MIN", size(got), size(expect));
  const under = elemwise(e, "MAX", least, scalar(e, 1, got.dtype));
  const share = elemwise(e, "TRUE_DIV", size(elemwise(e, "SUB", expect, got)), under);
  const param = table("Reduce", { mode: member("ReduceMode", "MAX") });
  return e.opr("ReduceV2", [param], [share, integers(e, [1])], {
    dtype: share.dtype,
    shape: [1],
  }, { label: "reduce" });
}

/** The graph of one case: a tensor for each input, by ascending name, all of them outputs. */
export function caseModel(values: CaseValues, like: FileModel): FileModel {
  const sorted = [...values].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const oprs = sorted.map(([, value], id): FileOpr => ({
    ...{ type: "SharedDeviceTensor", params: [], inputs: [], compNodes: [], blobs: [] },
    outputs: [{ id, name: `shared[${2 * id}]`, shape: fileShape(value.shape) }],
    tensors: [{
      shape: fileShape(value.shape),
      dtype: { name: fileDType(value.dtype) },
      compNode: "cpux:0",
      value: {
        bytes: value.data.byteLength,
        open: () => ReadableStream.from([bytesIn(value.data)]),
      },
    }],
  }));
  return {
    ...{ format: like.format, version: like.version, oprs, outputAlias: [] },
    ...(like.modelVersion === undefined ? {} : { modelVersion: like.modelVersion }),
    outputs: oprs.map((_, i) => ({ compact: i, original: 2 * i + 1 })),
    metadata: {
      ...{ isValid: false, graphModified: false, optimizeOptions: 0n },
      userInfo: new Uint8Array(0),
    },
    sharedTensors: oprs.length,
  };
}
