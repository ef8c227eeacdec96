/**
 * Matrix products. A software adapter computes a tile of results in the registers of each
 * invocation, reading quads and sharing nothing; a GPU shares tiles of both operands in a
 * work-group. Tile sizes and images come with the variant, all sizes and strides as parameters.
 * @module
 */
import type { Form, MatmulForm } from "../../lib/core/form.ts";
import { type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { transposed } from "./as_matmul.ts";
import type { WgslKernel } from "./kernel.ts";
import { emitShared, type SharedVariant } from "./matmul_shared.ts";
import { emitTile, type TileVariant } from "./matmul_tile.ts";

/** Elements that an image can have: rows of 1024 texels, as many as every device allows. */
const imageElements = 4 * 1024 * 8192;
/** Images that every device can bind to one kernel. */
const mostImages = 4;
/** Loop iterations that are safe on a software adapter. */
const longest = 60_000;

/**
 * Variants for a product, best guess first; `constants` are operands that never change, which a
 * software adapter reads twice as fast from images.
 */
export function matmulVariants(
  form: MatmulForm,
  adapter: "software" | "gpu",
  constants: readonly number[] = [],
): readonly Variant[] {
  const images = adapter === "software" ? imagesFor(form, [form.a, form.b], constants) : "";
  // Columns are what is computed four at a time, so a narrow product is turned over.
  const turn = form.n < 4 && form.m > form.n;
  const [m, n] = turn ? [form.n, form.m] : [form.m, form.n];
  const tile = (tm: number, tn: number): Variant => ({
    name: `tile${tm}x${tn}${turn ? "t" : ""}`,
    kernel: "tile",
    tm,
    tn,
    turn,
    group: adapter === "software" ? 8 : 64,
    images,
    clips: false,
  });
  const tiles = (tm: number, tn: number) =>
    Math.ceil(m / tm) * Math.ceil(n / tn) * sizeOf(form.batch);
  // A loop too long for the adapter is left to the plain reduction, which can be split.
  if (adapter === "software" && form.k / (form.k % 4 ? 1 : 4) > longest) return [];
  if (adapter === "gpu" && m > 16 && n > 16) {
    const shared = (side: number, part: number): Variant => ({
      name: `shared${side}x${side}x${part}${turn ? "t" : ""}`,
      kernel: "shared",
      wm: side,
      wn: side,
      wk: 16,
      rm: part,
      rn: part,
      turn,
    });
    return m * n >= 512 * 512
      ? [shared(64, 4), shared(128, 8), shared(32, 4)]
      : [shared(32, 4), shared(64, 4)];
  }
  if (m === 1) return n >= 512 ? [tile(1, 16), tile(1, 8)] : [tile(1, 4), tile(1, 16)];
  if (m <= 4) return [tile(4, n < 16 ? 4 : 16), tile(4, 4)];
  // Too few tiles would leave lanes and cores idle.
  if (tiles(8, 16) >= 32) {
    // What is soon computed is rather compiled fast.
    const isLight = m * n * form.k * sizeOf(form.batch) < 1e7;
    return isLight
      ? [tile(4, 16), tile(8, 16), tile(8, 8)]
      : [tile(8, 16), tile(4, 16), tile(8, 8)];
  }
  return tiles(4, 16) >= 32 ? [tile(4, 16), tile(4, 4)] : [tile(4, 4), tile(4, 16)];
}

/** The kernel of a product. */
export function emitMatmul(form: MatmulForm, variant: Variant, limits: Limits): WgslKernel {
  const product = variant.turn ? transposed(form) : form;
  return variant.kernel === "shared"
    ? emitShared(product, variant as SharedVariant, limits)
    : emitTile(product, variant as TileVariant, limits);
}

/** The operands, as a list with commas, that these terms read and that can be images. */
export function imagesFor(
  form: Form,
  terms: readonly Scalar[],
  constants: readonly number[],
): string {
  const read = new Set<number>();
  for (const term of terms) walk(term, (t) => t.kind === "load" && read.add(t.operand));
  return constants.filter((i) => {
    const { dtype, shape } = form.ins[i];
    return read.has(i) && dtype === "f32" && sizeOf(shape) <= imageElements;
  }).slice(0, mostImages).join(",");
}
