/**
 * A file in the other container: the same operators with the same parameters, names, values, test
 * cases and metadata. Nothing is staged, so operators without a meaning here go along.
 * @module
 */
import type { DumpInfo } from "./dump_options.ts";
import { namesOf, outputNames } from "./describe.ts";
import { layOut } from "./layout.ts";
import type { FileModel } from "./model.ts";
import type { ReadFile } from "./open_file.ts";
import type { FileLayout } from "./parts.ts";
import { layOutTestcases } from "./testcase_file.ts";

/** A file that is laid out anew. */
export interface Reformatted {
  readonly info: DumpInfo;
  readonly layout: FileLayout;
}

/** Lays out a file in a container; what that cannot hold is a FormatError that names it. */
export function reformatted(file: ReadFile, format: "V1" | "V2"): Reformatted {
  const main = inFormat(file.models[0], format);
  const layout = layOut(main);
  const cases = file.testcases.map((graph) => layOut(inFormat(graph, format)));
  const whole = file.container === "bare" ? layout : layOutTestcases(layout, cases);
  const { oprs } = main;
  return {
    layout: whole,
    info: {
      nrOpr: oprs.length,
      totBytes: whole.totalBytes,
      tensorValueBytes: layout.tensorBytes,
      contentHash: String(layout.hash),
      inputs: oprs.flatMap((o) => o.type === "Host2DeviceCopy" ? nameOf(o) : []).sort(),
      outputs: outputNames(main),
      params: oprs.flatMap((o) =>
        o.type === "Host2DeviceCopy" ? [] : o.tensors.flatMap(({ name }) => name ? [name] : [])
      ),
      reported: file.appended
        ? [`${file.appended} further dumps behind the first are left out`]
        : [],
    },
  };
}

function nameOf({ tensors, outputs }: FileModel["oprs"][number]): string[] {
  const name = tensors[0]?.name ?? outputs[0].name;
  return name === undefined ? [] : [name];
}

function inFormat(model: FileModel, format: "V1" | "V2"): FileModel {
  const { hash: _, modelVersion: __, ...rest } = model;
  if (format === "V2") return { ...rest, format, modelVersion: 2 };
  // V1 has no list of other names for outputs: the variables take these.
  const names = new Map(model.outputAlias.map(({ id, name }) => [id, name]));
  const kept = namesOf(model.oprs);
  const alias = new Map(model.outputs.flatMap(({ compact, original }) => {
    const name = names.get(original);
    return name !== undefined && kept.get(compact) !== name ? [[compact, name] as const] : [];
  }));
  const oprs = alias.size === 0 ? model.oprs : model.oprs.map((opr) => ({
    ...opr,
    outputs: opr.outputs.map((o) => alias.has(o.id) ? { ...o, name: alias.get(o.id)! } : o),
  }));
  return { ...rest, format, oprs, outputAlias: [] };
}
