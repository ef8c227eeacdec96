/**
 * The layout of a model file: every offset and the total, fixed from types alone. Emitting it
 * opens one tensor value after another and holds none of them.
 * @module
 */
import type { FileModel } from "./model.ts";
import type { FileLayout } from "./parts.ts";
import { layOutV1 } from "./v1.ts";
import { layOutV2 } from "./v2.ts";

export type { FileLayout, OnProgress } from "./parts.ts";

/**
 * Lays out a model in the format that it names. Throws a `FormatError` for what the format cannot
 * hold: a V2 file past 2 GiB, a V1 tensor past 4 GiB, ranks outside 1 to 7, values of another size.
 */
export function layOut(model: FileModel): FileLayout {
  switch (model.format) {
    case "V0":
    case "V1":
      return layOutV1(model);
    case "V2":
      return layOutV2(model);
    default:
      return model.format satisfies never;
  }
}
