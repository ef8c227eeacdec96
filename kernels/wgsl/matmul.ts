/**
 * Matrix products. A software adapter computes a tile of results in the registers of each
 * invocation, reading quads and sharing nothing; a GPU shares tiles of both operands in a
 * work-group. Tile sizes and images come with the variant, all sizes and strides as parameters.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { sourceOf } from "./access.ts";
import { epilogueAxis } from "./epilogue.ts";
import { emitShared } from "./matmul_shared.ts";
import { emitTile } from "./matmul_tile.ts";
import type { WgslKernel } from "./kernel.ts";

export function matmulVariants(
  form: MatmulForm,
  adapter: "software" | "gpu",
  constants: readonly number[] = [],
): readonly Variant[] {
  return [];
}
