/**
 * Constants as read-only storage textures, which software adapters read twice as fast as buffers.
 * Elements lie in order, four a texel and `imageWidth` texels a row, the last row padded. Nothing
 * else in the library creates or writes a texture.
 * @module
 */
import { imageWidth } from "../../kernels/wgsl/storage.ts";
import { DeviceError } from "../core/fault.ts";
import { bytesOf, type Type } from "../core/type.ts";
import type { Block, Buffers } from "./buffers.ts";
import type { Health } from "./health.ts";
import type { Queue } from "./queue.ts";

/** A texture with its view and the bytes of the value it holds. */
export interface Image {
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
  /** Bytes of the value, without padding. */
  readonly length: number;
}

/** What the images of a device amount to. */
export interface ImageCounts {
  /** Images made since the device was opened. */
  readonly created: number;
  /** Images that exist. */
  readonly alive: number;
  /** Bytes of the images that exist, which the buffers' `used` includes. */
  readonly used: number;
}

/** Makes, fills and destroys the images of one device. */
export interface Images {
  /** True if this device can read a value of this type from an image. */
  canHold(type: Type): boolean;
  /** Images that one kernel can bind. */
  readonly perKernel: number;
  /** An image of a value of so many bytes, for the caller to `destroy`. */
  create(bytes: number, label: string): Image;
  /** Ends an image of `create`. */
  destroy(image: Image): void;
  /** Writes bytes at an offset that begins a row; only the last write may end within one. */
  write(image: Image, offset: number, bytes: Uint8Array): void;
  /** Fills an image from the buffer of the same value. */
  copy(image: Image, from: Block): void;
  counts(): ImageCounts;
  /** Destroys every image. */
  dispose(): void;
}

/** Bytes of a texel, which is four f32. */
const texelBytes = 16;
/** Bytes of a row: a multiple of the 256 that copies from buffers ask for. */
const rowBytes = imageWidth * texelBytes;
/** Rows of one write; bounds the staging memory that the driver takes for it. */
const writeRows = 1024;

/** The images of a device that is watched; their bytes count as the buffers' too. */
export function imagesOf(
  device: GPUDevice,
  queue: Queue,
  buffers: Buffers,
  health: Health,
): Images {
  const alive = new Set<Image>();
  const sizes = new Map<Image, number>();
  const { maxTextureDimension2D, maxStorageTexturesPerShaderStage } = device.limits;
  const isAble = imageWidth <= maxTextureDimension2D && readsTextures();
  let created = 0, used = 0;

  function count(image: Image, bytes: number): void {
    sizes.set(image, bytes);
    used += bytes;
    buffers.account(bytes);
  }

  function end(image: Image): void {
    if (!alive.delete(image)) return;
    queue.flush();
    image.texture.destroy();
    const bytes = sizes.get(image) ?? 0;
    sizes.delete(image);
    used -= bytes;
    buffers.account(-bytes);
  }

  /** Calls back for the whole rows of a range and for the texels of a last row that is not full. */
  function rows(
    bytes: number,
    body: (at: number, origin: number, width: number, height: number) => void,
  ): void {
    const whole = Math.floor(bytes / rowBytes);
    for (let row = 0; row < whole; row += writeRows) {
      body(row * rowBytes, row, imageWidth, Math.min(writeRows, whole - row));
    }
    const rest = Math.ceil((bytes - whole * rowBytes) / texelBytes);
    if (rest) body(whole * rowBytes, whole, rest, 1);
  }

  return {
    perKernel: isAble ? maxStorageTexturesPerShaderStage : 0,
    canHold: (type) =>
      isAble && type.dtype === "f32" &&
      Math.ceil(bytesOf(type) / rowBytes) <= maxTextureDimension2D,
    create(bytes, label) {
      health.check(`make an image for ${label}`);
      const height = heightOf(Math.ceil(bytes / rowBytes), maxTextureDimension2D);
      if (!isAble || height > maxTextureDimension2D) {
        throw new DeviceError(
          `Cannot make an image of ${bytes} bytes for ${label}: this device ` +
            (isAble ? `allows ${maxTextureDimension2D} rows, ${height} are needed` : `reads none`) +
            `; use a variant of the kernel that reads buffers`,
          { code: "device.size", values: { bytes } },
        );
      }
      // A value of less than a row needs few more than its own texels.
      const texels = Math.max(1, Math.ceil(bytes / texelBytes));
      const width = Math.min(imageWidth, 2 ** Math.ceil(Math.log2(texels)));
      const texture = device.createTexture({
        label,
        size: [width, height],
        format: "rgba32float",
        usage: 0x8 | 0x2, // STORAGE_BINDING | COPY_DST
      });
      const image = { texture, view: texture.createView(), length: bytes };
      created++;
      alive.add(image);
      count(image, width * height * texelBytes);
      return image;
    },
    destroy: end,
    write(image, offset, bytes) {
      if (offset % rowBytes !== 0 || offset < 0 || offset + bytes.byteLength > image.length) {
        throw new DeviceError(
          `internal: ${bytes.byteLength} bytes at ${offset} in an image of ${image.length}`,
        );
      }
      // As with buffers, an empty or detached array must not reach the driver.
      if (bytes.byteLength === 0) return;
      health.check("write to the device");
      queue.flush();
      const first = offset / rowBytes;
      rows(bytes.byteLength, (at, row, width, height) => {
        const length = width * height * texelBytes;
        const part = bytes.subarray(at, at + length);
        const isRagged = part.byteLength < length;
        const data = isRagged ? new Uint8Array(length) : part;
        if (isRagged) data.set(part);
        device.queue.writeTexture(
          { texture: image.texture, origin: [0, first + row] },
          data as BufferSource,
          { bytesPerRow: width * texelBytes },
          [width, height],
        );
      });
    },
    copy(image, from) {
      if (image.length === 0) return;
      health.check("copy on the device");
      const encoder = device.createCommandEncoder();
      rows(image.length, (at, row, width, height) =>
        encoder.copyBufferToTexture(
          { buffer: from.buffer, offset: at, bytesPerRow: rowBytes },
          { texture: image.texture, origin: [0, row] },
          [width, height],
        ));
      queue.submit([encoder.finish()]);
    },
    counts: () => ({ created, alive: alive.size, used }),
    dispose() {
      for (const image of [...alive]) end(image);
    },
  };
}

/**
 * Rows of an image: never a power of two, while widths always are. A software adapter compiles a
 * kernel again for every combination of the two, and one that it has met is a tenth of a second.
 */
function heightOf(rows: number, most: number): number {
  const least = Math.max(3, rows);
  return Number.isInteger(Math.log2(least)) && least < most ? least + 1 : least;
}

/** True if the runtime's WGSL reads storage textures; a runtime of before 2024 may not. */
function readsTextures(): boolean {
  // Deno's types leave the property out.
  const gpu = navigator.gpu as GPU & { readonly wgslLanguageFeatures?: Iterable<string> };
  const features = new Set(gpu.wgslLanguageFeatures ?? []);
  return features.has("readonly_and_readwrite_storage_textures");
}
