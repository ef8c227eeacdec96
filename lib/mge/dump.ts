/**
 * Dumping a graph: its model laid out, its bytes given front to back.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import type { Named } from "../core/type.ts";
import { gzip as compressed } from "../io/stream.ts";
import { checkDumpOptions, type DumpInfo, type DumpOptions } from "./dump_options.ts";
import { inferenceOf, noInference } from "./infer/options.ts";
import { layOut } from "./layout.ts";
import type { FileModel } from "./model.ts";
import type { FileLayout, OnProgress } from "./parts.ts";
import { writePickle } from "./pickle_write.ts";
import { type StripInfo, stripInfo } from "./strip.ts";
import {
  asserting,
  caseInputs,
  caseModel,
  type CaseValues,
  expectations,
  type GraphFor,
  summary,
} from "./testcase.ts";
import { layOutTestcases } from "./testcase_file.ts";
import {
  argumentNames,
  type Further,
  writeModel,
  type WriteOptions,
  type WrittenModel,
} from "./write.ts";
import { flexibleOperators } from "./flexible.ts";
import { firstAxes, namedAxes } from "./sizes.ts";

/** A dump whose every offset is fixed. */
export interface Dump {
  readonly info: DumpInfo;
  /** Bytes of the file before compression. */
  readonly totalBytes: number;
  /** What the model uses, for builds cut down to it. */
  readonly strip: StripInfo;
  /** Gives the bytes; stopping the iteration stops the sources being read. */
  emit(onProgress?: OnProgress): AsyncIterable<Uint8Array>;
}

/** Refuses graphs that no file can hold. */
function checkGraph(graph: Graph): void {
  if (resultsOf(graph).length === 0) {
    throw new OptionError(
      "Cannot dump a function without results: it should return a tensor, or a list or record " +
        "of tensors",
    );
  }
}

/** The pickle of None as Python 3.8 writes it. */
const none = Uint8Array.of(0x80, 4, 0x4e, 0x2e);

function writeOptions(options: DumpOptions): WriteOptions {
  const { enableMetadata = true, optimizeForInference = true, userInfo } = options;
  const info = userInfo === undefined || userInfo === null ? none : writePickle(userInfo);
  const inference = optimizeForInference ? inferenceOf(options) : noInference;
  return {
    format: options.format === "FBS" ? "V1" : "V2",
    level: options.optLevel === 0 ? 0 : 1,
    inference,
    argNames: options.argNames,
    outputNames: options.outputNames,
    keepVarName: options.keepVarName ?? 1,
    keepOprName: options.keepOprName ?? false,
    keepParamName: options.keepParamName ?? false,
    keepOprPriority: options.keepOprPriority ?? false,
    metadata: {
      isValid: enableMetadata,
      graphModified: false,
      userInfo: enableMetadata ? info : new Uint8Array(0),
      optimizeOptions: enableMetadata ? inference.bits : 0n,
    },
  };
}

function dumpOf(
  written: WrittenModel,
  layout: FileLayout,
  file: FileLayout,
  options: DumpOptions,
  cases: readonly FileModel[] = [],
): Dump {
  const { model } = written;
  return {
    info: {
      nrOpr: model.oprs.length,
      totBytes: file.totalBytes,
      tensorValueBytes: layout.tensorBytes,
      contentHash: String(layout.hash),
      inputs: [...written.inputs].sort(),
      outputs: written.outputs,
      params: written.params,
      reported: written.reported,
    },
    totalBytes: file.totalBytes,
    strip: stripInfo([model, ...cases], written.dtypes, layout.hash),
    emit(onProgress = options.onProgress) {
      const bytes = file.emit(onProgress);
      return options.gzip ? compressed(bytes) : bytes;
    },
  };
}

/** Lays out a dump of a graph without test cases. */
export function dumpGraph(graph: Graph, options: DumpOptions = {}): Dump {
  checkDumpOptions(options);
  checkGraph(graph);
  const written = writeModel(graph, writeOptions(options));
  const layout = layOut(written.model);
  return dumpOf(written, layout, layout, options);
}

/**
 * Lays out a dump with sizes that may change, and with test cases if `inputData` names any.
 * `graphFor` stages the function again for arguments of other shapes.
 */
export async function dumpFunction(
  graph: Graph,
  options: DumpOptions,
  graphFor: GraphFor,
): Promise<Dump> {
  checkDumpOptions(options);
  checkGraph(graph);
  const plan = writeOptions(options);
  const names = argumentNames(graph, options.argNames);
  const further = await flexibly(graph, graphFor, options.flexible ?? true, plan, names);
  const plain = writeModel(graph, plan, further());
  if (options.inputData === undefined) {
    const layout = layOut(plain.model);
    return dumpOf(plain, layout, layout, options);
  }
  const { inputData, noAssert = false, maxerr = 1e-4, silent = false } = options;
  const inputs = plain.used.map((i): Named => {
    const { dtype, shape } = graph.args[i];
    return { name: names[i], dtype, shape };
  });
  const cases: CaseValues[] = [];
  for (const values of await caseInputs(inputs, { ...options, inputData })) {
    const expected = noAssert ? [] : await expectations(graphFor, graph, names, plain.ends, values);
    for (const [name, value] of expected) {
      if (!values.has(name)) options.log?.(summary(name, value));
    }
    const own = inputs.map(({ name }) => [name, values.get(name)!] as const);
    cases.push(new Map([...own, ...expected]));
  }
  const ending = noAssert ? undefined : asserting(maxerr, silent);
  const written = writeModel(graph, plan, { ...further(), ending });
  const main = layOut(written.model);
  const graphs = cases.map((c) => caseModel(c, written.model));
  const file = layOutTestcases(main, graphs.map(layOut));
  return dumpOf(written, main, file, options, graphs);
}

/** The graph's operators for sizes that may change, or none with a note of why not. */
async function flexibly(
  graph: Graph,
  graphFor: GraphFor,
  wanted: NonNullable<DumpOptions["flexible"]>,
  plan: WriteOptions,
  names: readonly string[],
): Promise<() => Further> {
  if (wanted === false) return () => ({});
  const asked = typeof wanted === "object";
  const sizes = asked ? namedAxes(graph, names, wanted) : firstAxes(graph);
  const tries = asked || sizes.length < 2 ? [sizes] : [sizes, sizes.slice(0, 1)];
  let why = "";
  for (const some of tries) {
    if (!some.length) return () => ({});
    const found = await flexibleOperators(graph, graphFor, some, plan, names);
    if (typeof found !== "string") {
      const notes = sizes.slice(some.length).flatMap(({ at }) =>
        at.map(({ arg, axis }) => `axis ${axis} of ${names[arg]} is fixed: ${why}`)
      );
      return () => ({ operators: found, notes });
    }
    why = found;
  }
  const [{ at: [{ arg, axis }] }] = sizes;
  if (asked) {
    throw new OptionError(`Cannot dump with axis ${axis} of ${names[arg]} open: ${why}`);
  }
  return () => ({ notes: [`the sizes of all arguments are fixed: ${why}`] });
}
