/**
 * The tensors that a model holds, by name, without loading them.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { orderOf, rootsOf } from "../core/graph.ts";
import { type Host, isHost, isSource, type Source } from "../core/host.ts";
import { sizeOf } from "../core/type.ts";
import { openArrays } from "../io/arrays.ts";
import type { FileModel } from "../mge/model.ts";
import { holdsTensors, storedDType, valueOf } from "../mge/weights.ts";
import { stage } from "../stage/stage.ts";
import type { ModuleModel } from "./module_model.ts";

/** Tensors by name. */
export interface Weights {
  readonly tensors: readonly (readonly [name: string, value: Host | Source])[];
  /** What a plain dtype does not say of a tensor, by its name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Those of a model file; single numbers of the computation are left out. */
export async function weightsOfFile({ oprs }: FileModel): Promise<Weights> {
  const tensors: [string, Host | Source][] = [];
  const metadata: Record<string, string> = {};
  const free = namer();
  for (const opr of oprs) {
    if (!holdsTensors(opr.type)) continue;
    for (const [i, tensor] of opr.tensors.entries()) {
      if (!tensor.value) continue;
      if (opr.type === "ImmutableTensor" && sizeOf(tensor.shape) <= 1) continue;
      const { id, name: variable } = opr.outputs[i] ?? {};
      const name = free(tensor.name ?? variable ?? `const${id ?? i}`);
      const { name: dtype, scale, zeroPoint } = tensor.dtype;
      if (!storedDType(dtype) || tensor.format) {
        throw new FormatError(
          `Cannot write the tensor ${name} as safetensors: ${
            tensor.format ? `it is arranged as ${tensor.format.kind}` : `its elements are ${dtype}`
          }`,
          { code: "format.dtype" },
        );
      }
      if (scale !== undefined) {
        metadata[name] = `${dtype} scale ${scale}` + (zeroPoint ? ` zeroPoint ${zeroPoint}` : "");
      }
      tensors.push([name, await valueOf(tensor)]);
    }
  }
  return { tensors, metadata };
}

/** Those of a module's function. */
export function weightsOfModule({ source, types }: ModuleModel): Weights {
  const free = namer();
  const nodes = orderOf(rootsOf(stage(source, types))).filter(({ data, outs }) =>
    (isHost(data) || isSource(data)) && sizeOf(outs[0].shape) > 1
  );
  return {
    tensors: nodes.map(({ name, data }, i) =>
      [free(name ?? `const${i}`), data as Host | Source] as const
    ),
    metadata: {},
  };
}

/** The arrays of a file of arrays. */
export async function weightsOfArrays(path: string): Promise<Weights> {
  const arrays = await openArrays(path);
  if (arrays.kind === "one") {
    const name = /([^/]*?)(\.\w+)?$/.exec(path)![1] || "value";
    return { tensors: [[name, arrays.value]], metadata: {} };
  }
  const tensors: [string, Host][] = [];
  for (const name of arrays.names) tensors.push([name, await arrays.value(name)]);
  return { tensors, metadata: {} };
}

/** Gives every name once: `w`, `w[1]`, `w[2]`. */
function namer(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    let free = name;
    for (let n = 1; taken.has(free); n++) free = `${name}[${n}]`;
    taken.add(free);
    return free;
  };
}
