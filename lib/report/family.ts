/**
 * Families of operations, for colours and legends: by name, so that a file's operators, known here
 * or not, are sorted like ours.
 * @module
 */
import type { Op } from "../core/op.ts";

/** The families in the order of a legend, with what a reader calls them. */
export const families = {
  argument: "Inputs",
  result: "Results",
  constant: "Parameters, constants",
  product: "Products, convolutions",
  arithmetic: "Arithmetic",
  activation: "Activations",
  norm: "Normalisation",
  reduce: "Reductions, pooling",
  shape: "Shapes, indexing",
  other: "Everything else",
} as const;

/** A family of operations. */
export type Family = keyof typeof families;

/** The first that fits; the words are those of operations here and of the file's operators. */
const words: readonly (readonly [Family, RegExp])[] = [
  [
    "activation",
    new RegExp(
      "(^|[ _])(elu|gelu|silu|p?relu6?|leakyRelu|softplus|h_?swish|hardSwish|hardSigmoid|" +
        "sigmoid|logSigmoid|tanh|fast_tanh|(log)?softmax)(_grad|Backward|V\\d)*$",
      "i",
    ),
  ],
  ["product", /^(matmul|conv|batch(ed)?conv|(batched)?matrixmul|dot|(group)?local|lstm|rnn)/i],
  ["product", /^(correlation|deformableConv|maskConv|regionRestrictedConv|multiHeadAttn)/i],
  ["norm", /^((batch|group|instance|layer|general)norm|lrn|standardize|dropout)/i],
  ["reduce", /^(all|any|arg(max|min|sort)|max|mean|min|prod|sum|sumSquares|variance|logSumExp)\b/],
  ["reduce", /^(reduce|window|topk|cumsum|arg(max|min|sort)|roi)|pool/i],
  ["reduce", /^(sort|rankIn|firstOf|merged|search|sum(Behind|Within)|nms|overlaps|struckOut)/i],
  ["shape", /^(broadcast|concat|pad|reshape|roll|slice|spaced|transpose|split|flip|diag|resize)/i],
  ["shape", /^(gather|put|scatter|set|take|condTake|axis|dimshuffle|subtensor|getVarShape)/i],
  ["shape", /^(images2neibs|identity|incr|relayout|remap|warp|indexing|(batched)?\w*mesh)/i],
  ["shape", /^(lastHit|mixAlong|nonZero|rotate|sliding)/i],
  ["arithmetic", /^(elemwise|typecvt|powc|where|maskedfill|addupdate|affineint)/i],
  ["arithmetic", /^(cross|cvtColor|fakeQuant)/i],
];

/** The family of an operation; what its name does not say, its record may. */
export function familyOf(name: string, op?: Op): Family {
  const found = words.find(([, pattern]) => pattern.test(name))?.[0];
  if (op?.scalar && found !== "activation") return "arithmetic";
  return op?.view ? "shape" : found ?? "other";
}
