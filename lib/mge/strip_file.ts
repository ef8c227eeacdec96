/**
 * What a model file uses, by its graphs: the element types of variables come from staging them,
 * since files do not say them.
 * @module
 */
import { arg } from "../core/leaf.ts";
import type { Named } from "../core/type.ts";
import { fileDType } from "./emitter.ts";
import { importModel } from "./import.ts";
import type { FileModel } from "./model.ts";
import type { ReadFile } from "./open_file.ts";
import { type StripInfo, stripInfo } from "./strip.ts";

/** What a file uses, and in words what of it stays unknown. */
export interface FileStrip {
  readonly info: StripInfo;
  readonly notes: readonly string[];
}

/** What the main graph of a file and the graphs of its test cases use. */
export async function stripOfFile(file: ReadFile, name: string): Promise<FileStrip> {
  const [main] = file.models;
  const { dtypes, refusal } = await variableTypes(main, name);
  const stated = main.oprs.flatMap(({ outputs, outputDtype }) => [
    ...outputs.flatMap(({ dtype }) => dtype ? [dtype.name] : []),
    ...(outputDtype ? [outputDtype.name] : []),
  ]);
  return {
    info: stripInfo([main, ...file.testcases], [...dtypes, ...stated], main.hash ?? 0n),
    notes: refusal
      ? [`element types between operators are unknown: ${refusal.message.split("\n")[0]}`]
      : [],
  };
}

async function variableTypes(
  model: FileModel,
  name: string,
): Promise<{ readonly dtypes: readonly string[]; readonly refusal?: Error }> {
  const { refusal, inputs, call } = await importModel(model, name);
  if (refusal) return { dtypes: [], refusal };
  const { variables } = call(inputs.map((t) => arg(t as Named)));
  return {
    dtypes: variables.map(({ value, quantized }) => quantized?.name ?? fileDType(value.dtype)),
  };
}
