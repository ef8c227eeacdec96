/**
 * The list of all operations, by family and by name within one; the only list.
 * @module
 */
import type { Op } from "../core/op.ts";
import * as activation from "./activation.ts";
import { argmax, argmin } from "./argmax.ts";
import { add, div, maximum, minimum, mul, neg, sub } from "./arithmetic.ts";
import * as bits from "./bits.ts";
import { lstmCell, rnnCell } from "./cells.ts";
import { cvtColor } from "./color.ts";
import { eq, ge, gt, le, lt, ne } from "./compare.ts";
import { conv2d, conv2dData, conv2dFilter } from "./conv.ts";
import { convolve } from "./convolve.ts";
import { iota } from "./create.ts";
import { gather, putAlongAxis, scatterAdd, setOneHot, takeAlongAxis } from "./gather.ts";
import { concatFn, rollFn } from "./join.ts";
import * as logic from "./logic.ts";
import * as math from "./math.ts";
import { matmulFn } from "./matmul.ts";
import { mixAlong } from "./mix.ts";
import { nmsKeep, overlaps, struckOut } from "./nms.ts";
import { batchNorm, groupNorm, instanceNorm, layerNorm, standardize } from "./norm.ts";
import { pad, spaced } from "./pad.ts";
import { avgPool2dFn, maxPool2dFn } from "./pool.ts";
import { randomBitsFn, splitKeysFn, uniformFn } from "./random.ts";
import { all, any, max, mean, min, prod, sum, sumSquares } from "./reduce.ts";
import { remap, warpAffine, warpPerspective } from "./remap.ts";
import { resizeFn } from "./resize.ts";
import { roiAlign } from "./roi_align.ts";
import { roiArgmax, roiPooling, roiSpread } from "./roi_pool.ts";
import { ceil, floor, round, trunc } from "./round.ts";
import { firstOfRuns, mergedRunsFn, rankInRun } from "./runs.ts";
import { lstm, rnn } from "./recurrent.ts";
import { lstmLayer, lstmLayerBack, rnnLayer, rnnLayerBack } from "./recurrent_layer.ts";
import { lstmStep, lstmStepBack } from "./recurrent_steps.ts";
import { cumsum, sumBehind, sumWithin } from "./scan.ts";
import { lastHit, scatterSet, setSlice } from "./scatter.ts";
import { searchSorted } from "./search.ts";
import { cast, whereFn } from "./select.ts";
import { broadcastTo, reshapeFn, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { correlation, slidingWindow, slidingWindowTranspose } from "./sliding.ts";
import { logSoftmax, logSumExp, softmax } from "./softmax.ts";
import { sortFn, topkFn } from "./sort.ts";
import { erf, erfc, erfcinv, erfinv } from "./special.ts";
import { variance } from "./statistics.ts";
import * as trig from "./trig.ts";
import { windowPick, windowPlace, windowSpread, windowSum } from "./window.ts";
import { zero } from "./zero.ts";

const families: readonly (readonly { readonly op: Op }[])[] = [
  [add, div, maximum, minimum, mul, neg, sub],
  [eq, ge, gt, le, lt, ne],
  [cast, whereFn],
  [math.abs, math.exp, math.expm1, math.floorDiv, math.log, math.log1p, math.logAddExp],
  [math.mod, math.pow, math.reciprocal, math.rsqrt, math.sign, math.sqrt, math.square],
  [ceil, floor, round, trunc],
  [trig.acos, trig.acosh, trig.asin, trig.asinh, trig.atan, trig.atan2, trig.atanh],
  [trig.cos, trig.cosh, trig.sin, trig.sinh, trig.tan, trig.tanh],
  [erf, erfc, erfcinv, erfinv],
  [activation.clipFn, activation.elu, activation.gelu, activation.hardSigmoid],
  [activation.hardSwish, activation.leakyRelu, activation.logSigmoid, activation.prelu],
  [activation.relu, activation.relu6, activation.sigmoid, activation.silu, activation.softplus],
  [logic.isFinite, logic.isInf, logic.isNan],
  [logic.logicalAnd, logic.logicalNot, logic.logicalOr, logic.logicalXor],
  [bits.bitAnd, bits.bitNot, bits.bitOr, bits.bitXor, bits.mulHigh, bits.shl, bits.shr],
  [randomBitsFn, splitKeysFn, uniformFn],
  [iota, zero],
  [all, any, argmax, argmin, max, mean, min, prod, sum, sumSquares, variance],
  [broadcastTo, concatFn, pad, reshapeFn, rollFn, sliceFn, spaced, transpose],
  [gather, putAlongAxis, scatterAdd, setOneHot, takeAlongAxis],
  [
    cumsum,
    firstOfRuns,
    mergedRunsFn,
    rankInRun,
    searchSorted,
    sortFn,
    sumBehind,
    sumWithin,
    topkFn,
  ],
  [lastHit, scatterSet, setSlice],
  [nmsKeep, overlaps, struckOut],
  [mixAlong, remap, resizeFn, warpAffine, warpPerspective],
  [correlation, cvtColor, slidingWindow, slidingWindowTranspose],
  [roiAlign, roiArgmax, roiPooling, roiSpread],
  [conv2d, conv2dData, conv2dFilter, convolve, matmulFn],
  [avgPool2dFn, maxPool2dFn, windowPick, windowPlace, windowSpread, windowSum],
  [batchNorm, groupNorm, instanceNorm, layerNorm, standardize],
  [logSoftmax, logSumExp, softmax],
  [lstm, lstmCell, lstmLayer, lstmLayerBack, lstmStep, lstmStepBack],
  [rnn, rnnCell, rnnLayer, rnnLayerBack],
];

/** Every operation, in a stable order. */
export const ops: readonly Op[] = families.flat().map((f) => f.op);
