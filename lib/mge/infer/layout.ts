/**
 * Networks in a packed layout: convolutions whose channels fill blocks, or may be filled, work on
 * packed images, and so does what is between them as far as it can. Images are brought into the
 * layout where the first such operator takes them, and out of it where an operator wants [n,c,h,w].
 * @module
 */
import type { Data } from "../../core/host.ts";
import { isFloat, sizeOf } from "../../core/type.ts";
import {
  type Drafted,
  type Emitter,
  neededBy,
  newEmitter,
  outputOf,
  type Var,
} from "../emitter.ts";
import type { Written } from "../legal.ts";
import { table } from "../legal/steps.ts";
import type { FileLayoutFormat } from "../model.ts";
import { packedShape, type Packing } from "../packing.ts";
import { enumNumber } from "../schema.ts";
import { kernelFor } from "./kernel.ts";
import type { LayoutName } from "./options.ts";
import { packedData } from "./pack_data.ts";
import {
  alignAxisOf,
  canFill,
  dataOf,
  intoLayout,
  type Layout,
  layoutOf,
  outOfLayout,
} from "./relayout.ts";
import { modeOf } from "./rewrite.ts";

/** The formats that an option stands for, the ones tried first in front. */
const formats: Readonly<Record<LayoutName, readonly string[]>> = {
  HWCD4: ["NHWCD4"],
  NCHW4: ["NCHW4"],
  NCHW44: ["NCHW44"],
  // the format of dot products is for bytes
  NCHW44_DOT: ["NCHW44"],
  NCHW88: ["NCHW88"],
  NCHW32: ["NCHW32", "NCHW4"],
  NCHW64: ["NCHW64", "NCHW32", "NCHW4"],
  CHWN4: ["CHWN4"],
};

/** Modes whose results on the zeros that fill a block stay finite, whatever follows. */
const tame: ReadonlySet<string> = new Set([
  ...["RELU", "SIGMOID", "TANH", "H_SWISH", "ADD", "SUB", "MUL", "MAX", "MIN", "ABS", "NEGATE"],
  ...["FUSE_ADD_RELU", "FUSE_ADD_SIGMOID", "FUSE_ADD_TANH", "FUSE_ADD_H_SWISH", "FUSE_MUL_ADD3"],
  ...["FUSE_MUL_ADD4", "SILU", "GELU", "ROUND", "FLOOR", "CEIL"],
]);

/** An image in a layout. */
interface Image {
  readonly layout: Layout;
  readonly v: Var;
}

/** What stands for a variable of the old list: plain, packed, or both. */
interface Forms {
  plain?: Var;
  readonly images: Image[];
  /** Constants by how they are packed. */
  readonly constants: Map<string, Var>;
}

/** What a rule for one operator may ask for. */
interface Relaying {
  readonly e: Emitter;
  /** The variable as [n,c,h,w]. */
  plain(v: Var): Var;
  /** The variable in a layout; `undefined` if it cannot be there. */
  image(v: Var, layout: Layout): Var | undefined;
  /** The layout that the variable is in already. */
  layoutOf(v: Var): Layout | undefined;
  /** A constant of a convolution. */
  constant(v: Var, layout: Layout, packing: Packing, least?: readonly number[]): Var;
}

/** An operator in a layout; `undefined` leaves it in [n,c,h,w]. */
type LayoutRule = (d: Drafted, at: Relaying) => Image | undefined;

/** A list of operators in a layout. */
export function inLayout(written: Written, name: LayoutName): Written {
  const { e: { all }, roots, args } = written;
  const inputs = new Set(args.map((v) => v.from));
  const live = new Set(neededBy(all, roots));
  const forms = new Map<Drafted, Forms>();
  const at = relaying(newEmitter(), forms);
  const candidates = formats[name].map(layoutOf);
  for (const d of all) {
    if (!live.has(d) && !inputs.has(d)) continue;
    const own: Forms = { images: [], constants: new Map() };
    forms.set(d, own);
    // constants come where they are wanted, in the form that is wanted
    if (d.tensor?.value) continue;
    const rule = d.type.startsWith("Conv") ? convolved(candidates) : rules[d.type];
    const image = rule?.(d, at);
    if (image) own.images.push(image);
    else own.plain = at.e.adopt(d, d.ins.map(at.plain), d.outs);
  }
  return { e: at.e, roots: roots.map(at.plain), args: args.map(at.plain) };
}

function relaying(e: Emitter, forms: ReadonlyMap<Drafted, Forms>): Relaying {
  const named = new Set<string>();
  /** A value in the file; of several forms of a parameter, one has its name. */
  const hold = ({ from: { given } }: Var, data: Data, format?: FileLayoutFormat) => {
    const name = format || given === undefined || named.has(given) ? undefined : given;
    if (name !== undefined) named.add(name);
    return e.hold(data, name, format);
  };
  const plain = (v: Var): Var => {
    const own = forms.get(v.from)!;
    const [image] = own.images;
    const make = () =>
      v.from.tensor?.value ? hold(v, dataOf(v)) : outOfLayout(e, image.v, image.layout, v.shape);
    const known = own.plain ??= make();
    return v.out === v.from.main ? known : outputOf(known.from, v.out);
  };
  const constant: Relaying["constant"] = (v, layout, packing, least = v.shape) => {
    const { constants } = forms.get(v.from)!;
    const key = `${packing.order} ${packing.block} ${least}`;
    const format = { kind: "image2d", alignAxis: alignAxisOf(packing) } as const;
    const made = constants.get(key) ??
      hold(v, packedData(dataOf(v), packing, least), layout.image ? format : undefined);
    constants.set(key, made);
    return made;
  };
  const image = (v: Var, layout: Layout): Var | undefined => {
    const { images } = forms.get(v.from)!;
    const known = images.find((i) => i.layout.format === layout.format);
    if (known) return known.v;
    const { packing } = layout;
    if (v.shape.length !== 4) return undefined;
    if (v.from.tensor?.value) return constant(v, layout, packing);
    const made = v.shape[1] % packing.block === 0 || canFill(v, layout)
      ? intoLayout(e, plain(v), layout)
      : converted(v, layout);
    if (made) images.push({ layout, v: made });
    return made;
  };
  /** A conversion of what can be packed comes after the packing. */
  const converted = (v: Var, layout: Layout): Var | undefined => {
    if (!isFillable(v, layout)) return undefined;
    const x = image(v.from.ins[0], layout);
    return x && e.adopt(v.from, [x], [{ dtype: v.dtype, shape: x.shape }]);
  };
  return {
    ...{ e, plain, image, constant },
    layoutOf: (v) => forms.get(v.from)!.images[0]?.layout,
  };
}

/** True if the last block of channels can be filled, perhaps before a conversion. */
function isFillable(v: Var, layout: Layout): boolean {
  const { type, ins } = v.from;
  return canFill(v, layout) || (type === "TypeCvtV2" && canFill(ins[0], layout));
}

/** The same operator on packed operands, its format stated where it has one. */
function adopted(
  d: Drafted,
  at: Relaying,
  layout: Layout,
  ins: readonly Var[],
  shape: readonly number[] = packedShape(d.outs[0].shape, layout.packing),
): Image {
  const [first, ...rest] = d.params;
  const states = ["Convolution", "ConvBias", "Pooling", "AdaptivePooling"].includes(first?.table);
  const format = enumNumber("ConvolutionFormat", layout.format)!;
  // the released MegEngine has these formats for convolutions that may take a bias
  const biased = d.type === "ConvolutionV2" && /^NCHW(32|64)$/.test(layout.format);
  const name = biased ? "ConvBias" : first?.table;
  const params = states ? [table(name, { ...first.fields, format }), ...rest] : d.params;
  const outs = [{ dtype: d.outs[0].dtype, shape }];
  const type = biased ? "ConvBiasForwardV4" : d.type;
  return { layout, v: at.e.adopt({ ...d, type, params }, ins, outs) };
}

/** A convolution in the first format that its channels fill. */
function convolved(candidates: readonly Layout[]): LayoutRule {
  return (d, at) => {
    if (!isFloat(d.outs[0].dtype)) return undefined;
    const backwards = d.type === "ConvolutionBackwardDataV2";
    const [x, w] = backwards ? [d.ins[1], d.ins[0]] : d.ins;
    if (!w.from.tensor?.value || !/^Conv(olutionV2|BiasForwardV4|.*DataV2)$/.test(d.type)) {
      return undefined;
    }
    for (const layout of candidates) {
      const isPacked = at.layoutOf(x)?.format === layout.format;
      const kernel = kernelFor(d, layout, isPacked, isFillable(x, layout));
      if (!kernel) continue;
      const source = kernel.plainImage ? at.plain(x) : at.image(x, layout);
      if (!source) continue;
      const added = backwards ? [] : d.ins.slice(2).map((v) => at.image(v, layout));
      if (added.includes(undefined)) continue;
      const own = at.constant(w, layout, kernel.packing, kernel.least);
      const ins = backwards ? [own, source] : [source, own, ...added as readonly Var[]];
      return adopted(d, at, layout, ins);
    }
    return undefined;
  };
}

const pooled: LayoutRule = (d, at) => {
  const layout = at.layoutOf(d.ins[0]);
  if (!layout || (d.type !== "PoolingV1" && !/^NCHW(44|88)$/.test(layout.format))) return undefined;
  const rest = d.ins.slice(1).map(at.plain);
  return adopted(d, at, layout, [at.image(d.ins[0], layout)!, ...rest]);
};

/** Packed if an operand is, and the others can be or are single numbers. */
const elementwise: LayoutRule = (d, at) => {
  const [{ shape }] = d.outs;
  const layout = d.ins.map(at.layoutOf).find((l) => l !== undefined);
  if (!layout || shape.length !== 4 || (layout.image && d.type !== "Elemwise")) return undefined;
  const filled = shape[1] % layout.packing.block !== 0;
  if (filled && !(tame.has(modeOf(d) ?? "") || d.type === "TypeCvtV2")) return undefined;
  const ins = d.ins.map((v) => {
    if (sizeOf(v.shape) === 1) return layout.image && v.shape.length > 1 ? undefined : at.plain(v);
    return v.shape.length === 4 && v.shape[1] === shape[1] ? at.image(v, layout) : undefined;
  });
  return ins.includes(undefined) ? undefined : adopted(d, at, layout, ins as readonly Var[]);
};

/** Rows and columns are where they were. */
const reduced: LayoutRule = (d, at) => {
  const layout = d.ins.length === 1 ? at.layoutOf(d.ins[0]) : undefined;
  const axis = Number(d.params[0].fields.axis);
  if (layout?.packing.order !== "nChwc" || (axis !== 2 && axis !== 3)) return undefined;
  return adopted(d, at, layout, [at.image(d.ins[0], layout)!]);
};

const joined: LayoutRule = (d, at) => {
  const layout = d.ins.map(at.layoutOf).find((l) => l !== undefined);
  const { axis } = d.params[0].fields;
  if (!layout || d.ins.some((v) => v.shape[1] % layout.packing.block !== 0)) return undefined;
  // the rows of an OpenCL image have no joint
  if (layout.image && axis === 3) return undefined;
  const ins = d.ins.map((v) => at.image(v, layout));
  if (ins.includes(undefined)) return undefined;
  const own = layout.packing.order.indexOf("nChw"[Number(axis)]);
  const params = [table("Axis", { axis: own })];
  return adopted({ ...d, params }, at, layout, ins as readonly Var[]);
};

/** Operators that may work on packed images, beside convolutions. */
const rules: Readonly<Record<string, LayoutRule>> = {
  PoolingV1: pooled,
  AdaptivePoolingV1: pooled,
  Elemwise: elementwise,
  PowC: elementwise,
  TypeCvtV2: elementwise,
  ReduceV2: reduced,
  Concat: joined,
};
