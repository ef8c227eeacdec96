/**
 * Two models on the same inputs: their outputs, or every value that both name.
 * @module
 */
import type { Host } from "../core/host.ts";
import type { Machine } from "../core/target.ts";
import { type DType, isFloat, type Named, printType, sizeOf } from "../core/type.ts";
import { computedValues } from "../trace/values.ts";
import type { ComparedValue, CompareReport } from "./compare_report.ts";
import { compareValues, type Tolerance } from "./compare_values.ts";
import { type InputOptions, inputValues } from "./input_spec.ts";
import { graphOfRun, inputsOfCase } from "./io_dump.ts";
import type { Opened } from "./opened.ts";
import { distinct, namesOnlyIn, pairs } from "./paired.ts";
import { usageError } from "./parse.ts";
import { plainOutputNames } from "./plain_outputs.ts";
import { type NamedValue, runnable } from "./runnable.ts";

/** A model and what it runs on. */
export interface Side {
  readonly opened: Opened;
  readonly machine: Machine;
}

/** How models are compared. */
export interface CompareOptions {
  /** Values of inputs; without any those of embedded cases are taken, or drawn ones. */
  readonly specs: readonly string[];
  readonly values: InputOptions;
  readonly tolerance: Tolerance;
  /** Every value that both name, before the outputs. */
  readonly all: boolean;
  readonly signal: AbortSignal;
  /** Hears what was chosen. */
  readonly note: (line: string) => void;
}

/** Runs both on the same values and compares what they give. */
export async function compareModels(
  a: Side,
  b: Side,
  options: CompareOptions,
): Promise<CompareReport> {
  const [runA, runB] = [runnable(a.opened, a.machine), runnable(b.opened, b.machine)];
  try {
    const slots = matched(runA.inputs, runB.inputs, options.note);
    const given = await givenValues(a, b, slots, options);
    const values: ComparedValue[] = [];
    const onlyA = new Set<string>(), onlyB = new Set<string>();
    for (const [i, hosts] of given.entries()) {
      const prefix = given.length > 1 ? `${i}/` : "";
      const at = (side: "a" | "b") => valuesFor(side, slots, hosts);
      options.signal.throwIfAborted();
      if (options.all) values.push(...await everyPair(a, b, at, prefix, options));
      const outsA = named(a.opened, await runA.run(at("a")));
      const outsB = named(b.opened, await runB.run(at("b")));
      const others = outputsLike(outsA, outsB, options.note);
      const taken = new Set<Host>();
      for (const { name, value } of outsA) {
        const other = others.get(name);
        if (!other) {
          onlyA.add(name);
          continue;
        }
        taken.add(other);
        const found = compareValues(value, other, options.tolerance);
        values.push({ name: prefix + name, kind: "output", found });
      }
      for (const { name, value } of outsB) if (!taken.has(value)) onlyB.add(name);
    }
    return { values, onlyA: [...onlyA], onlyB: [...onlyB], strict: true };
  } finally {
    runA.dispose();
    runB.dispose();
  }
}

/** An input of either, and which it is of each. */
interface Slot {
  readonly input: Named;
  readonly a?: Named;
  readonly b?: Named;
}

/** The inputs of both: by name where one has all of the other's, else by position. */
function matched(
  a: readonly Named[],
  b: readonly Named[],
  note: (line: string) => void,
): readonly Slot[] {
  const names = (list: readonly Named[]) => list.map(({ name }) => name);
  const [mine, theirs] = [names(a), names(b)];
  const byName = namesOnlyIn(mine, theirs).length === 0 || namesOnlyIn(theirs, mine).length === 0;
  if (!byName && a.length !== b.length) {
    throw usageError(
      `Cannot compare the models: the inputs of A are ${mine.join(", ") || "none"}, those of B ` +
        `${theirs.join(", ") || "none"}`,
    );
  }
  if (!byName) {
    note(`inputs by position: ${mine.map((x, i) => `${x} and ${theirs[i]}`).join(", ")}`);
  }
  const slots: Slot[] = a.map((input, i) => ({
    input,
    a: input,
    b: byName ? b.find(({ name }) => name === input.name) : b[i],
  }));
  const taken = new Set(slots.map((slot) => slot.b));
  slots.push(...b.filter((input) => !taken.has(input)).map((input) => ({ input, b: input })));
  const odd = slots.find((slot) => slot.a && slot.b && slot.a.dtype !== slot.b.dtype);
  if (odd) {
    throw usageError(
      `Cannot compare the models: the input ${odd.input.name} is ${printType(odd.a!)} in A, ` +
        `${printType(odd.b!)} in B`,
    );
  }
  return slots;
}

/** The values of every slot, a list for each run. */
async function givenValues(
  a: Side,
  b: Side,
  slots: readonly Slot[],
  { specs, values, note }: CompareOptions,
): Promise<readonly (readonly Host[])[]> {
  const inputs = slots.map(({ input }) => input);
  for (const { opened } of specs.length ? [] : [a, b]) {
    if (opened.kind === "module" || opened.model.testcases.length === 0) continue;
    const { testcases } = opened.model;
    const own = inputs.map(({ name }) => name);
    if (own.some((name) => !(name in testcases[0].values))) continue;
    note(`values of the ${testcases.length} embedded cases of ${opened.title}`);
    return await Promise.all(testcases.map((testcase) => inputsOfCase(own, testcase)));
  }
  const drawn = inputs.map((input) => `${input.name}=#rand(${rangeOf(input.dtype)})`);
  if (!specs.length && drawn.length) note(`drawn values: ${drawn.join(", ")}`);
  return [await inputValues(inputs, specs.length ? specs : drawn, values)];
}

/** Integers are small, since they may be indices. */
function rangeOf(dtype: DType): string {
  return isFloat(dtype) ? "-1,1" : dtype === "u8" ? "0,256" : "0,2";
}

function valuesFor(
  side: "a" | "b",
  slots: readonly Slot[],
  hosts: readonly Host[],
): readonly Host[] {
  return slots.flatMap(({ [side]: input }, i) => input ? [ofRank(hosts[i], input)] : []);
}

/** A single number is `[1]` in files and `[]` in modules. */
function ofRank(host: Host, { shape }: Named): Host {
  return sizeOf(host.shape) === 1 && sizeOf(shape) === 1 ? { ...host, shape } : host;
}

/** Outputs under the names that they had before they were asserted. */
function named(opened: Opened, outputs: readonly NamedValue[]): readonly NamedValue[] {
  if (opened.kind === "module") return outputs;
  const names = distinct(plainOutputNames(opened.model));
  return outputs.map(({ value }, i) => ({ name: names[i], value }));
}

/** The outputs of B by the names of A: those of the same name, or else of the same position. */
function outputsLike(
  a: readonly NamedValue[],
  b: readonly NamedValue[],
  note: (line: string) => void,
): ReadonlyMap<string, Host> {
  const theirs = new Map(b.map(({ name, value }) => [name, value]));
  if (a.some(({ name }) => theirs.has(name)) || a.length !== b.length) return theirs;
  note(`outputs by position: ${a.map(({ name }, i) => `${name} and ${b[i].name}`).join(", ")}`);
  return new Map(a.map(({ name }, i) => [name, b[i].value]));
}

async function everyPair(
  a: Side,
  b: Side,
  at: (side: "a" | "b") => readonly Host[],
  prefix: string,
  { tolerance, signal, note }: CompareOptions,
): Promise<readonly ComparedValue[]> {
  const [all, others] = [everyValueOf(a, at("a")), everyValueOf(b, at("b"))];
  for (const [side, [own, other]] of Object.entries({ A: [all, others], B: [others, all] })) {
    const lost = namesOnlyIn(own.names, other.names).length;
    if (lost) {
      note(`${lost} of the ${own.names.length} values in ${side} have no like in the other`);
    }
  }
  const found: ComparedValue[] = [];
  for await (const { name, a, b } of pairs(all, others)) {
    signal.throwIfAborted();
    found.push({ name: prefix + name, kind: "value", found: compareValues(a, b, tolerance) });
  }
  return found;
}

function everyValueOf({ opened, machine }: Side, inputs: readonly Host[]) {
  const graph = graphOfRun(opened, inputs);
  return {
    names: distinct(graph.names),
    async *values() {
      for await (const { value } of computedValues(graph, inputs, machine)) yield value;
    },
  };
}
