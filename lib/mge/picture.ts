/**
 * A picture as the value of an input: MegEngine's reading of the input's shape, the channels in its
 * order BGR, resized before it is greyed.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { type Named, printType } from "../core/type.ts";
import { greyImage, resizeImage } from "../io/image.ts";

/** How a picture is fitted to an input. */
export interface PictureOptions {
  /** Resizes it to the input's height and width; false by default. */
  readonly resizeInput?: boolean;
  /** Keeps the order RGB; false by default, which is BGR. */
  readonly rgb?: boolean;
}

interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** NCHW; else NHWC. */
  readonly first: boolean;
  /** The input has a batch axis. */
  readonly batch: boolean;
}

/**
 * A picture `u8[height,width,3]` in the layout of an input: NCHW where axis 1 of four has 1 or 3
 * channels, NHWC where the last has, three axes without the batch; one channel is grey. `path`
 * names the picture in messages. Throws ShapeError for inputs that no picture fits.
 */
export function pictureValue(
  image: Host,
  input: Named,
  path: string,
  { resizeInput = false, rgb = false }: PictureOptions,
): Host {
  const layout = layoutOf(input, path);
  const sized = resizeInput ? resizeImage(image, layout.height, layout.width) : image;
  const { shape: [height, width], data } = layout.channels === 1 ? greyImage(sized) : sized;
  const { channels, first, batch } = layout;
  const out = new Uint8Array(height * width * channels);
  const [pixel, plane] = first ? [1, height * width] : [channels, 1];
  for (let c = 0; c < channels; c++) {
    const from = rgb ? c : channels - 1 - c;
    for (let i = 0; i < height * width; i++) {
      out[i * pixel + c * plane] = Number(data[i * channels + from]);
    }
  }
  const shape = first ? [channels, height, width] : [height, width, channels];
  return { dtype: "u8", shape: batch ? [1, ...shape] : shape, data: out };
}

function layoutOf(input: Named, path: string): Layout {
  const batch = input.shape.length !== 3;
  const shape = batch ? input.shape.slice(1) : input.shape;
  const isColor = (extent: number) => extent === 1 || extent === 3;
  if (shape.length === 3 && isColor(shape[0])) {
    return { channels: shape[0], height: shape[1], width: shape[2], first: true, batch };
  }
  if (shape.length === 3 && isColor(shape[2])) {
    return { channels: shape[2], height: shape[0], width: shape[1], first: false, batch };
  }
  throw new ShapeError(
    `Cannot take the picture ${path} for the input ${input.name}: can not infer the format from ` +
      `its type ${printType(input)}\n  pictures fit [N,C,H,W] and [N,H,W,C], with the batch or ` +
      "without it, where C is 1 for grey or 3 for colour",
    { values: { shape: input.shape } },
  );
}
