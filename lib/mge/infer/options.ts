/**
 * What a dump may be asked to do for inference: the options by our names and by the file's, what
 * they exclude, and the bits that a file keeps of them.
 * @module
 */
import { OptionError } from "../../core/fault.ts";

/** Rewritings for inference. All but `enableFuseGrain` are off by default; one layout at most. */
export interface InferenceOptions {
  /** f16 between operators, f32 inside; arguments and results stay as they are. */
  readonly enableIo16xc32?: boolean;
  /** f16 between operators and inside; arguments and results stay as they are. */
  readonly enableIoc16?: boolean;
  /** A convolution takes the bias and the relu, sigmoid or hardSwish behind it. */
  readonly enableFuseConvBiasNonlinearity?: boolean;
  /** It takes a further tensor of its result's shape as well, as in a residual block. */
  readonly enableFuseConvBiasWithZ?: boolean;
  /** Images of u8: scale and shift go with the conversion, rearranging comes before it. */
  readonly enableFusePreprocess?: boolean;
  /** Sums over a size become means, means of whole images become pooling; true by default. */
  readonly enableFuseGrain?: boolean;
  /** Images [n,h,c/4,w,4] as OpenCL's, which the released MegEngine runs on no CPU. */
  readonly enableHwcd4?: boolean;
  /** Images [n,c/4,h,w,4] with kernels [o,i/4,h,w,4]. */
  readonly enableNchw4?: boolean;
  /** Images [n,c/4,h,w,4] with kernels [o/4,i/4,h,w,4,4]. */
  readonly enableNchw44?: boolean;
  /** The same for machines with dot products of bytes; for floats it is `enableNchw44`. */
  readonly enableNchw44Dot?: boolean;
  /** Images [n,c/8,h,w,8] with kernels [o/8,i/8,h,w,8,8]. */
  readonly enableNchw88?: boolean;
  /** Images [n,c/32,h,w,32] where 32 divides the channels, else as with `enableNchw4`. */
  readonly enableNchw32?: boolean;
  /** Images [n,c/64,h,w,64] where 64 divides the channels, else as with `enableNchw32`. */
  readonly enableNchw64?: boolean;
  /** Images [c/4,h,w,n,4], which the released MegEngine convolves on no CPU. */
  readonly enableChwn4?: boolean;
}

/** The file's names of what its bits say, in order from bit 0. */
export const fileOptions: readonly string[] = [
  "enable_io16xc32",
  "enable_ioc16",
  "enable_fuse_conv_bias_nonlinearity",
  "enable_fuse_conv_bias_with_z",
  "enable_weight_preprocess",
  "enable_fuse_preprocess",
  "enable_fuse_grain",
];

/** The file's names of layouts, by the number that bits 32 and up hold. */
export const fileLayouts: readonly string[] = [
  "",
  "enable_nchw4",
  "enable_hwcd4",
  "enable_nchw88",
  "enable_nchw44",
  "enable_nchw44_dot",
  "enable_nchw32",
  "enable_chwn4",
  "enable_nchw64",
];

/** Our name of an option of the file. */
function optionName(file: string): keyof InferenceOptions {
  return file.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()) as keyof InferenceOptions;
}

const switches = fileOptions.map(optionName);
const layouts = fileLayouts.slice(1).map(optionName);

/** Every option, by name. */
export const inferenceNames: readonly (keyof InferenceOptions)[] = [
  ...switches.filter((name) => (name as string) !== "enableWeightPreprocess"),
  ...layouts,
];

/** A layout's name as the option has it, in capitals: `NCHW44_DOT`. */
export type LayoutName =
  | "HWCD4"
  | "NCHW4"
  | "NCHW44"
  | "NCHW44_DOT"
  | "NCHW88"
  | "NCHW32"
  | "NCHW64"
  | "CHWN4";

/** What is done for inference. */
export interface Inference {
  /** What the released MegEngine does whatever the options say: norms folded, arithmetic fused. */
  readonly plain: boolean;
  readonly half?: "io16xc32" | "ioc16";
  readonly fuseBias: boolean;
  readonly fuseZ: boolean;
  readonly preprocess: boolean;
  readonly grain: boolean;
  readonly layout?: LayoutName;
  /** What the file's metadata keep. */
  readonly bits: bigint;
}

/** Nothing at all. */
export const noInference: Inference = {
  ...{ plain: false, fuseBias: false, fuseZ: false, preprocess: false, grain: false, bits: 0n },
};

/** Refuses values that are no truths, and options that exclude each other. */
export function checkInference(options: InferenceOptions): void {
  for (const name of inferenceNames) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw new OptionError(
        `Cannot dump with ${name}: ${JSON.stringify(value)}: it must be true or false`,
      );
    }
  }
  const asked = layouts.filter((name) => options[name]);
  if (asked.length > 1) {
    throw new OptionError(
      `Cannot dump with ${asked.join(" and ")}: a file has one layout\n  try one of them`,
    );
  }
  if (options.enableIo16xc32 && options.enableIoc16) {
    throw new OptionError(
      "Cannot dump with enableIo16xc32 and enableIoc16: operators compute in f32 or in f16\n" +
        "  try one of them",
    );
  }
}

/** What the options ask for. */
export function inferenceOf(options: InferenceOptions): Inference {
  const all: InferenceOptions = { enableFuseGrain: true, ...options };
  const at = layouts.findIndex((name) => all[name]);
  const layout = at < 0 ? undefined : fileLayouts[at + 1].slice(7).toUpperCase() as LayoutName;
  const bits = switches.reduce((sum, name, i) => all[name] ? sum | 1n << BigInt(i) : sum, 0n);
  const quantizing = layout !== undefined && /^(NCHW4|NCHW32|NCHW64|CHWN4)$/.test(layout);
  const fuseZ = all.enableFuseConvBiasWithZ === true || quantizing;
  const half = all.enableIo16xc32 ? "io16xc32" : all.enableIoc16 ? "ioc16" : undefined;
  return {
    plain: true,
    ...(half ? { half } : {}),
    fuseBias: all.enableFuseConvBiasNonlinearity === true || fuseZ || layout !== undefined,
    fuseZ,
    preprocess: all.enableFusePreprocess === true,
    grain: all.enableFuseGrain === true,
    ...(layout ? { layout } : {}),
    bits: bits | BigInt(at + 1) << 32n,
  };
}
