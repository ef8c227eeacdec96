/**
 * Operators that compute with real numbers what quantized ones would give: rounded to steps,
 * clipped, and back.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { clip } from "../../ops/activation.ts";
import { add, div, mul, sub } from "../../ops/arithmetic.ts";
import { exp } from "../../ops/math.ts";
import { round } from "../../ops/round.ts";
import { number, type Rule, type Rules, type Site } from "../rule.ts";

function clipped(site: Site, x: Tensor): Tensor {
  return clip(x, { lower: number(site, "qmin"), upper: number(site, "qmax") });
}

const fakeQuant: Rule = (site) => {
  const [x, scale, zeroPoint] = site.ins;
  const steps = clipped(site, add(round(div(x, scale)), zeroPoint));
  return [mul(sub(steps, zeroPoint), scale)];
};

/** The scale is given by its logarithm. */
const trained: Rule = (site) => {
  const [x, scale] = site.ins;
  const step = exp(mul(scale, Math.LN2));
  return [mul(clipped(site, round(div(x, step))), step)];
};

const learned: Rule = (site) => {
  const [x, scale, zeroPoint] = site.ins;
  const steps = round(clipped(site, add(div(x, scale), zeroPoint)));
  return [mul(sub(steps, zeroPoint), scale)];
};

/** Rules of simulated quantization. */
export const simulateRules: Rules = {
  FakeQuant: fakeQuant,
  TQT: trained,
  LSQ: learned,
};
