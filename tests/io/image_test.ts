/**
 * Pictures as pixels: OpenCV is the judge of every kind, size and orientation.
 * @module
 */
import { FormatError, OptionError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import { crc32 } from "../../lib/io/crc32.ts";
import { decodeImage, greyImage, pictureKind, resizeImage } from "../../lib/io/image.ts";
import { type Npy, readNpz } from "../../lib/io/npy.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";

const home = new URL("../data/images/", import.meta.url);
const bytesOf = (name: string) => Deno.readFileSync(new URL(name, home));
const arrays = (name: string) => readNpz(bytesOf(name), name);

/** OpenCV's order is BGR. */
function swapped({ shape, data }: Host): Host {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(data[i - i % 3 + 2 - i % 3]);
  return { dtype: "u8", shape, data: out };
}

/** The largest difference of two pictures of one shape, and how many samples differ. */
function difference(got: Host, want: Host): { readonly most: number; readonly mean: number } {
  assertEquals([got.dtype, got.shape], [want.dtype, want.shape]);
  let most = 0, sum = 0;
  for (let i = 0; i < want.data.length; i++) {
    const gap = Math.abs(Number(got.data[i]) - Number(want.data[i]));
    most = Math.max(most, gap);
    sum += gap;
  }
  return { most, mean: sum / want.data.length };
}

Deno.test("decodeImage() gives OpenCV's pixels of PNG, WebP and BMP, and JPEG's within 4", async () => {
  const seen = { PNG: 0, JPEG: 0, WebP: 0, BMP: 0 };
  for (const [name, want] of arrays("opencv.npz")) {
    const bytes = bytesOf(name);
    const got = await decodeImage(bytes, name);
    const found = difference(swapped(got), want);
    const kind = pictureKind(bytes)!;
    seen[kind]++;
    if (kind === "JPEG") assert(found.most <= 4 && found.mean < 0.8, `${name}: ${found.most}`);
    else assertEquals(found, { most: 0, mean: 0 }, name);
  }
  assertEquals(seen, { PNG: 23, JPEG: 8, WebP: 4, BMP: 3 });
});

Deno.test("resizeImage() and greyImage() give OpenCV's pixels, at any size", () => {
  const all = arrays("resized.npz");
  const color = all.get("color")!;
  const cut = (rows: number, columns: number): Host => {
    const data = new Uint8Array(rows * columns * 3);
    for (let i = 0; i < data.length; i++) {
      const [y, x] = [Math.floor(i / (columns * 3)), i % (columns * 3)];
      data[i] = Number(color.data[y * color.shape[1] * 3 + x]);
    }
    return { dtype: "u8", shape: [rows, columns, 3], data };
  };
  const sources: Record<string, Host> = {
    half: cut(28, 36),
    halfwidth: cut(28, 36),
    row: cut(1, color.shape[1]),
    column: cut(color.shape[0], 1),
  };
  for (const [name, want] of all) {
    if (name === "grey" || name === "color") continue;
    const got = resizeImage(sources[name] ?? color, want.shape[0], want.shape[1]);
    assertEquals(difference(got, want), { most: 0, mean: 0 }, name);
  }
  const grey = all.get("grey") as Npy;
  const ranked = { ...grey, shape: [...grey.shape, 1] };
  assertEquals(difference(greyImage(swapped(color)), ranked), { most: 0, mean: 0 });
  assertEquals(greyImage(resizeImage(greyLike(color), 3, 4)).shape, [3, 4, 1]);
  assertThrows(() => resizeImage(color, 0, 3), OptionError, "0×3");
  assertThrows(() => resizeImage(color, 2 ** 20, 2 ** 20), OptionError, "Cannot resize");
});

function greyLike(image: Host): Host {
  return { ...image, data: image.data.map(() => 7) as Uint8Array };
}

Deno.test("decodeImage() turns a picture as EXIF says, and drops alpha without a change of colour", async () => {
  const shapes = async (...names: string[]) =>
    await Promise.all(names.map(async (name) => (await decodeImage(bytesOf(name), name)).shape));
  assertEquals(await shapes("turned4.png", "turned5.png", "turned6.webp", "turned8.jpg"), [
    [29, 37, 3],
    [37, 29, 3],
    [37, 29, 3],
    [37, 29, 3],
  ]);
  const [plain, clear] = [
    await decodeImage(bytesOf("rgb.png")),
    await decodeImage(bytesOf("rgba.png")),
  ];
  assertEquals(clear.data, plain.data);
});

Deno.test("decodeImage() takes pixels from a canvas with a 2d context, as browsers have", async () => {
  const drawn: unknown[] = [];
  const real = globalThis.OffscreenCanvas;
  const context = {
    drawImage: (...args: unknown[]) => drawn.push(...args.slice(1)),
    getImageData: (...box: number[]) => {
      drawn.push(...box);
      return { data: Uint8ClampedArray.from({ length: box[2] * box[3] * 4 }, (_, i) => i % 4) };
    },
  };
  const fake = class {
    getContext = (kind: string) => kind === "2d" ? context : null;
  };
  try {
    Object.assign(globalThis, { OffscreenCanvas: fake });
    const { shape, data } = await decodeImage(bytesOf("420.jpg"));
    assertEquals([shape, drawn], [[29, 37, 3], [0, 0, 0, 0, 37, 29]]);
    assert(data.every((x, i) => x === i % 3));
  } finally {
    Object.assign(globalThis, { OffscreenCanvas: real });
  }
});

Deno.test("decodeImage() refuses what is no picture by its first bytes, and damaged ones", async () => {
  const wrong: readonly [Uint8Array, string][] = [
    [new TextEncoder().encode("a text in disguise"), "a.png: it begins with 61 20 74 65"],
    [new Uint8Array(), "a.png: it is empty"],
    [bytesOf("rgb.png").subarray(0, 900), "it is a damaged PNG, its chunk at byte"],
    [bytesOf("420.jpg").subarray(0, 100), "it is a damaged JPEG, or one of a sort"],
    [bytesOf("lossy.webp").subarray(0, 60), "it is a damaged WebP, or one of a sort"],
    [bytesOf("rgb.bmp").subarray(0, 60), "it is a damaged BMP, or one of a sort"],
    [new TextEncoder().encode("GIF89a\x01\x00\x01"), "it begins with 47 49 46"],
  ];
  for (const [bytes, text] of wrong) {
    await assertRejects(() => decodeImage(bytes, "a.png"), FormatError, text);
  }
});

/** A PNG with one of its chunks changed, under checksums that are right again. */
function changed(name: string, type: string, change: (body: Uint8Array) => void): Uint8Array {
  const bytes = bytesOf(name);
  const view = new DataView(bytes.buffer);
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    if (new TextDecoder().decode(bytes.subarray(at + 4, at + 8)) !== type) continue;
    const end = at + 8 + view.getUint32(at);
    change(bytes.subarray(at + 8, end));
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
  }
  return bytes;
}

Deno.test("decodePng() takes nothing that a header states for true", async () => {
  const header = (change: (view: DataView) => void) =>
    changed("rgb.png", "IHDR", (b) => change(new DataView(b.buffer, b.byteOffset)));
  const wrong: readonly [Uint8Array, string][] = [
    [header((v) => v.setUint32(0, 0)), "it states 0×29 pixels"],
    [header((v) => v.setUint32(0, 0x7fffffff)), "pixels, of at most 268435456"],
    [header((v) => (v.setUint32(0, 16384), v.setUint32(4, 16384))), "bytes of pixels, and packs"],
    [header((v) => v.setUint32(4, 30)), "its pixels are not 3360 bytes as stated"],
    [header((v) => v.setUint32(4, 28)), "its pixels are not 3136 bytes as stated"],
    [header((v) => v.setUint8(8, 3)), "its header states colour 2, depth 3"],
    [header((v) => v.setUint8(9, 5)), "its header states colour 5"],
    [header((v) => v.setUint8(9, 3)), "it has no palette"],
    [header((v) => v.setUint8(12, 2)), "interlacing 2"],
    [changed("palette8.png", "PLTE", (b) => b.fill(1)), ""],
    [changed("filters.png", "IDAT", (b) => b.fill(7, 2)), "its pixels do not inflate"],
    [changed("rgb.png", "IDAT", (b) => b.fill(0)), "its pixels do not inflate"],
  ];
  for (const [bytes, text] of wrong) {
    if (text) await assertRejects(() => decodeImage(bytes, "a.png"), FormatError, text);
    else assertEquals((await decodeImage(bytes)).shape, [29, 37, 3]);
  }
  const lost = bytesOf("rgb.png");
  lost[60] ^= 1;
  await assertRejects(() => decodeImage(lost, "a.png"), FormatError, "the checksum of its chunk");
});

Deno.test("decodeImage() survives damaged bytes of every kind", async () => {
  let seed = 20241124;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const tally = { read: 0, refused: 0 };
  const files = ["filters.png", "interlaced1.png", "420.jpg", "progressive.jpg"];
  for (const name of [...files, "lossy.webp", "rgba.webp", "rgba.bmp", "grey.bmp"]) {
    for (let i = 0; i < 150; i++) {
      const bytes = name.endsWith("png")
        ? changed(name, "IDAT", (body) => body[next(body.length)] = next(256))
        : bytesOf(name).slice();
      for (let k = next(3); k > 0 && !name.endsWith("png"); k--) {
        bytes[next(bytes.length)] = next(256);
      }
      try {
        const { shape, data } = await decodeImage(bytes, name);
        assertEquals(data.length, shape[0] * shape[1] * 3);
        tally.read++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw new Error(`${name}, try ${i}`, { cause: error });
        tally.refused++;
      }
    }
  }
  assert(tally.read > 300 && tally.refused > 200, JSON.stringify(tally));
});
