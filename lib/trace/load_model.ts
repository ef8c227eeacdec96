/**
 * Loading a model file as a function: a path, URL, bytes, blob or stream, gzip or not, with its
 * embedded test cases.
 * @module
 */
import { DTypeError, OptionError, TraceError } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { type Named, named, type Type } from "../core/type.ts";
import { type BytesLike, openBytes } from "../io/bytes.ts";
import { unpacked } from "../io/unpack.ts";
import { type Imported, importModel } from "../mge/import.ts";
import { readModel } from "../mge/open_file.ts";
import { graphOf, stage } from "../stage/stage.ts";
import type { Check } from "../mge/rule.ts";
import { checkedNow, isExpected, type Ran, testcasesOf } from "./testcase.ts";
import type { LoadOptions, Model } from "./load.ts";
import { joinedProfiles, type Profile, type ProfileOptions } from "./profile.ts";
import { trace } from "./trace.ts";

/** Loads a model file; see `load`. */
export async function loadModel(source: BytesLike, options: LoadOptions): Promise<Model> {
  const { signal } = options;
  signal?.throwIfAborted();
  const bytes = await unpacked(await openBytes(source), signal);
  let loading = true;
  const file = await readModel({
    size: bytes.size,
    read(at, length) {
      if (loading) signal?.throwIfAborted();
      return bytes.read(at, length);
    },
  });
  const name = options.name ?? nameOf(source);
  const main = file.models[0];
  const model = await importModel(main, name);
  signal?.throwIfAborted();
  const run = runner(model, options);
  const testcases = await testcasesOf(model, file.testcases, run.compared);
  loading = false;
  const call = async (...args: readonly unknown[]): Promise<Record<string, Tensor>> => {
    const ins = inOrder(model, args, name);
    const { outputs, checks } = await run.outputs(ins);
    for (const { name, error, most, passed } of await checkedNow(checks)) {
      if (passed) continue;
      for (const t of outputs) t.dispose();
      throw new TraceError(
        "unequal value",
        `Cannot accept output ${name}: it differs from ${name}:expect by ${error}, ` +
          `the model allows ${most}\n  try the call without ${name}:expect to see what it computes`,
        { values: { error, most } },
      );
    }
    return byName(model, outputs);
  };
  return Object.assign(call, {
    format: main.format,
    bytes: bytes.size,
    inputs: model.inputs,
    outputs: model.outputs,
    params: model.params,
    operators: model.operators,
    metadata: model.metadata,
    listing: model.listing,
    testcases,
    ...(model.refusal ? { refusal: model.refusal } : {}),
    source: (...ins: Tensor[]) => byName(model, model.call(inOrder(model, ins, name)).outputs),
    graph: (types?: readonly Type[]) => graphFor(model, types, "outputs"),
    variables: (types?: readonly Type[]) => graphFor(model, types, "variables"),
    profile: run.profile,
    dispose: run.dispose,
    [Symbol.asyncDispose]: () => Promise.resolve(run.dispose()),
  }) as Model;
}

/** Runs with plans by argument types; test cases also want what was compared. */
interface Runner {
  outputs(ins: readonly (Tensor | undefined)[]): Promise<Ran>;
  compared(ins: readonly (Tensor | undefined)[]): Promise<Ran>;
  profile(options?: ProfileOptions): Promise<Profile>;
  dispose(): void;
}

function nameOf(source: BytesLike): string | undefined {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.protocol === "file:" ? source.pathname : source.href;
  return typeof File !== "undefined" && source instanceof File ? source.name : undefined;
}

function runner(model: Imported, { on, profiling, optLevel }: LoadOptions): Runner {
  const make = (whole: boolean) => {
    const labels = new Map<string, readonly Label[]>();
    // a record, so that left-out arguments do not move the others
    const staged = (given: Readonly<Record<string, Tensor>>) => {
      const { outputs, checks } = model.call(model.inputs.map((_, i) => given[i]));
      labels.set(Object.keys(given).join(), checks);
      return {
        outputs,
        errors: checks.map(({ error }) => error),
        compared: whole ? checks.map(({ got, want }) => ({ got, want })) : [],
      };
    };
    const traced = trace(staged, { on, profiling, optLevel, captureAsConst: true });
    const run = async (ins: readonly (Tensor | undefined)[]): Promise<Ran> => {
      const given = Object.fromEntries(ins.flatMap((t, i) => t ? [[i, t]] : []));
      const { outputs, errors, compared } = await traced(given);
      const known = labels.get(Object.keys(given).join())!;
      const checks = errors.map((error, i) => ({
        ...{ name: known[i].name, most: known[i].most, error },
        ...compared[i],
      }));
      return { outputs, checks };
    };
    return { run, traced };
  };
  const [plain, whole] = [make(false), make(true)];
  return {
    outputs: plain.run,
    compared: whole.run,
    async profile(options) {
      const called = [plain, whole].filter(({ traced }) => traced.recorded);
      // One that was never called says so itself.
      const [first, ...more] = called.length ? called : [plain];
      const profile = await first.traced.profile(options);
      const given = { ...options, peak: profile.peak };
      const others = more.map(({ traced }) => traced.profile(given));
      return joinedProfiles([profile, ...await Promise.all(others)]);
    },
    dispose() {
      plain.traced.dispose();
      whole.traced.dispose();
    },
  };
}

type Label = Pick<Check, "name" | "most">;

/** Arguments in the file's order; those of assertions may be left out. */
function inOrder(
  model: Imported,
  args: readonly unknown[],
  file: string | undefined,
): (Tensor | undefined)[] {
  const { inputs } = model;
  const title = file ? `the model of ${file}` : "the model";
  const list = inputs.map(({ name }) => name).join(", ") || "none";
  const [first] = args;
  if (args.length === 1 && typeof first === "object" && first !== null && !isTensor(first)) {
    const record = first as Readonly<Record<string, unknown>>;
    for (const [name, value] of Object.entries(record)) {
      if (!inputs.some((input) => input.name === name)) {
        throw new OptionError(`Cannot call ${title} with ${name}: its inputs are ${list}`);
      }
      if (!isTensor(value)) throw notTensor(title, name, value);
    }
    return inputs.map(({ name }) => record[name] as Tensor | undefined);
  }
  const needed = inputs.filter(({ name }) => !isExpected(name)).length;
  if (args.length !== inputs.length && args.length !== needed) {
    throw new OptionError(
      `Cannot call ${title} with ${args.length} tensors: its inputs are ${list}`,
    );
  }
  const strange = args.findIndex((a) => !isTensor(a));
  if (strange >= 0) throw notTensor(title, inputs[strange].name, args[strange]);
  if (args.length === inputs.length) return [...args] as Tensor[];
  const left = [...args] as Tensor[];
  return inputs.map(({ name }) => isExpected(name) ? undefined : left.shift());
}

function notTensor(title: string, name: string, value: unknown): DTypeError {
  return new DTypeError(
    `Cannot call ${title} with ${name}: it must be a tensor, found ${typeof value} ` +
      `${String(value).slice(0, 40)}\n  try tensor(value)`,
  );
}

function byName(model: Imported, outputs: readonly Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(model.outputs.map(({ name }, i) => [name, outputs[i]]));
}

/** Assertions are left out: the graph is that of what the model computes. */
function graphFor(
  model: Imported,
  types: readonly Type[] | undefined,
  what: "outputs" | "variables",
): Graph {
  const open = model.inputs.filter(({ name }) => !isExpected(name));
  if (types && types.length !== open.length) {
    throw new OptionError(
      `Cannot stage the model for ${types.length} types: its inputs are ` +
        open.map(({ name }) => name).join(", "),
    );
  }
  const given = open.map((input, i) => named(input.name, types?.[i] ?? input as Named));
  let names: string[] = [];
  const staged = (...ins: Tensor[]) => {
    const { outputs, variables } = model.call(inOrder(model, ins, ""));
    names = variables.map(({ name }) => name);
    return what === "outputs" ? byName(model, outputs) : variables.map(({ value }) => value);
  };
  const graph = stage(staged as (...args: never[]) => unknown, given);
  // Names of variables need not differ, as those of results must.
  return what === "outputs" ? graph : graphOf(graph.args, resultsOf(graph), names);
}
