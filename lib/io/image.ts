/**
 * Pictures in files as pixels. PNG is read here; JPEG, WebP and BMP by the platform's own
 * `createImageBitmap`, in Deno and in browsers, without any permission.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { decodePng } from "./png.ts";

export { greyImage, resizeImage } from "./pixels.ts";

/** The kinds of pictures that are read. */
export type PictureKind = "PNG" | "JPEG" | "WebP" | "BMP";

/** What kind of picture begins with these bytes; 12 are enough. */
export function pictureKind(head: Uint8Array): PictureKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, 12));
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (text.startsWith("\xff\xd8\xff")) return "JPEG";
  if (/^RIFF[^]{4}WEBP/.test(text)) return "WebP";
  return text.startsWith("BM") ? "BMP" : undefined;
}

/**
 * The pixels of a PNG, JPEG, WebP or BMP as `u8[height,width,3]`, in the order RGB and the way up
 * that EXIF data says. Alpha is dropped, no colour profile is applied. In Deno, PNG, WebP and BMP
 * give OpenCV's values, and JPEG's differ by up to 12 of 255 (less than 1 in the mean). In browsers
 * PNG does, and JPEG where the browser decodes as OpenCV; transparent pixels of WebP and BMP lose
 * their colour there. Throws FormatError for other files and damaged ones; `what` names the picture
 * in messages.
 */
export async function decodeImage(
  bytes: Uint8Array,
  what: string = "this picture",
): Promise<Host> {
  const kind = pictureKind(bytes);
  if (kind === undefined) throw noPicture(bytes, what);
  if (kind === "PNG") return decodePng(bytes, what);
  if (typeof createImageBitmap !== "function" || typeof OffscreenCanvas !== "function") {
    throw new OptionError(
      `Cannot read ${what}: this platform has no decoder for ${kind}\n  try a PNG picture`,
    );
  }
  let bitmap: ImageBitmap;
  try {
    // Without premultiplyAlpha: Deno 2.9 takes "none" as the wish to divide by alpha.
    bitmap = await createImageBitmap(new Blob([bytes as BlobPart]), {
      colorSpaceConversion: "none",
    });
  } catch (error) {
    const why = /'(.*)'\s*$/s.exec((error as Error).message)?.[1] ?? (error as Error).message;
    throw new FormatError(
      `Cannot read ${what}: it is a damaged ${kind}, or one of a sort that the decoder lacks (${why})`,
    );
  }
  try {
    return await pixelsOf(bitmap);
  } finally {
    bitmap.close();
  }
}

interface Canvas2D {
  drawImage(image: ImageBitmap, x: number, y: number): void;
  getImageData(x: number, y: number, w: number, h: number): { readonly data: Uint8ClampedArray };
}

async function pixelsOf(bitmap: ImageBitmap): Promise<Host> {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const flat = canvas.getContext("2d" as "bitmaprenderer") as unknown as Canvas2D | null;
  if (flat) {
    flat.drawImage(bitmap, 0, 0);
    return withoutAlpha(flat.getImageData(0, 0, width, height).data, height, width);
  }
  // Deno has no 2d context, but it encodes what a bitmap renderer shows, as a BMP without loss.
  canvas.getContext("bitmaprenderer")!.transferFromImageBitmap(bitmap);
  const blob = await canvas.convertToBlob({ type: "image/bmp" });
  return fromBmp(new Uint8Array(await blob.arrayBuffer()), height, width);
}

function withoutAlpha(rgba: Uint8ClampedArray, height: number, width: number): Host {
  const out = new Uint8Array(height * width * 3);
  for (let at = 0, to = 0; to < out.length; at += 4) {
    for (let c = 0; c < 3; c++) out[to++] = rgba[at + c];
  }
  return { dtype: "u8", shape: [height, width, 3], data: out };
}

/** A BMP as Deno writes it: 8 bits of grey, 24 of BGR or 32 of BGRA, the lowest row first. */
function fromBmp(bytes: Uint8Array, height: number, width: number): Host {
  const view = new DataView(bytes.buffer);
  const [first, bits] = [view.getUint32(10, true), view.getUint16(28, true)];
  const [step, back] = [bits / 8, bits === 8 ? 0 : 1];
  const row = Math.ceil((width * step) / 4) * 4;
  if (![8, 24, 32].includes(bits) || first + row * height !== bytes.length) {
    throw new Error(`internal: a BMP of ${bits} bits and ${bytes.length} bytes`);
  }
  const out = new Uint8Array(height * width * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = first + (height - 1 - y) * row; x < width; x++, at += step) {
      for (let c = 0; c < 3; c++) out[to++] = bytes[at + back * (2 - c)];
    }
  }
  return { dtype: "u8", shape: [height, width, 3], data: out };
}

function noPicture(bytes: Uint8Array, what: string): FormatError {
  const shown = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  const found = shown.length ? `it begins with ${shown.join(" ")}` : "it is empty";
  return new FormatError(
    `Cannot read ${what}: ${found}, and is no PNG, JPEG, WebP or BMP picture`,
    { code: "format.kind" },
  );
}
