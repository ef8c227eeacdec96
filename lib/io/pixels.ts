/**
 * Pixels as arrays of bytes `u8[height,width,channels]`: resizing and greying with the arithmetic
 * of OpenCV, bit for bit, and turning a picture as its EXIF data says.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";

/** The most pixels that a picture may have. */
export const mostPixels: number = 1 << 28;

/** For each place along an axis: the two samples it lies between, and their weights in 2048ths. */
interface Taps {
  readonly near: Int32Array;
  readonly far: Int32Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
}

/**
 * The pixels at another size, between the four nearest (bilinear, centres at halves), as
 * `cv2.resize` does by default: weights of 11 bits, sums cut to 16 bits before they are rounded.
 */
export function resizeImage(image: Host, height: number, width: number): Host {
  const [h, w, channels] = image.shape;
  if (![height, width].every((n) => Number.isInteger(n) && n > 0) || height * width > mostPixels) {
    throw new OptionError(`Cannot resize a picture to ${height}×${width} pixels`);
  }
  const from = image.data;
  const out = new Uint8Array(height * width * channels);
  const shape = [height, width, channels];
  if (h === height && w === width) {
    out.set(from);
    return { dtype: "u8", shape, data: out };
  }
  if (h === 2 * height && w === 2 * width) return halved(image, height, width);
  // Only columns are clamped with their weights; above and below, both taps are the same row.
  const [x, y] = [taps(w, width, true), taps(h, height, false)];
  const size = width * channels;
  const rows = [new Int32Array(size), new Int32Array(size)];
  const held = [-1, -1];
  for (let i = 0, to = 0; i < height; i++) {
    // Neighbours share rows, so each is stretched about once.
    for (const wanted of [y.near[i], y.far[i]]) {
      const slot = wanted & 1;
      if (held[slot] === wanted) continue;
      stretch(from as Uint8Array, wanted * w * channels, channels, x, rows[slot]);
      held[slot] = wanted;
    }
    const [near, far, a, b] = [rows[y.near[i] & 1], rows[y.far[i] & 1], y.a[i], y.b[i]];
    for (let k = 0; k < size; k++, to++) {
      out[to] = (((a * (near[k] >> 4)) >> 16) + ((b * (far[k] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return { dtype: "u8", shape, data: out };
}

/** RGB as one channel of brightness, with the weights of `cv2.cvtColor` in 32768ths. */
export function greyImage({ shape: [height, width], data }: Host): Host {
  const out = new Uint8Array(height * width);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const sum = 9798 * Number(data[at]) + 19235 * Number(data[at + 1]) +
      3735 * Number(data[at + 2]);
    out[i] = (sum + 16384) >> 15;
  }
  return { dtype: "u8", shape: [height, width, 1], data: out };
}

/** A picture the way up that EXIF's number 1 to 8 says; 5 to 8 exchange height and width. */
export function oriented(image: Host, orientation: number): Host {
  if (orientation <= 1 || orientation > 8) return image;
  const [h, w, channels] = image.shape;
  const turned = orientation > 4;
  const [height, width] = turned ? [w, h] : [h, w];
  const out = new Uint8Array(image.data.length);
  const right = [2, 3, 7, 8].includes(orientation);
  const below = [3, 4, 6, 7].includes(orientation);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = turned ? [x, y] : [y, x];
      const from = (below ? h - 1 - row : row) * w + (right ? w - 1 - column : column);
      for (let c = 0; c < channels; c++) out[to++] = Number(image.data[from * channels + c]);
    }
  }
  return { dtype: "u8", shape: [height, width, channels], data: out };
}

/** The orientation that a block of EXIF data states; 1 if it states none. */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return 1;
  const little = view.getUint16(0) === 0x4949;
  const first = view.getUint32(4, little);
  if (view.getUint16(2, little) !== 42 || first + 2 > tiff.length) return 1;
  const count = view.getUint16(first, little);
  for (let i = 0, at = first + 2; i < count && at + 12 <= tiff.length; i++, at += 12) {
    if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little);
  }
  return 1;
}

/** Where the samples of `to` places lie among `from`; weights round half to even, as OpenCV's. */
function taps(from: number, to: number, clamped: boolean): Taps {
  const empty = () => new Int32Array(to);
  const out = { near: empty(), far: empty(), a: empty(), b: empty() };
  const scale = 1 / (to / from);
  for (let i = 0; i < to; i++) {
    const place = Math.fround((i + 0.5) * scale - 0.5);
    let near = Math.floor(place);
    let share = Math.fround(place - near);
    if (clamped && (near < 0 || near >= from - 1)) {
      [near, share] = [Math.max(0, Math.min(near, from - 1)), 0];
    }
    out.near[i] = Math.max(0, Math.min(near, from - 1));
    out.far[i] = Math.max(0, Math.min(near + 1, from - 1));
    out.a[i] = roundEven(Math.fround(1 - share) * 2048);
    out.b[i] = roundEven(share * 2048);
  }
  return out;
}

function stretch(
  from: Uint8Array,
  start: number,
  channels: number,
  { near, far, a, b }: Taps,
  to: Int32Array,
): void {
  for (let x = 0, at = 0; x < near.length; x++) {
    const [one, two] = [start + near[x] * channels, start + far[x] * channels];
    for (let c = 0; c < channels; c++, at++) to[at] = from[one + c] * a[x] + from[two + c] * b[x];
  }
}

/** At exactly half the size OpenCV takes the mean of four. */
function halved({ shape: [, w, channels], data }: Host, height: number, width: number): Host {
  const out = new Uint8Array(height * width * channels);
  const below = w * channels;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (2 * y * w + 2 * x) * channels + c;
        const upper = Number(data[at]) + Number(data[at + channels]);
        const lower = Number(data[at + below]) + Number(data[at + below + channels]);
        out[to++] = (upper + lower + 2) >> 2;
      }
    }
  }
  return { dtype: "u8", shape: [height, width, channels], data: out };
}

function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}
