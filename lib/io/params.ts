/**
 * Parameter trees from and to safetensors files; names are the paths in the tree.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";
import { type Host, isHost, isSource, type Source } from "../core/host.ts";
import { fill, namedLeaves, type Params } from "../model/params.ts";
import type { BytesLike } from "./bytes.ts";
import { openSafetensors, safetensors } from "./safetensors.ts";
import { collect } from "../core/host.ts";

/** How parameters are loaded. */
export interface LoadParamsOptions {
  /** True: weights stay in the file until their bytes are asked for. */
  readonly lazy?: boolean;
}

/**
 * The parameter tree of a spec from a safetensors file: path, URL, bytes or blob. Names are the
 * paths; shapes may differ by axes of extent 1. Throws a FormatError naming what is missing.
 */
export async function loadParams<S>(
  spec: S,
  from: BytesLike,
  options: LoadParamsOptions = {},
): Promise<Params<S>> {
  const file = await openSafetensors(from);
  const found = new Map<string, Host | Source>();
  for (const [name, source] of file.tensors) {
    found.set(name, options.lazy ? source : await collect(source));
  }
  return fill(spec, (name) => {
    const data = found.get(name);
    if (!data) {
      throw new FormatError(
        `Cannot load parameter ${name}: the file has no tensor of that name\n` +
          `  it has ${[...found.keys()].slice(0, 8).join(", ")}${found.size > 8 ? " …" : ""}`,
        { code: "format.missing" },
      );
    }
    return data;
  });
}

/** The bytes of a parameter tree as a safetensors file; leaves hold values. */
export function saveParams(tree: unknown): AsyncIterable<Uint8Array> {
  const entries = namedLeaves(tree).map(({ name, value }): [string, Host | Source] => {
    const { data } = value.node;
    if (!isHost(data) && !isSource(data)) {
      throw new OptionError(
        `Cannot save parameter ${name}: it holds no value here\n  try read() first`,
      );
    }
    return [name, data];
  });
  return safetensors(entries).open();
}
