/**
 * Modes of MegEngine's Elemwise that no operation here is: the gradients that its files may hold,
 * its conditional moves and its fused pairs, each as an exact composition.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { geluSlope, hardSwish, relu, sigmoid } from "./activation.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { eq, ge, gt, le, lt, ne } from "./compare.ts";
import { logicalAnd } from "./logic.ts";
import { sqrt, square } from "./math.ts";
import { as, where } from "./select.ts";
import { tanh } from "./trig.ts";

/** The rational approximation of tanh: x(27 + x²) / (27 + 9x²); past 3 it leaves ±1. */
export function fastTanh(x: Tensor): Tensor {
  const z = square(x);
  return div(mul(x, add(z, 27)), add(mul(z, 9), 27));
}

function fastTanhGrad(x: Tensor, ct: Tensor): Tensor {
  const z = square(x);
  const under = add(z, 3);
  return mul(div(add(div(mul(z, -48), under), add(z, 27)), mul(under, 9)), ct);
}

function hardSwishGrad(x: Tensor, ct: Tensor): Tensor {
  const curve = mul(div(add(mul(x, 2), 3), 6), ct);
  return where(lt(x, -3), 0, where(gt(x, 3), ct, curve));
}

function siluGrad(x: Tensor, ct: Tensor): Tensor {
  const y = sigmoid(x);
  return mul(ct, mul(y, add(mul(x, sub(1, y)), 1)));
}

function inside(x: Tensor, lower: number, upper: number, ct: Tensor): Tensor {
  return where(logicalAnd(gt(x, lower), lt(x, upper)), ct, 0);
}

/**
 * What an Elemwise mode computes, for the modes that are no operation's `wire`; `undefined` for
 * those that are one's, and for names that are no mode.
 */
export function composedMode(mode: string): ((...ins: readonly Tensor[]) => Tensor) | undefined {
  switch (mode) {
    case "ABS_GRAD":
      return (x, ct) => where(gt(x, 0), ct, neg(ct));
    case "SIGMOID_GRAD":
      return (y, ct) => mul(mul(y, sub(1, y)), ct);
    case "SWITCH_GT0":
      return (x, ct) => where(gt(x, 0), ct, 0);
    case "TANH_GRAD":
      return (y, ct) => mul(sub(1, square(y)), ct);
    case "LT":
      return (a, b) => as(lt(a, b), a.dtype);
    case "LEQ":
      return (a, b) => as(le(a, b), a.dtype);
    case "EQ":
      return (a, b) => as(eq(a, b), a.dtype);
    case "NEQ":
      return ne;
    case "COND_LEQ_MOV":
      return (a, b, c) => where(le(a, b), c, 0);
    case "COND_LT_MOV":
      return (a, b, c) => where(lt(a, b), c, 0);
    case "FUSE_MUL_ADD3":
      return (a, b, c) => add(mul(a, b), c);
    case "FUSE_MUL_ADD4":
      return (a, A, b, B) => add(mul(a, A), mul(b, B));
    case "FUSE_ADD_RELU":
      return (a, b) => relu(add(a, b));
    case "FUSE_ADD_SIGMOID":
      return (a, b) => sigmoid(add(a, b));
    case "FUSE_ADD_TANH":
      return (a, b) => tanh(add(a, b));
    case "FUSE_ADD_H_SWISH":
      return (a, b) => hardSwish(add(a, b));
    case "FAST_TANH":
      return fastTanh;
    case "FAST_TANH_GRAD":
      return fastTanhGrad;
    case "H_SWISH_GRAD":
      return hardSwishGrad;
    case "SILU_GRAD":
      return siluGrad;
    case "GELU_GRAD":
      return (x, ct) => mul(ct, geluSlope(x));
    case "ASINH_GRAD":
      return (x, ct) => div(ct, sqrt(add(square(x), 1)));
    case "ACOSH_GRAD":
      return (x, ct) => div(ct, sqrt(sub(square(x), 1)));
    case "ATANH_GRAD":
      return (x, ct) => div(ct, sub(1, square(x)));
    case "PRELU_GRAD":
      return (x, ct, slope) => where(ge(x, 0), ct, mul(ct, slope));
    case "SOFTPLUS_GRAD":
      return (x, ct) => mul(ct, sigmoid(x));
    case "RELU6_GRAD":
      return (x, ct) => inside(x, 0, 6, ct);
    case "HSIGMOID_GRAD":
      return (x, ct) => inside(x, -3, 3, div(ct, 6));
    default:
      return undefined;
  }
}
