/**
 * What a file says about itself: the user's object and the optimisations that went into it.
 * @module
 */
import { fileLayouts, fileOptions } from "./infer/options.ts";
import type { FileModel } from "./model.ts";
import { readPickle } from "./pickle.ts";

/** Metadata of a model file. */
export interface Metadata {
  /** True if the dump was asked to keep metadata. */
  readonly isValid: boolean;
  /** True if the graph was edited after its first dump. */
  readonly graphModified: boolean;
  /** The user's object; text or bytes where it is no pickle of plain values. */
  readonly userInfo: unknown;
  /** True if any optimisation for inference was on. */
  readonly optimizedForInference: boolean;
  /** Names of these, as MegEngine's options have them. */
  readonly optimizeOptions: readonly string[];
}

/** The metadata of a model; a file without any has that of a dump without metadata. */
export function metadataOf(model: FileModel): Metadata {
  const { isValid = false, graphModified = false, userInfo, optimizeOptions: bits = 0n } =
    model.metadata ?? {};
  const names = fileOptions.filter((_, i) => bits >> BigInt(i) & 1n);
  const layout = fileLayouts[Number(bits >> 32n & 0xffn)];
  return {
    isValid,
    graphModified,
    userInfo: userInfo?.length ? readUserInfo(userInfo) : null,
    optimizedForInference: bits !== 0n,
    optimizeOptions: layout ? [...names, layout] : names,
  };
}

/** A pickle's value; other bytes stay what they are, text where they are text. */
function readUserInfo(bytes: Uint8Array): unknown {
  const value = readPickle(bytes);
  if (value !== undefined) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return bytes;
  }
}
