/**
 * Convolutions that take what follows them: a bias of one number a channel or a whole tensor, a
 * nonlinearity, and, where that is asked for, a further tensor of the result's shape.
 * @module
 */
import { isFloat, sameShape } from "../../core/type.ts";
import type { Drafted, Var } from "../emitter.ts";
import { elemwise, member, table } from "../legal/steps.ts";
import { enumMember } from "../schema.ts";
import { type ListRule, modeOf, type Rewriting } from "./rewrite.ts";

/** Elementwise modes as a sum or not, and the nonlinearity that they end in. */
const modes: Readonly<Record<string, readonly [sum: boolean, nonlinearity: string]>> = {
  ADD: [true, "IDENTITY"],
  FUSE_ADD_RELU: [true, "RELU"],
  FUSE_ADD_SIGMOID: [true, "SIGMOID"],
  FUSE_ADD_H_SWISH: [true, "H_SWISH"],
  RELU: [false, "RELU"],
  SIGMOID: [false, "SIGMOID"],
  H_SWISH: [false, "H_SWISH"],
};

/** conv + bias, a nonlinearity of either → one operator. */
export const fuseBias: ListRule = (d, at) => {
  const [sum, nonlinearity] = modes[modeOf(d) ?? ""] ?? [];
  if (nonlinearity === undefined || !isFloat(d.outs[0].dtype)) return undefined;
  if (!sum) return afterwards(d, at, nonlinearity);
  for (const [i, v] of d.ins.entries()) {
    const { from } = at.of(v);
    const other = d.ins[1 - i];
    if (from.type !== "ConvolutionV2" || at.uses(v) !== 1) continue;
    if (isChannelwise(at.of(other), from) || isWhole(other, d)) {
      return convBias(d, at, [...from.ins, at.of(other)], from, nonlinearity);
    }
  }
  return undefined;
};

/** conv + bias + z, with a relu or without → one operator. */
export const fuseZ: ListRule = (d, at) => {
  const [sum, nonlinearity = ""] = modes[modeOf(d) ?? ""] ?? [];
  if (!sum || !/IDENTITY|RELU/.test(nonlinearity)) return undefined;
  for (const [i, v] of d.ins.entries()) {
    const { from } = at.of(v);
    const z = d.ins[1 - i];
    const open = from.type === "ConvBiasForwardV4" && from.ins.length === 3 &&
      Number(from.params[0].fields.nonlineMode) === 0 && at.uses(v) === 1;
    if (open && isChannelwise(from.ins[2], from) && isWhole(z, d)) {
      return convBias(d, at, [...from.ins, at.of(z)], from, nonlinearity);
    }
  }
  return undefined;
};

/** Formats whose kernels in the released MegEngine add z; those of the others leave it out. */
const addsZ: ReadonlySet<string> = new Set(["NCHW4", "NCHW32", "NCHW64", "CHWN4"]);

/**
 * What the released MegEngine's kernels leave out stands beside the convolution again: z becomes a
 * part of the bias, and of a plain convolution that adds up halves only the convolution is left.
 */
export const withinReach: ListRule = (d, at) => {
  if (d.type !== "ConvBiasForwardV4") return undefined;
  const { format, nonlineMode, compute_mode, ...fields } = d.params[0].fields;
  const [x, w, bias, z] = d.ins.map(at.of);
  const name = enumMember("ConvolutionFormat", Number(format ?? 0))!;
  const whole = z && !addsZ.has(name) ? elemwise(at.e, "ADD", bias, z) : undefined;
  const added = whole ?? bias;
  if (name !== "NCHW" || d.outs[0].dtype !== "f16" || compute_mode === 1) {
    return whole && at.e.adopt(d, [x, w, whole], d.outs);
  }
  const params = [table("Convolution", { ...fields, compute_mode }), ...d.params.slice(1)];
  const [out] = d.outs;
  const bare = at.e.opr("ConvolutionV2", params, [x, w], out);
  const [mode] = Object.entries(modes).find(([, [sum, end]]) =>
    sum === (added !== undefined) &&
    member("ConvBiasV0NonlineMode", end) === Number(nonlineMode)
  )!;
  const param = table("Elemwise", { mode: member("ElemwiseMode", mode) });
  return at.e.opr("Elemwise", [param], added ? [bare, added] : [bare], out, { label: d.label });
};

/** A nonlinearity behind a convolution that has none yet. */
function afterwards(d: Drafted, at: Rewriting, nonlinearity: string): Var | undefined {
  const { from } = at.of(d.ins[0]);
  if (at.uses(d.ins[0]) !== 1) return undefined;
  const open = from.type === "ConvolutionV2" ||
    (from.type === "ConvBiasForwardV4" && Number(from.params[0].fields.nonlineMode) === 0);
  return open ? convBias(d, at, from.ins, from, nonlinearity) : undefined;
}

/** [1,o,1,1], o the channels of a convolution. */
function isChannelwise(v: Var, { outs: [out] }: Drafted): boolean {
  return v.dtype === out.dtype && sameShape(v.shape, [1, out.shape[1], 1, 1]);
}

/** Of the sum's own shape; a constant's would stay when the sizes of the inputs change. */
function isWhole(v: Var, { outs: [out] }: Drafted): boolean {
  return v.dtype === out.dtype && sameShape(v.shape, out.shape) && !v.from.tensor?.value;
}

function convBias(
  d: Drafted,
  at: Rewriting,
  ins: readonly Var[],
  from: Drafted,
  nonlinearity: string,
): Var {
  const fields = {
    ...from.params[0].fields,
    nonlineMode: member("ConvBiasV0NonlineMode", nonlinearity),
  };
  const params = [table("ConvBias", fields), table("ExecutionPolicy")];
  return at.e.opr("ConvBiasForwardV4", params, ins, d.outs[0], { label: d.label });
}
