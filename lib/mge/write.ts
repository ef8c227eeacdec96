/**
 * The plain data of a model file from a graph: operators with ids, and names as MegEngine gives
 * them.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import {
  anyDevice,
  type Drafted,
  type Emitter,
  fileDType,
  neededBy,
  outputOf,
  slotOf,
  type Var,
} from "./emitter.ts";
import { countShared } from "./ids.ts";
import { noInference } from "./infer/options.ts";
import type { Written } from "./legal.ts";
import { table } from "./legal/steps.ts";
import type { FileMetadata, FileModel, FileOpr, FileOutput } from "./model.ts";
import { type Making, operatorsOf } from "./operators.ts";

/** What of names and metadata goes into a file. */
export interface WriteOptions extends Making {
  readonly argNames?: readonly string[];
  readonly outputNames?: readonly string[];
  /** 0 none, 1 those of the results, 2 all. */
  readonly keepVarName: 0 | 1 | 2;
  readonly keepOprName: boolean;
  readonly keepParamName: boolean;
  readonly keepOprPriority: boolean;
  readonly metadata: FileMetadata;
}

/** A model, and what it calls its ends. */
export interface WrittenModel {
  readonly model: FileModel;
  /** Names of the inputs that are in the file, in order of the arguments. */
  readonly inputs: readonly string[];
  /** Which arguments these are. */
  readonly used: readonly number[];
  readonly outputs: readonly string[];
  /** The graph's own results, where `outputs` are what was put behind them. */
  readonly ends: readonly string[];
  /** Element types of all variables. */
  readonly dtypes: readonly string[];
  readonly params: readonly string[];
  /** What the file leaves out, in words. */
  readonly reported: readonly string[];
}

/** The library version that files state: that of the released MegEngine. */
const version = 101300;
/** Priority of operators that compute nothing. */
const sourcePriority = -(2 ** 31);

/** Changes the end of a graph after its operators are there, as test cases do. */
export type Ending = (e: Emitter, ends: readonly Var[], names: readonly string[]) => readonly Var[];

/** What else may shape a model. */
export interface Further {
  readonly ending?: Ending;
  /** Gives the graph's operators, fresh each time, where they are made in another way. */
  readonly operators?: () => Written;
  /** What is reported besides. */
  readonly notes?: readonly string[];
}

/** Writes a graph as a model. */
export function writeModel(
  graph: Graph,
  options: WriteOptions,
  { ending, operators, notes = [] }: Further = {},
): WrittenModel {
  const argNames = argumentNames(graph, options.argNames);
  const given = resultNames(graph, options.outputNames);
  const plain = operatorsOf(graph, { ...options, inference: noInference }, argNames);
  const usual = endNames(plain, given);
  const { e, roots, args } = operators?.() ??
    (options.inference.plain ? operatorsOf(graph, options, argNames) : plain);
  const own = roots.map((v, i) => ownEnd(e, roots, v, given, i));
  const stated = new Map(own.map((v, i) => [slotOf(v), usual[i].result]));
  const outputs = own.map((v) => stated.get(slotOf(v))!);
  const ends = ending ? ending(e, own, outputs) : own;
  const drafts = neededBy(e.all, ends);
  const names = namesOf(drafts, stated, new Map(own.map((v, i) => [v.from, usual[i].operator])));
  const ids = idsOf(drafts);
  const finals = new Set(ends.map((v) => v.from));
  const oprs = drafts.map((d) => {
    const { first, original } = ids.get(d)!;
    const keeps = options.keepVarName !== 0 &&
      (options.format === "V2" || options.keepVarName === 2 || finals.has(d));
    const name = names.get(d)!;
    const varNames = d.outs.map((slot, i) => stated.get(slot) ?? outputName(outputOf(d, i), names));
    return operator(d, {
      inputs: d.ins.map((v) => ids.get(v.from)!.first + v.out),
      outputs: d.outs.map(({ shape }, i): FileOutput => ({
        id: first + i,
        ...(keeps ? { name: varNames[i], shape } : {}),
      })),
      ...(options.keepOprName ? { name: d.given ?? name } : {}),
      ...(options.keepOprPriority ? { priority: d.ins.length ? original : sourcePriority } : {}),
    }, options.keepParamName);
  });
  const model: FileModel = {
    ...{ format: options.format, version, oprs, outputAlias: [], metadata: options.metadata },
    ...(options.format === "V2" ? { modelVersion: 2 } : {}),
    outputs: ends.map(({ from, out }) => {
      const { first, original } = ids.get(from)!;
      return { compact: first + out, original: original + 1 + out };
    }),
    sharedTensors: countShared(oprs),
  };
  const inFile = new Set(drafts);
  const used = args.flatMap((v, i) => inFile.has(v.from) ? [i] : []);
  return {
    ...{ model, used },
    inputs: drafts.flatMap((d) => d.type === "Host2DeviceCopy" ? [d.given!] : []),
    outputs: ends.map((v, i) =>
      options.keepVarName === 0 ? `unnamed${i}` : stated.get(slotOf(v)) ?? outputName(v, names)
    ),
    ends: outputs,
    dtypes: [...new Set(drafts.flatMap((d) => d.outs.map((t) => fileDType(t.dtype))))],
    params: options.keepParamName ? drafts.flatMap((d) => isParam(d) ? [d.given!] : []) : [],
    reported: [
      ...notes,
      ...argNames.flatMap((name, i) =>
        used.includes(i) ? [] : [`argument ${name} is not in the file: no result needs it`]
      ),
      ...(drafts.some((d) => d.type === "UniformRNGV1")
        ? ["the file draws other random numbers in every run: its generators take no key"]
        : []),
    ],
  };
}

function isParam(d: Drafted): boolean {
  return d.type === "SharedDeviceTensor";
}

/**
 * The names given, else the authors', else `arg_0` and so on; equal ones are numbered. Names may be
 * given for all arguments, or for those that have none: keys of records keep theirs.
 */
export function argumentNames(graph: Graph, given?: readonly string[]): readonly string[] {
  const { args } = graph;
  const open = args.filter(({ node }) => node.name === undefined);
  if (given && given.length !== args.length && given.length !== open.length) {
    const some = open.length < args.length ? `, or ${open.length} for those without a name` : "";
    throw new OptionError(
      `Cannot dump: wrong number of argNames, should be ${args.length} values${some}, ` +
        `found ${given.length}`,
    );
  }
  const named = given?.length === args.length ? args : open;
  const names = new Map(given?.map((name, i) => [named[i], name]));
  return numbered(args.map((t, i) => names.get(t) ?? t.node.name ?? `arg_${i}`));
}

/** The names given, else the keys of a record; empty where neither says one. */
function resultNames(graph: Graph, given?: readonly string[]): readonly string[] {
  const n = resultsOf(graph).length;
  if (!given) return Array.from({ length: n }, (_, i) => graph.names[i] ?? "");
  if (graph.names.some((name) => name !== "")) {
    throw new OptionError(
      "Cannot dump with outputNames: cannot specify outputNames when the result is a record, " +
        "whose keys are the names",
    );
  }
  if (given.length !== n) {
    throw new OptionError(
      `Cannot dump: wrong number of outputNames, should be ${n} values, found ${given.length}`,
    );
  }
  return given;
}

/** A variable has one name: where two are wanted, an identity carries the second. */
function ownEnd(
  e: Emitter,
  roots: readonly Var[],
  v: Var,
  names: readonly string[],
  i: number,
): Var {
  if (!names[i]) return v;
  const leaf = v.from.given !== undefined && v.from.given !== names[i];
  const again = roots.slice(0, i).filter((r, k) => isSame(r, v) && names[k] !== names[i]);
  if (!leaf && !again.length) return v;
  return e.opr("Identity", [table("Empty")], [v], v, { nth: again.length });
}

function isSame(a: Var, b: Var): boolean {
  return a.from === b.from && a.out === b.out;
}

interface Ids {
  /** Id of the first output in the file. */
  readonly first: number;
  /** The operator's number in the graph; its outputs come behind it. */
  readonly original: number;
}

function idsOf(drafts: readonly Drafted[]): ReadonlyMap<Drafted, Ids> {
  const ids = new Map<Drafted, Ids>();
  let first = 0, original = 0;
  for (const d of drafts) {
    ids.set(d, { first, original });
    first += d.outs.length;
    original += 1 + d.outs.length;
  }
  return ids;
}

/** Labels with `[0]`, `[1]` behind those that stand several times, or that others have. */
function numbered(
  labels: readonly string[],
  others: ReadonlySet<string> = new Set(),
): readonly string[] {
  const times = new Map<string, number>();
  for (const label of labels) times.set(label, (times.get(label) ?? 0) + 1);
  const next = new Map<string, number>();
  return labels.map((label) => {
    if (times.get(label) === 1 && !others.has(label)) return label;
    let n = next.get(label) ?? 0;
    while (others.has(`${label}[${n}]`)) n++;
    next.set(label, n + 1);
    return `${label}[${n}]`;
  });
}

/** Names of operators: some have theirs already, the others keep clear of all that are taken. */
function namesOf(
  drafts: readonly Drafted[],
  taken: ReadonlyMap<object, string> = new Map(),
  own: ReadonlyMap<Drafted, string> = new Map(),
): ReadonlyMap<Drafted, string> {
  const free = drafts.filter((d) => !own.has(d));
  const names = numbered(free.map((d) => d.label), new Set([...taken.values(), ...own.values()]));
  return new Map([...own, ...free.map((d, i) => [d, names[i]] as const)]);
}

/** What a plain dump calls its results, and the operators that make them; rewriting keeps that. */
function endNames(
  { e, roots }: Written,
  given: readonly string[],
): readonly { readonly operator: string; readonly result: string }[] {
  const own = roots.map((v, i) => ownEnd(e, roots, v, given, i));
  const names = namesOf(neededBy(e.all, own));
  return own.map((v, i) => ({
    operator: names.get(v.from)!,
    result: given[i] || outputName(v, names),
  }));
}

function outputName(v: Var, names: ReadonlyMap<Drafted, string>): string {
  const name = names.get(v.from)!;
  return v.from.outs.length > 1 ? `${name}:o${v.out}` : name;
}

function operator(
  d: Drafted,
  more: Pick<FileOpr, "inputs" | "outputs" | "name" | "priority">,
  keepParamName: boolean,
): FileOpr {
  const { type, params, tensor, outputDtype } = d;
  const { name: _, ...anonymous } = tensor ?? { name: "" };
  const kept = tensor && (isParam(d) && !keepParamName ? anonymous as typeof tensor : tensor);
  const alone = d.ins.length === 0 && type !== "Host2DeviceCopy";
  return {
    ...{ type, params, ...more, tensors: kept ? [kept] : [], blobs: [] },
    ...(outputDtype ? { outputDtype: { name: fileDType(outputDtype) } } : {}),
    compNodes: alone && !tensor ? [anyDevice] : [],
  };
}
