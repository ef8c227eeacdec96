/**
 * Recurrent operators. What they keep for their own gradients is given as zeros: no operator of a
 * file reads it but those.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { add } from "../../ops/arithmetic.ts";
import { lstmCell, rnnCell } from "../../ops/cells.ts";
import { zeros } from "../../ops/create.ts";
import { matmulFn } from "../../ops/matmul.ts";
import { lstm, rnn } from "../../ops/recurrent.ts";
import type { Nonlinearity } from "../../ops/recurrent_layer.ts";
import { reshape, transpose } from "../../ops/shape.ts";
import { field, member, number, refused, type Rule, type Rules, type Site } from "../rule.ts";

function optionsOf(site: Site) {
  if (number(site, "dropout") > 0 && member(site, "fwd_mode") === "TRAINING") {
    throw refused(site, "dropout between its layers is random and different on every device");
  }
  return {
    bidirectional: field(site, "bidirectional") === true,
    bias: field(site, "bias") === true,
  };
}

function nonlinearityOf(site: Site): Nonlinearity {
  return member(site, "nonlineMode").toLowerCase() as Nonlinearity;
}

/** Elements that the reference back end keeps of a pass. */
function reserve(x: Tensor, h: Tensor, states: number): Tensor {
  const [steps] = x.shape;
  const [all, n, hidden] = h.shape;
  return zeros([states * all * steps * n * hidden], x.dtype);
}

const lstmRule: Rule = (site) => {
  if (number(site, "proj_size") > 0) {
    throw refused(site, "it projects its hidden states, which no back end of MegEngine does");
  }
  const [x, h, c, weights] = site.ins;
  return [...lstm(x, h, c, weights, optionsOf(site)), reserve(x, h, 2)];
};

const rnnRule: Rule = (site) => {
  const [x, h, weights] = site.ins;
  const nonlinearity = nonlinearityOf(site);
  return [...rnn(x, h, weights, { nonlinearity, ...optionsOf(site) }), reserve(x, h, 1)];
};

function flat(bias: Tensor): Tensor {
  return reshape(bias, { shape: [-1] });
}

/** The third result is what the gates are made of, gate after gate. */
const lstmCellRule: Rule = ({ ins: [x, ih, biasIh, h, hh, biasHh, c] }) => {
  const biases = { biasIh: flat(biasIh), biasHh: flat(biasHh) };
  const [hidden, cell] = lstmCell(x, h, c, ih, hh, biases);
  const product = (a: Tensor, w: Tensor) => matmulFn(a, w, { transposeB: true });
  const sums = add(add(product(x, ih), product(h, hh)), add(biases.biasIh, biases.biasHh));
  const [n, width] = h.shape;
  const each = transpose(reshape(sums, { shape: [n, 4, width] }), { perm: [1, 0, 2] });
  return [hidden, cell, reshape(each, { shape: [n, 4 * width] })];
};

const rnnCellRule: Rule = (site) => {
  const [x, ih, biasIh, h, hh, biasHh] = site.ins;
  const nonlinearity = nonlinearityOf(site);
  return [rnnCell(x, h, ih, hh, { biasIh: flat(biasIh), biasHh: flat(biasHh), nonlinearity })];
};

/** Rules by registry alias. */
export const recurrentRules: Rules = {
  LSTMForward: lstmRule,
  RNNForward: rnnRule,
  LSTMCellForward: lstmCellRule,
  RNNCellForward: rnnCellRule,
};
