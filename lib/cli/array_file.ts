/**
 * Arrays in files, by the file's ending: one in a `.npy`, several by name in the others.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { collect, type Host } from "../core/host.ts";
import { readNpy, readNpz } from "../io/npy.ts";
import { openSafetensors } from "../io/safetensors.ts";
import { fileCheck } from "./path.ts";

/** Arrays of a file: one without a name, or several with names. */
export type Arrays =
  | { readonly kind: "one"; readonly value: Host }
  | {
    readonly kind: "named";
    readonly names: readonly string[];
    value(name: string): Promise<Host>;
  };

/** Opens a file of arrays; an ending that says nothing of arrays is a FormatError. */
export async function openArrays(path: string): Promise<Arrays> {
  const ending = /\.(npy|npz|safetensors)$/i.exec(path)?.[1].toLowerCase();
  if (ending === undefined) {
    throw new FormatError(
      `Cannot take values from ${path}: by its ending it is none of .npy, .npz, .safetensors`,
      { code: "format.kind" },
    );
  }
  await fileCheck(path);
  if (ending === "npy") return { kind: "one", value: readNpy(await Deno.readFile(path), path) };
  if (ending === "npz") {
    const arrays = readNpz(await Deno.readFile(path), path);
    return {
      kind: "named",
      names: [...arrays.keys()],
      value: (name) => Promise.resolve(arrays.get(name)!),
    };
  }
  const { tensors } = await openSafetensors(path);
  return {
    kind: "named",
    names: [...tensors.keys()],
    value: (name) => collect(tensors.get(name)!),
  };
}

/** The array for a name: that of the name, or the only one there is. */
export async function arrayIn(path: string, name: string): Promise<Host> {
  const arrays = await openArrays(path);
  if (arrays.kind === "one") return arrays.value;
  const { names } = arrays;
  const found = names.includes(name) ? name : names.length === 1 ? names[0] : undefined;
  if (found !== undefined) return await arrays.value(found);
  throw new FormatError(
    `Cannot take ${name} from ${path}: it has the arrays ${names.join(", ") || "none"}`,
    { code: "format.missing" },
  );
}
