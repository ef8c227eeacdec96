/**
 * Recurrent networks and cells as their operators, which take f32.
 * @module
 */
import type { Node } from "../../core/tensor.ts";
import { outputOf, type Var } from "../emitter.ts";
import type { Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

function isSingle({ outs: [{ dtype }] }: Node): boolean {
  return dtype === "f32";
}

function nonlineMode(word: string): number {
  return step.member("RNNCellNonlineMode", word.toUpperCase());
}

/** A network of layers; behind its results stands what its own gradient would need. */
function network(type: "LSTM" | "RNN", { e, node, ins, attrs }: Writing): readonly Var[] {
  const [x, h] = node.ins;
  const [layers, n, hidden] = h.shape;
  const directions = attrs.bidirectional ? 2 : 1;
  const states = node.outs.length - 1;
  const param = step.table(type, {
    ...{ num_layers: layers / directions, bidirectional: attrs.bidirectional, bias: attrs.bias },
    ...{ hidden_size: hidden, dropout: 0 },
    ...(type === "RNN" ? { nonlineMode: nonlineMode(attrs.nonlinearity) } : { proj_size: 0 }),
    fwd_mode: step.member("BNFwdMode", "INFERENCE"),
  });
  const kept = { dtype: x.dtype, shape: [states * layers * x.shape[0] * n * hidden] };
  const outs = [...node.outs, kept];
  const made = e.opr(`${type}Forward`, [param], ins, outs[0], { outs });
  return node.outs.map((_, i) => i === 0 ? made : outputOf(made.from, i));
}

/** Biases, zeros where there are none. */
function biasesOf({ e, node }: Writing, given: readonly Var[], gates: number): readonly Var[] {
  if (given.length > 0) return given;
  const [{ dtype, shape }] = node.outs;
  const zero = step.filled(e, 0, dtype, [gates * shape[1]]);
  return [zero, zero];
}

/** Recurrent operations as operators. */
export const recurrentWriting: WritingRules = {
  lstm: { takes: isSingle, write: (site) => network("LSTM", site) },
  rnn: { takes: isSingle, write: (site) => network("RNN", site) },
  lstmCell: {
    takes: isSingle,
    write(site) {
      const { e, node, ins: [x, h, c, ih, hh, ...given] } = site;
      const [inner, outer] = biasesOf(site, given, 4);
      const [n, hidden] = node.outs[0].shape;
      const gates = { dtype: node.outs[0].dtype, shape: [n, 4 * hidden] };
      const outs = [...node.outs, gates];
      const all = [x, ih, inner, h, hh, outer, c];
      const made = e.opr("LSTMCellForward", [step.table("Empty")], all, outs[0], { outs });
      return [made, outputOf(made.from, 1)];
    },
  },
  rnnCell: {
    takes: isSingle,
    write(site) {
      const { e, attrs, out, ins: [x, h, ih, hh, ...given] } = site;
      const [inner, outer] = biasesOf(site, given, 1);
      const param = step.table("RNNCell", { nonlineMode: nonlineMode(attrs.nonlinearity) });
      return e.opr("RNNCellForward", [param], [x, ih, inner, h, hh, outer], out);
    },
  },
};
