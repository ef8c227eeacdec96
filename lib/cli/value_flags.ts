/**
 * The flags that say how files become values, alike for test cases and for a run.
 * @module
 */
import type { Host } from "../core/host.ts";
import type { PictureOptions } from "../mge/picture.ts";
import { transformFrom } from "../mge/transform_text.ts";
import type { Flag, FlagValues } from "./command.ts";

/** The flags. */
export const valueFlags = {
  "resize-input": { kind: "boolean", doc: "resize pictures to the input's height and width" },
  rgb: { kind: "boolean", doc: "pictures in the order RGB, not MegEngine's BGR" },
  "input-transform": {
    kind: "string",
    placeholder: "EXPR",
    doc: "what becomes of values of files, as in (data-[104,117,124])/58",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** What the help says of them. */
export const valueNotes: readonly string[] = [
  "A file of values is a .npy, .npz, .safetensors or ONNX .pb, or a picture: PNG, JPEG, WebP or " +
  "BMP. A picture is grey or colour as the input has 1 or 3 channels, NCHW or NHWC as its shape " +
  "says, of the input's dtype, and in the order BGR.",
  "EXPR is arithmetic over data: numbers, lists with a number for each channel, + - * /, " +
  "parentheses, abs sqrt exp log floor round float (of x), min(x,y), max(x,y), clip(x,low,high), " +
  "transpose(x,axis,…). Integers compute as NumPy's: pictures less 128 wrap, float(data)-128 " +
  "does not.",
];

/** The options that the flags state; `warn` hears of a transform that wraps. */
export function valueOptions(
  flags: FlagValues<typeof valueFlags>,
  warn: (line: string) => void,
): PictureOptions & { readonly inputTransform?: (value: Host) => Host } {
  const text = flags["input-transform"];
  return {
    resizeInput: flags["resize-input"],
    rgb: flags.rgb,
    ...(text === undefined ? {} : { inputTransform: transformFrom(text, warn) }),
  };
}
