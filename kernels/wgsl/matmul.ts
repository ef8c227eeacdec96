/**
 * Matrix products. A software adapter computes a tile of results in the registers of each
 * invocation, reading quads and sharing nothing; a GPU shares tiles of both operands in a
 * work-group. Tile sizes and images come with the variant, all sizes and strides as parameters.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import type { WgslKernel } from "./kernel.ts";
import { emitTile, type TileVariant } from "./matmul_tile.ts";

/** Variants for a product, best guess first; none where its loop over k is too long. */
export function matmulVariants(
  form: MatmulForm,
  adapter: "software" | "gpu",
  constants: readonly number[] = [],
): readonly Variant[] {
  return [];
}

/** The kernel of a product. */
export function emitMatmul(form: MatmulForm, variant: Variant, limits: Limits): WgslKernel {
  return emitTile(form, variant as TileVariant, limits);
}
