/**
 * Why dumps made again differ from the recorded ones; `docs/dumps.md` has the same as a table.
 * @module
 */

/** The reasons, by short names. */
export const reasons = {
  parameters:
    "leaves of a parameter tree are parameter holders, which params and keepParamName name",
  olderReaders: "V1 holds Softmax and LayerNorm as compositions, which older readers know",
  removedAtOnce: "the axes of a reduction are removed by one operator at its end",
  batchAlone: "sizes other than the batch are numbers, not arithmetic over shapes",
  rebuiltNames: "a result that fusing rebuilds keeps the name that it has without",
  namedByModule: "operators without parameters at the ends of a model do not say their module",
  ownComposition: "an operation that files lack here is composed of others",
  gradients: "a gradient is made of ordinary operations, in no scope of its own",
  rowsOfAxes: "a norm in inference is a scale and a shift",
  packing:
    "convolutions are packed and padded by other rules, among them some that the release gets wrong",
  constantNames: "constants are numbered from 0, not by their place in a graph",
  broadcasts: "a broadcast constant stays small",
  rewritingBugs: "V2 files of the release negate sign and break clip; ours compute them",
} as const;

/** The name of a reason. */
export type Reason = keyof typeof reasons;

/** Reasons of each folder; a folder without any is made again exactly. */
export const because: Readonly<Record<string, readonly Reason[]>> = {
  add: [],
  mlp: ["parameters", "olderReaders"],
  convnet: ["parameters", "removedAtOnce", "rowsOfAxes", "packing"],
  convnet_plain: ["packing"],
  split_concat: ["ownComposition"],
  reshape_dyn: ["batchAlone"],
  topk_elem: ["rebuiltNames", "ownComposition"],
  adv_index: ["ownComposition"],
  dtypes: ["rebuiltNames", "ownComposition"],
  norm_softmax: ["namedByModule", "olderReaders", "ownComposition"],
  matmuls: ["batchAlone", "ownComposition"],
  embedding: ["parameters", "ownComposition"],
  resize_warp: ["ownComposition"],
  grad_dx: ["gradients"],
  train_sgd: ["gradients", "olderReaders"],
  scalar_const: ["broadcasts", "constantNames"],
  conv_transpose: ["rebuiltNames"],
  elemwise_zoo: ["ownComposition", "rewritingBugs"],
  kwargs_call: ["rebuiltNames"],
  reductions: ["ownComposition", "removedAtOnce"],
  lenet: ["parameters", "batchAlone"],
  resnet18_small: ["removedAtOnce"],
  transformer_small: ["batchAlone", "olderReaders"],
  lstm_small: ["batchAlone", "rebuiltNames"],
};
