/**
 * A model file staged again, for other sizes or rewritten for inference: what of it goes into the
 * new one besides the function.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { collect, type Host, isHost, isSource } from "../core/host.ts";
import { type Named, printType, sameShape, type Type } from "../core/type.ts";
import type { FileModel } from "../mge/model.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import type { Model } from "../trace/load.ts";
import type { TestCase } from "../trace/testcase.ts";

/** How much of the names a file keeps, as options of a dump. */
export function namesKept(
  { oprs, outputs, format }: FileModel,
): Pick<DumpToOptions, "keepVarName" | "keepOprName" | "keepParamName" | "keepOprPriority"> {
  const computed = oprs.filter(({ type }) => type !== "Host2DeviceCopy");
  const ends = new Set(outputs.map(({ compact }) => compact));
  const named = computed.flatMap((o) => o.outputs).filter(({ name }) => name !== undefined);
  const inner = named.some(({ id }) => !ends.has(id));
  return {
    keepVarName: named.length === 0 ? 0 : inner && format !== "V2" ? 2 : 1,
    keepOprName: oprs.some(({ name }) => name !== undefined),
    keepParamName: computed.some((o) => o.tensors.some(({ name }) => name !== undefined)),
    keepOprPriority: oprs.some(({ priority }) => priority !== undefined),
  };
}

/** The embedded cases that the new types take, with what the model asserts of them. */
export async function casesKept(
  model: Model,
  file: FileModel,
  types: readonly Named[],
): Promise<
  & Pick<DumpToOptions, "inputData" | "noAssert" | "maxerr" | "silent">
  & { readonly notes: readonly string[] }
> {
  const notes: string[] = [];
  const inputData: Readonly<Record<string, Host>>[] = [];
  for (const [i, testcase] of model.testcases.entries()) {
    const values = await valuesOf(testcase);
    const odd = types.find(({ name, shape }) => !isBatchOf(values[name].shape, shape));
    if (!odd && stages(model, types.map(({ name }) => values[name]))) inputData.push(values);
    else {
      const why = odd
        ? `its ${odd.name} is ${printType(values[odd.name])}, the input is ${printType(odd)}`
        : "the model takes other steps for its sizes";
      notes.push(`test case ${i} is left out: ${why}`);
    }
  }
  if (inputData.length === 0) return { notes };
  const fields = file.oprs.find(({ type }) => type === "AssertEqual")?.params[0].fields;
  return {
    inputData,
    notes,
    ...(fields
      ? { maxerr: Number(fields.maxerr), silent: fields.verbose === false }
      : { noAssert: true }),
  };
}

/** The axes of each input along which the model can be staged for another size. */
export function openAxes(
  model: Model,
  types: readonly Named[],
): Readonly<Record<string, readonly number[]>> {
  const extents = new Set(types.flatMap(({ shape }) => shape));
  const open = new Set([...extents].filter((extent) =>
    stages(
      model,
      types.map((t) => ({ ...t, shape: t.shape.map((n) => n === extent ? n + 1 : n) })),
    )
  ));
  return Object.fromEntries(types.map(({ name, shape }) => [
    name,
    shape.flatMap((extent, axis) => open.has(extent) ? [axis] : []),
  ]));
}

function stages(model: Model, types: readonly Type[]): Graph | undefined {
  try {
    return model.graph(types);
  } catch {
    // What cannot be staged for these sizes is what is asked here.
    return undefined;
  }
}

/** The same but for axis 0. */
function isBatchOf(shape: readonly number[], of: readonly number[]): boolean {
  return shape.length === of.length && sameShape(shape.slice(1), of.slice(1));
}

async function valuesOf({ values }: TestCase): Promise<Readonly<Record<string, Host>>> {
  const found: [string, Host][] = [];
  for (const [name, { node: { data } }] of Object.entries(values)) {
    if (isHost(data)) found.push([name, data]);
    else if (isSource(data)) found.push([name, await collect(data)]);
    else throw new TypeError(`internal: the value of ${name} is not in the file`);
  }
  return Object.fromEntries(found);
}
