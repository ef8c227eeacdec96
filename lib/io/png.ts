/**
 * PNG pictures, every colour type and depth, interlaced or not. They are read here and not by the
 * platform: a canvas loses the colours of transparent pixels, and none gives 16 bits.
 * @module
 */
import { unzlibSync } from "fflate";
import { FormatError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { crc32 } from "./crc32.ts";
import { exifOrientation, mostPixels, oriented } from "./pixels.ts";

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly color: number;
  readonly interlaced: boolean;
}

/** Samples of a pixel by colour type. */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Where a pass starts and how far apart its pixels are: x, y, step in x, step in y. */
type Pass = readonly [x: number, y: number, dx: number, dy: number];

/** Adam7, and the one pass of a picture that is not interlaced. */
const interlacing: readonly Pass[] = [
  ...[[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4]] as const,
  ...[[0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] as const,
];
const plain: readonly Pass[] = [[0, 0, 1, 1]];

/**
 * The pixels of a PNG as `u8[height,width,3]`, RGB: alpha is dropped, 16 bits keep their upper 8,
 * no colour profile is applied, the orientation of an `eXIf` chunk is. Damaged bytes are a
 * FormatError; `what` names the picture in messages.
 */
export function decodePng(bytes: Uint8Array, what: string = "this picture"): Host {
  const { header, palette, data, orientation } = chunksOf(bytes, what);
  const passes = (header.interlaced ? interlacing : plain)
    .map((pass) => ({ pass, ...sizeOfPass(header, pass) }))
    .filter(({ width, height }) => width > 0 && height > 0);
  const want = passes.reduce((sum, { height, row }) => sum + height * (1 + row), 0);
  const raw = inflated(data, want, what);
  const rgb = new Uint8Array(header.width * header.height * 3);
  let at = 0;
  for (const { pass, width, height, row } of passes) {
    unfilter(raw, at, row, height, Math.max(1, (header.depth * samples[header.color]) >> 3), what);
    for (let y = 0; y < height; y++, at += 1 + row) {
      const first = (pass[1] + y * pass[3]) * header.width + pass[0];
      expand(raw.subarray(at + 1, at + 1 + row), width, header, palette, rgb, first, pass[2], what);
    }
  }
  const shape = [header.height, header.width, 3];
  return oriented({ dtype: "u8", shape, data: rgb }, orientation);
}

function chunksOf(bytes: Uint8Array, what: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | undefined;
  let palette = new Uint8Array(0);
  let orientation = 1;
  const parts: Uint8Array[] = [];
  for (let at = 8;;) {
    if (at + 12 > bytes.length) throw damaged(what, "it ends early");
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (length > bytes.length - at - 12) {
      throw damaged(what, `its chunk at byte ${at} passes the end`);
    }
    const body = bytes.subarray(at + 8, at + 8 + length);
    const good = view.getUint32(at + 8 + length) === crc32(bytes.subarray(at + 4, at + 8 + length));
    // Chunks in small letters may be left out, so a damaged one is passed over.
    const critical = (bytes[at + 4] & 0x20) === 0;
    if (critical && !good) throw damaged(what, `the checksum of its chunk at byte ${at} is wrong`);
    if (!header && type !== "IHDR") throw damaged(what, "it does not begin with a header");
    at += 12 + length;
    if (type === "IHDR") header = headerOf(body, what);
    else if (type === "PLTE") palette = body.slice();
    else if (type === "IDAT") parts.push(body);
    else if (type === "eXIf" && good) orientation = exifOrientation(body);
    else if (type === "IEND") break;
    else if (critical) throw damaged(what, `it has a chunk ${type} that nothing here reads`);
  }
  if (header!.color === 3 && palette.length === 0) throw damaged(what, "it has no palette");
  return { header: header!, palette, data: parts, orientation };
}

function headerOf(body: Uint8Array, what: string): Header {
  if (body.length !== 13) throw damaged(what, `its header has ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, color, packing, filters, interlace] = body.subarray(8);
  if (width === 0 || height === 0 || width * height > mostPixels) {
    throw damaged(what, `it states ${width}×${height} pixels, of at most ${mostPixels}`);
  }
  const known = depths[color]?.includes(depth) && packing === 0 && filters === 0 && interlace < 2;
  if (!known) {
    const found = `colour ${color}, depth ${depth}, packing ${packing}, interlacing ${interlace}`;
    throw damaged(what, `its header states ${found}`);
  }
  return { width, height, depth, color, interlaced: interlace === 1 };
}

function sizeOfPass({ width, height, depth, color }: Header, [x, y, dx, dy]: Pass) {
  const columns = Math.max(0, Math.ceil((width - x) / dx));
  const row = Math.ceil((columns * samples[color] * depth) / 8);
  return { width: columns, height: Math.max(0, Math.ceil((height - y) / dy)), row };
}

function inflated(parts: readonly Uint8Array[], want: number, what: string): Uint8Array {
  const packed = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) packed.set(part, at), at += part.length;
  // Deflate gives at most 1032 bytes for one, so a larger claim is no reason to allocate.
  if (want > 1032 * packed.length) {
    throw damaged(what, `it states ${want} bytes of pixels, and packs ${packed.length}`);
  }
  let raw: Uint8Array;
  try {
    // One byte more than stated shows contents that are longer than that.
    raw = unzlibSync(packed, { out: new Uint8Array(want + 1) });
  } catch (error) {
    throw damaged(what, `its pixels do not inflate (${(error as Error).message})`);
  }
  if (raw.length !== want) throw damaged(what, `its pixels are not ${want} bytes as stated`);
  return raw;
}

/** Undoes the filters of rows in place; `step` is the distance of a byte from its left one. */
function unfilter(
  raw: Uint8Array,
  start: number,
  row: number,
  height: number,
  step: number,
  what: string,
): void {
  for (let y = 0, at = start; y < height; y++, at += 1 + row) {
    const filter = raw[at];
    if (filter > 4) throw damaged(what, `row ${y} has the filter ${filter}`);
    for (let i = 0; i < row; i++) {
      const here = at + 1 + i;
      const left = i < step ? 0 : raw[here - step];
      const above = y === 0 ? 0 : raw[here - 1 - row];
      if (filter === 1) raw[here] += left;
      else if (filter === 2) raw[here] += above;
      else if (filter === 3) raw[here] += (left + above) >> 1;
      else if (filter === 4) {
        const corner = i < step || y === 0 ? 0 : raw[here - 1 - row - step];
        raw[here] += nearest(left, above, corner);
      }
    }
  }
}

/** Paeth's choice: whichever of the three is nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const [a, b] = [Math.abs(above - corner), Math.abs(left - corner)];
  const c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** One row of samples as RGB, each pixel `step` pixels behind the one before. */
function expand(
  row: Uint8Array,
  width: number,
  { depth, color }: Header,
  palette: Uint8Array,
  rgb: Uint8Array,
  first: number,
  step: number,
  what: string,
): void {
  const stride = samples[color] * (depth === 16 ? 2 : 1);
  const most = (1 << Math.min(depth, 8)) - 1;
  for (let x = 0; x < width; x++) {
    const to = (first + x * step) * 3;
    if (color === 2 || color === 6) {
      const width = depth === 16 ? 2 : 1;
      for (let c = 0; c < 3; c++) rgb[to + c] = row[x * stride + c * width];
      continue;
    }
    const bit = x * depth;
    const sample = depth < 8 ? (row[bit >> 3] >> (8 - depth - (bit & 7))) & most : row[x * stride];
    if (color === 3 && sample * 3 >= palette.length) {
      throw damaged(what, `a pixel has colour ${sample} of ${palette.length / 3}`);
    }
    for (let c = 0; c < 3; c++) {
      rgb[to + c] = color === 3 ? palette[sample * 3 + c] : (sample * 255) / most;
    }
  }
}

function damaged(what: string, why: string): FormatError {
  return new FormatError(`Cannot read ${what}: it is a damaged PNG, ${why}`);
}
