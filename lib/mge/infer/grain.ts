/**
 * Finer operators made coarse: a sum divided by the size that it ran over is a mean, and the mean
 * or the largest of a whole image is pooling.
 * @module
 */
import { isFloat, sameShape } from "../../core/type.ts";
import type { Drafted, Var } from "../emitter.ts";
import { integers, member, table } from "../legal/steps.ts";
import { enumMember } from "../schema.ts";
import { type ListRule, modeOf, numberIn, type Rewriting } from "./rewrite.ts";

/** Makes operators coarser. */
export const fuseGrain: ListRule = (d, at) => meanOfSum(d, at) ?? wholePooling(d, at);

/** The mode of a reduction along one axis. */
function reducing(d: Drafted): string | undefined {
  if (d.type !== "ReduceV2" || d.ins.length !== 1) return undefined;
  return enumMember("ReduceMode", Number(d.params[0].fields.mode));
}

/** Operators that only name the axes anew. */
function isReshape(d: Drafted): boolean {
  return d.type === "ReshapeV1" || d.type === "AxisAddRemove";
}

/** sum / size → mean, through reshapes and for several axes. */
function meanOfSum(d: Drafted, at: Rewriting): Var | undefined {
  const mode = modeOf(d);
  if ((mode !== "TRUE_DIV" && mode !== "MUL") || !isFloat(d.outs[0].dtype)) return undefined;
  const [x, by] = mode === "MUL" && numberIn(at.of(d.ins[0])) !== undefined
    ? [d.ins[1], d.ins[0]]
    : d.ins;
  const number = numberIn(at.of(by));
  if (number === undefined || !sameShape(x.shape, d.outs[0].shape)) return undefined;
  const steps: Drafted[] = [];
  let size = 1;
  let under = x;
  while (at.uses(under) === 1 && (isReshape(under.from) || reducing(under.from) === "SUM")) {
    steps.unshift(under.from);
    const [inner] = under.from.ins;
    if (reducing(under.from)) size *= inner.shape[Number(under.from.params[0].fields.axis)];
    under = inner;
  }
  const fits = number === (mode === "TRUE_DIV" ? size : Math.fround(1 / size));
  if (size < 2 || !fits) return undefined;
  let now = at.of(under);
  for (const step of steps) {
    const more = step.ins.slice(1).map(at.of);
    now = at.e.adopt(
      reducing(step) ? { ...step, params: [averaged(step)] } : step,
      [now, ...more],
      step.outs,
    );
  }
  return now;
}

function averaged(d: Drafted) {
  return table("Reduce", { ...d.params[0].fields, mode: member("ReduceMode", "MEAN") });
}

/** [n,c,h,w] → [n,c,h·w], reduced to [n,c,1], → [n,c,1,1]: pooling to one element. */
function wholePooling(d: Drafted, at: Rewriting): Var | undefined {
  const [{ dtype, shape }] = d.outs;
  if (!isReshape(d) || shape.length !== 4 || shape[2] !== 1 || shape[3] !== 1) return undefined;
  let under = d.ins[0];
  while (at.uses(under) === 1 && isReshape(under.from)) under = under.from.ins[0];
  const mode = reducing(under.from);
  const pool = mode === "MEAN" ? "AVERAGE" : mode === "MAX" ? "MAX" : undefined;
  if (!pool || at.uses(under) !== 1 || Number(under.from.params[0].fields.axis) !== 2) {
    return undefined;
  }
  const flat = under.from.ins[0];
  const image = flat.from.type === "ReshapeV1" ? flat.from.ins[0] : undefined;
  const whole = image?.shape.length === 4 && isFloat(dtype) &&
    sameShape(flat.shape, [...image.shape.slice(0, 2), image.shape[2] * image.shape[3]]) &&
    sameShape(image.shape.slice(0, 2), shape.slice(0, 2));
  if (!image || !whole) return undefined;
  const param = table("AdaptivePooling", { mode: member("PoolingV0Mode", pool), format: 0 });
  const ins = [at.of(image), integers(at.e, [1, 1])];
  return at.e.opr("AdaptivePoolingV1", [param], ins, d.outs[0], { label: d.label });
}
