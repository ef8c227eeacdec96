/**
 * What is done to an image before a network sees it. In the graph, scale and shift of a converted
 * image become one each, and rearranging comes before the conversion, where elements are small. In
 * the list, conversion, scale and shift are one operator, and channels padded and split into fours
 * are another.
 * @module
 */
import { type Graph, rebuild, resultsOf } from "../../core/graph.ts";
import type { Tensor } from "../../core/tensor.ts";
import { broadcastShapes, type DType, sameShape } from "../../core/type.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { as } from "../../ops/select.ts";
import { reshape, transpose } from "../../ops/shape.ts";
import { bind } from "../../stage/bind.ts";
import { foldedConstant } from "../../stage/specialize.ts";
import { graphOf } from "../../stage/stage.ts";
import type { Drafted, Var } from "../emitter.ts";
import { member, scalar, table } from "../legal/steps.ts";
import { type Affine, withChains } from "../../stage/affine.ts";
import type { IndexItem } from "../model.ts";
import { type ListRule, modeOf, numberIn, type Rewriting } from "./rewrite.ts";

/** An image of bytes or of short words made floats. */
function isConverted({ dtype, node: { op, ins } }: Tensor): boolean {
  return op.name === "cast" && dtype === "f32" && /^(u8|i16)$/.test(ins[0].dtype);
}

/** A graph whose images are rearranged as they come, then converted, scaled and shifted at once. */
export function prepared(graph: Graph): Graph {
  const gathered = withChains(graph, {
    isBase: isConverted,
    fits: (shape, base) => {
      const spread = broadcastShapes(shape, base.shape);
      return spread !== undefined && sameShape(spread, base.shape);
    },
    taken: scaledAndShifted,
  });
  let roots = resultsOf(gathered);
  for (let left = 8; left > 0; left--) {
    const times = bind(roots);
    const isStatic = (t: Tensor) => times.get(t.node) === "static";
    const next = rebuild(roots, (t) => rearrangedFirst(t, isStatic));
    if (next.every((t, i) => t === roots[i])) break;
    roots = next;
  }
  return graphOf(gathered.args, roots, gathered.names);
}

function scaledAndShifted({ base, scale, shift }: Affine): Tensor {
  const scaled = scale ? mul(base, foldedConstant(scale)) : base;
  return shift ? add(scaled, foldedConstant(shift)) : scaled;
}

/** reshape ∘ cast → cast ∘ reshape; transpose past a cast, and past constants that turn with it. */
function rearrangedFirst(t: Tensor, isStatic: (t: Tensor) => boolean): Tensor | undefined {
  const { op, ins: [x], attrs } = t.node;
  if (op.name !== "reshape" && op.name !== "transpose") return undefined;
  if (isConverted(x)) {
    const [image] = x.node.ins;
    const moved = op.name === "reshape"
      ? reshape(image, { shape: t.shape })
      : transpose(image, { perm: attrs.perm });
    return as(moved, "f32");
  }
  const [inner, other] = x.node.ins;
  const step = { add, mul }[x.node.op.name as "add" | "mul"];
  if (!step || op.name !== "transpose" || !endsInConversion(inner) || !isStatic(other)) {
    return undefined;
  }
  if (!sameShape(inner.shape, x.shape)) return undefined;
  const lead = x.shape.map((_, i) => other.shape[i - x.shape.length + other.shape.length] ?? 1);
  const turned = transpose(reshape(other, { shape: lead }), { perm: attrs.perm });
  return step(transpose(inner, { perm: attrs.perm }), foldedConstant(turned));
}

function endsInConversion(t: Tensor): boolean {
  const { op, ins } = t.node;
  return isConverted(t) || ((op.name === "mul" || op.name === "add") && isConverted(ins[0]));
}

/** Fuses what the list still holds of it. */
export const fusePreprocess: ListRule = (d, at) => convertedAtOnce(d, at) ?? packedAtOnce(d, at);

/** Operators of a converted image, by the dtype that it is converted from. */
const mixed: Readonly<Partial<Record<DType, string>>> = {
  u8: "FUSE_MUL_ADD3_UINT8xF32xF32xF32",
  i16: "FUSE_MUL_ADD3_INT16xF32xF32xF32",
};

/** cast(x) · scale + shift → one operator, also where one of the two is missing. */
function convertedAtOnce(d: Drafted, at: Rewriting): Var | undefined {
  const mode = modeOf(d);
  if (mode !== "FUSE_MUL_ADD3" && mode !== "MUL" && mode !== "ADD") return undefined;
  const factors = d.ins.slice(0, 2);
  for (const [i, v] of factors.entries()) {
    const { type, ins } = at.of(v).from;
    const name = type === "TypeCvtV2" && v.dtype === "f32" ? mixed[ins[0].dtype] : undefined;
    if (!name || at.uses(v) !== 1 || !sameShape(v.shape, d.outs[0].shape)) continue;
    const other = at.of(factors[1 - i]);
    if (!other.from.tensor?.value) continue;
    const [one, zero] = [1, 0].map((n) => scalar(at.e, n, "f32"));
    const scale = mode === "ADD" ? one : other;
    const shift = mode === "ADD" ? other : mode === "MUL" ? zero : at.of(d.ins[2]);
    const param = table("ElemwiseMultiType", { mode: member("ElemwiseMultiTypeMode", name) });
    return at.e.opr("ElemwiseMultiType", [param], [ins[0], scale, shift], d.outs[0], {
      label: d.label,
    });
  }
  return undefined;
}

/** [n,c,h,w], zeros behind its channels or not, as [n,c/4,4,h,w], turned to [n,c/4,h,w,4]. */
function packedAtOnce(d: Drafted, at: Rewriting): Var | undefined {
  if (d.type !== "Dimshuffle" || String(d.params[0].fields.pattern) !== "0,1,3,4,2") {
    return undefined;
  }
  const [split] = d.ins;
  const [n, c, four, h, w] = split.shape;
  const isSplit = split.from.type === "ReshapeV1" || split.from.type === "AxisAddRemove";
  if (!isSplit || four !== 4 || at.uses(split) !== 1) return undefined;
  const [whole] = split.from.ins;
  if (!sameShape(whole.shape, [n, 4 * c, h, w])) return undefined;
  const image = at.uses(whole) === 1 ? underZeros(whole) ?? whole : whole;
  // the released MegEngine fills blocks of these only
  const fills = sameShape(image.shape, whole.shape) || /^(f32|u8)$/.test(image.dtype);
  if (!fills || Math.ceil(image.shape[1] / 4) !== c) return undefined;
  const param = table("RelayoutFormat", { mode: member("RelayoutFormatV0Mode", "NCHW_NCHW4") });
  return at.e.opr("RelayoutFormatV1", [param], [at.of(image)], d.outs[0], { label: d.label });
}

/** What stands before zeros that only more channels are made of. */
function underZeros({ from: { type, params, ins }, shape }: Var): Var | undefined {
  const x = type === "SetSubtensor" ? ins[1] : ins[0];
  if (!x || shape.length !== 4 || [0, 2, 3].some((i) => x.shape[i] !== shape[i])) return undefined;
  const { fields } = params[0];
  switch (type) {
    case "Concat":
      return ins.length === 2 && fields.axis === 1 && isZero(ins[1]) ? x : undefined;
    case "Padding":
      return fields.padding_val === 0 && !fields.front_offset_dim1 ? x : undefined;
    case "SetSubtensor": {
      const [item, more] = fields.items as readonly IndexItem[];
      const first = item.axis === 1 && item.begin && item.end && !item.step && !more;
      return first && numberIn(ins[2]) === 0 && isZero(ins[0]) ? x : undefined;
    }
    default:
      return undefined;
  }
}

function isZero({ from }: Var): boolean {
  if (from.type === "Broadcast") return isZero(from.ins[0]);
  return from.host?.data.every((v) => Number(v) === 0) ?? false;
}
