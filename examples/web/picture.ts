/// <reference lib="dom" />
/**
 * Images of 28 × 28 on canvases: ink in the colour of the text on whatever is behind.
 * @module
 */
import { side } from "./digit_image.ts";

/** Paints an image over a whole canvas of so many pixels a side, smoothly. */
export function paint(
  context: CanvasRenderingContext2D,
  image: Float32Array,
  ink: string,
  pixels: number,
): void {
  const small = document.createElement("canvas");
  small.width = small.height = side;
  paintPixels(small, image, ink);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, pixels, pixels);
}

/** Paints an image on a canvas of 28 × 28; the opacity of each pixel is exactly its value. */
export function paintPixels(canvas: HTMLCanvasElement, image: Float32Array, ink: string): void {
  // Computed colours are written rgb(27, 32, 41).
  const [red, green, blue] = ink.match(/\d+/g)!.map(Number);
  const pixels = new ImageData(side, side);
  image.forEach((v, i) => pixels.data.set([red, green, blue, v * 256], 4 * i));
  canvas.getContext("2d", { willReadFrequently: true })!.putImageData(pixels, 0, 0);
}
