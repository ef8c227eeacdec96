/**
 * The flags of `dump` that rewrite a model for inference: the options' names in kebab-case.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { checkInference, type InferenceOptions } from "../mge/infer/options.ts";
import type { Flag, FlagValues } from "./command.ts";
import { usageError } from "./parse.ts";

/** The flags; one layout at most. */
export const inferenceFlags = {
  "enable-io16xc32": { kind: "boolean", doc: "f16 between operators, f32 inside them" },
  "enable-ioc16": { kind: "boolean", doc: "f16 between operators and inside them" },
  "enable-fuse-conv-bias-nonlinearity": {
    kind: "boolean",
    doc: "convolutions take the bias and the nonlinearity behind them",
  },
  "enable-fuse-conv-bias-with-z": {
    kind: "boolean",
    doc: "and the tensor that is added before it, as in a residual block",
  },
  "enable-fuse-preprocess": {
    kind: "boolean",
    doc: "images of bytes are rearranged, converted, scaled and shifted at once",
  },
  "enable-fuse-grain": {
    kind: "boolean",
    default: true,
    doc: "means and pooling in the place of finer operators",
  },
  "enable-hwcd4": { kind: "boolean", doc: "layout: images of OpenCL, not for a CPU" },
  "enable-nchw4": { kind: "boolean", doc: "layout: channels in fours" },
  "enable-nchw44": { kind: "boolean", doc: "layout: channels in fours, kernels in four by four" },
  "enable-nchw44-dot": { kind: "boolean", doc: "layout: the same, for dot products of bytes" },
  "enable-nchw88": {
    kind: "boolean",
    doc: "layout: channels in eights, kernels in eight by eight",
  },
  "enable-nchw32": { kind: "boolean", doc: "layout: channels in 32, or in fours" },
  "enable-nchw64": { kind: "boolean", doc: "layout: channels in 64, in 32, or in fours" },
  "enable-chwn4": {
    kind: "boolean",
    doc: "layout: fours of channels before the batch, not for a CPU",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** The options that the flags state; flags that exclude each other are wrong usage. */
export function inferenceFlagsOf(flags: FlagValues<typeof inferenceFlags>): InferenceOptions {
  const options = Object.fromEntries(
    Object.keys(inferenceFlags).map((name) => [
      name.replace(/-(\w)/g, (_, c: string) => c.toUpperCase()),
      flags[name as keyof typeof inferenceFlags],
    ]),
  ) as InferenceOptions;
  try {
    checkInference(options);
  } catch (error) {
    if (error instanceof OptionError) throw usageError(inFlags(error.message));
    throw error;
  }
  return options;
}

/** A message with flags in the place of options. */
function inFlags(message: string): string {
  return message.replace(
    /\benable[A-Z]\w*/g,
    (name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
  );
}
