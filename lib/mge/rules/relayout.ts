/**
 * RelayoutFormat: images and kernels from one arrangement into another.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { pad } from "../../ops/pad.ts";
import { reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import { imagePackings, packed, type Packing, unpacked } from "../packing.ts";
import { member, number, refused, type Rule, type Rules } from "../rule.ts";

/** One mode: where from, where to, and which axes are rounded up though no block divides them. */
interface Mode {
  readonly from: Packing;
  readonly to: Packing;
  readonly whole?: string;
}

function images(from: string, to: string): Mode {
  return { from: imagePackings[from], to: imagePackings[to] };
}

function kernels(axes: string, order: string, block: number, whole?: string): Mode {
  return { from: { axes, order: axes, block: 1 }, to: { axes, order, block }, whole };
}

const denseWeight = kernels("oihw", "Ohwio", 4, "i");
const groupWeight = kernels("goihw", "gOhwio", 4);
const channelWeight = kernels("goihw", "Gohwg", 4);

const modes: Readonly<Record<string, Mode>> = {
  NHWC_NHWCD4: images("NHWC", "NHWCD4"),
  NHWCD4_NHWC: images("NHWCD4", "NHWC"),
  NHWC_NHWCD4I: images("NHWC", "NHWCD4"),
  NHWCD4I_NHWC: images("NHWCD4", "NHWC"),
  NCHW_NHWCD4: images("NCHW", "NHWCD4"),
  NCHW_NHWCD4I: images("NCHW", "NHWCD4"),
  NHWCD4I_NCHW: images("NHWCD4", "NCHW"),
  NHWCD4_NCHW: images("NHWCD4", "NCHW"),
  INTER_WEIGHT_DENSE: denseWeight,
  INTER_WEIGHT_DENSEI: denseWeight,
  INTER_WEIGHT_GROUP: groupWeight,
  INTER_WEIGHT_GROUPI: groupWeight,
  INTER_WEIGHT_CHAN: channelWeight,
  INTER_WEIGHT_CHANI: channelWeight,
  INTER_WEIGHT_DENSEI_DOT: kernels("oihw", "OhwIoi", 4),
  INTER_WEIGHT_GROUPI_DOT: kernels("goihw", "gOhwIoi", 4),
  NCHW4_CHWN4: images("NCHW4", "CHWN4"),
  CHWN4_NCHW4: images("CHWN4", "NCHW4"),
  NCHW_NCHW88_CONV_DENSE_WEIGHT: kernels("oihw", "OIhwio", 8),
  NCHW_NCHW88_CONV_CHAN_WEIGHT: kernels("goihw", "Goihwg", 8),
  NCHW_NCHW88_CONV_GROUP_WEIGHT: kernels("goihw", "gOIhwio", 8),
  NCHW_NCHW88: images("NCHW", "NCHW88"),
  NCHW88_NCHW: images("NCHW88", "NCHW"),
  NCHW_NCHW4_IC_SMALL: images("NCHW", "NCHW4"),
  NCHW_NCHW4_IC_SMALL_CONV_DENSE_WEIGHT: kernels("oihw", "oIhwi", 4),
  NCHW_NCHW4: images("NCHW", "NCHW4"),
  NCHW4_NCHW: images("NCHW4", "NCHW"),
  NCHW_NCHW64: images("NCHW", "NCHW64"),
  NCHW64_NCHW: images("NCHW64", "NCHW"),
  NCHW_NHWC: images("NCHW", "NHWC"),
  NHWC_NCHW: images("NHWC", "NCHW"),
};

/** The kernel's own rank says whether there are groups. */
function modeOf(name: string, rank: number): Mode | undefined {
  if (name !== "NCHW_NCHW4_WEIGHT") return modes[name];
  return rank === 5 ? kernels("goihw", "goIhwi", 4, "o") : kernels("oihw", "oIhwi", 4, "o");
}

/** Extents of some axes rounded up to whole blocks, with zeros behind. */
function rounded(x: Tensor, { axes }: Packing, letters: string, block: number): Tensor {
  const after = x.shape.map((n, i) =>
    letters.includes(axes[i]) ? Math.ceil(n / block) * block - n : 0
  );
  return after.some((n) => n > 0) ? pad(x, { before: after.map(() => 0), after }) : x;
}

/** The channels of each group brought to another number: zeros behind, or the last ones cut. */
function resized(x: Tensor, groups: number, each: number): Tensor {
  const [n, c, h, w] = x.shape;
  const own = c / groups;
  if (own === each) return x;
  const parted = reshape(x, { shape: [n, groups, own, h, w] });
  const zero = [0, 0, 0, 0, 0];
  const sized = own < each
    ? pad(parted, { before: zero, after: [0, 0, each - own, 0, 0] })
    : sliceFn(parted, { begin: zero, size: [n, groups, each, h, w], step: [1, 1, 1, 1, 1] });
  return reshape(sized, { shape: [n, groups * each, h, w] });
}

const relayout: Rule = (site) => {
  const [given] = site.ins;
  const name = member(site, "mode");
  const mode = modeOf(name, given.shape.length);
  if (!mode) throw refused(site, `there is no mode ${name}`);
  const { from, to, whole = "" } = mode;
  if (given.shape.length !== from.order.length) {
    throw refused(site, `mode ${name} takes ${from.order.length} axes, found [${given.shape}]`);
  }
  const plain = unpacked(given, from);
  const [groups, channels] = [number(site, "group"), number(site, "oc")];
  if (name === "NCHW_NCHW4" && groups > 1) {
    const each = Math.ceil(plain.shape[1] / groups / 4) * 4;
    return [packed(resized(plain, groups, each), to)];
  }
  const cut = /^NCHW(4|64)_NCHW$/.test(name) && channels > 0;
  const sized = cut ? resized(plain, groups, channels / groups) : plain;
  return [packed(rounded(sized, from, whole, to.block), to)];
};

/** The rule of RelayoutFormat. */
export const relayoutRules: Rules = { RelayoutFormatV1: relayout };
