/**
 * Dropout, from a key like everything random.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { mul } from "./arithmetic.ts";
import { bernoulli } from "./random.ts";
import { where } from "./select.ts";

/**
 * x with each element zeroed with probability `rate` and the others divided by 1 - rate, so that
 * the expectation stays. The same key zeroes the same elements. Throws OptionError unless
 * 0 <= rate < 1. Srivastava et al., 2014.
 */
export function dropout(x: Tensor, rate: number, key: Tensor): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw located(
      new OptionError(`Cannot take rate: ${rate}: it must be from 0 up to but not including 1`),
      new Error("dropout"),
    );
  }
  if (rate === 0) return x;
  const stays = bernoulli(key, x.shape, 1 - rate);
  return where(stays, mul(x, 1 / (1 - rate)), 0);
}
