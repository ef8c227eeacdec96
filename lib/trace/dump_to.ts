/**
 * Planning dumps of functions, and writing them into a path, an open file or a web stream. A path
 * is replaced only when the new file is whole.
 * @module
 */
import { OptionError, placeOf, TraceError } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import { arg } from "../core/leaf.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, pathText } from "../core/tree.ts";
import type { Named, Type } from "../core/type.ts";
import { openBytes } from "../io/bytes.ts";
import { type Target, writeTo } from "../io/sink.ts";
import { type Dump, dumpFunction } from "../mge/dump.ts";
import { checkDumpOptions, type DumpInfo, type DumpOptions } from "../mge/dump_options.ts";
import { stripText } from "../mge/strip.ts";
import { graphOf, isType, stage } from "../stage/stage.ts";
import type { AnyFunction, DumpToOptions } from "./dump.ts";
import { record } from "./record.ts";
import type { Traced } from "./traced.ts";

type AnyTraced = Traced<never[], unknown>;

function isTraced(f: AnyFunction): f is AnyTraced & AnyFunction {
  return "source" in f && "recorded" in f;
}

/** Types with the shapes given, leaf by leaf. */
function reshaped(
  types: readonly unknown[],
  shapes: readonly (readonly number[])[],
): readonly unknown[] {
  let at = 0;
  return mapTree(types, isType, (t: Type | Named) => ({ ...t, shape: shapes[at++] })) as unknown[];
}

/** The graph of a function for argument types. */
async function graphOfTypes(f: AnyFunction, types: readonly unknown[]): Promise<Graph> {
  if (!isTraced(f)) return stage(f, types);
  const leaves = mapTree(types, isType, (t: Type | Named) => arg(t)) as readonly unknown[];
  try {
    return (await record(f.source as AnyFunction, leaves)).graph;
  } catch (error) {
    const isHole = error instanceof TraceError && error.reason === "excluded region";
    throw isHole ? excluded(error.place) : error;
  }
}

/** The types to dump for, and the graph of the latest call if it was for them. */
function subjectOf(
  f: AnyFunction,
  types: readonly unknown[] | undefined,
): { types: readonly unknown[]; graph?: Graph } {
  if (!isTraced(f)) return { types: types ?? [] };
  const { captureAsConst, recordOnly } = f.options;
  if (!captureAsConst && !recordOnly) {
    throw new TraceError(
      "no captureAsConst",
      "Cannot dump: what the function captures is bound at each call\n" +
        "  try trace(f, { captureAsConst: true })",
    );
  }
  if (types) return { types };
  if (!f.recorded) {
    throw new TraceError(
      "never called",
      "Cannot dump: the function was never called\n  try dump(sink, { types: [f32([1, 3])] })",
    );
  }
  return f.recorded;
}

/** What a region outside the record gave has no meaning in a file. */
function refuseHoles(graph: Graph): void {
  const hole = graph.cuts.find((cut) => cut.kind === "hole");
  if (hole) throw excluded(placeOf(hole.site));
}

function excluded(place: string | undefined): TraceError {
  return new TraceError(
    "excluded region",
    `Cannot dump: a file cannot run the region excluded from the trace${
      place ? `\n  at ${place}` : ""
    }`,
    { place },
  );
}

/** Lays out the file of a function for arguments of these types. */
export async function planned(
  f: AnyFunction,
  types: readonly unknown[] | undefined,
  options: DumpOptions,
): Promise<Dump> {
  checkDumpOptions(options);
  const subject = subjectOf(f, types);
  refuseTensors(subject.types);
  const graph = subject.graph ?? await graphOfTypes(f, subject.types);
  refuseHoles(graph);
  return await dumpFunction(
    byName(graph),
    options,
    async (shapes) => byName(await graphOfTypes(f, reshaped(subject.types, shapes))),
  );
}

/** The results of a record in the order of their names, as MegEngine has them. */
function byName(graph: Graph): Graph {
  const results = resultsOf(graph);
  if (!results.length || graph.names.includes("")) return graph;
  const order = [...graph.names.keys()].sort((i, k) => graph.names[i] < graph.names[k] ? -1 : 1);
  return graphOf(graph.args, order.map((i) => results[i]), order.map((i) => graph.names[i]));
}

function refuseTensors(types: readonly unknown[]): void {
  const [found] = leavesOf<Tensor>(types, isTensor);
  if (!found) return;
  throw new OptionError(
    `Cannot dump for types: ${pathText(found.path)} is a tensor; give types such as f32([1, 3])`,
  );
}

/** What `dumpTo` takes beside what is in the file. */
const sinkOptions = ["types", "append", "stripInfoFile", "appendJson", "signal"] as const;

/**
 * Writes a traced function as a model file into a path, an open file or a web stream. An error or
 * a cancel leaves a path's old file as it was.
 */
export async function dumpTo(
  f: AnyFunction,
  sink: Target,
  options: DumpToOptions = {},
): Promise<DumpInfo> {
  checkDumpOptions(options, sinkOptions);
  const { types, append, stripInfoFile, appendJson, signal, ...rest } = options;
  if (append && typeof sink !== "string" && !(sink instanceof URL)) {
    throw new OptionError("Cannot append to an open sink: append is for paths\n  try a path");
  }
  signal?.throwIfAborted();
  const made = await planned(f, types, rest);
  // What stands in the way of the second file is said before the first is replaced.
  const before = stripInfoFile !== undefined && appendJson
    ? await textOf(stripInfoFile)
    : undefined;
  const strip = stripText(made.strip, before, stripInfoFile);
  await writeTo(sink, made.emit(), { append, signal });
  if (stripInfoFile !== undefined) {
    await writeTo(stripInfoFile, [new TextEncoder().encode(strip)], { signal });
  }
  return made.info;
}

/** The text of a file; none if there is no file. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    const source = await openBytes(path);
    return new TextDecoder().decode(await source.read(0, source.size));
  } catch (error) {
    if (await isAbsent(path)) return undefined;
    throw error;
  }
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
