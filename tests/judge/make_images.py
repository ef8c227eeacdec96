"""Pictures for tests/io/image_test.ts and what OpenCV makes of them; run by hand in the judge's
environment: python make_images.py PHOTO FOLDER."""
import struct
import sys
import zlib

import cv2
import numpy as np

photo, folder = sys.argv[1:]
rng = np.random.RandomState(7)
color = cv2.resize(cv2.imread(photo), (37, 29))
grey = cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)
alpha = rng.randint(0, 256, grey.shape).astype(np.uint8)
alpha[:5], alpha[5:8] = 0, 255
height, width = grey.shape


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(depth, kind, rows, more=b"", interlaced=0):
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    packed = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + packed + chunk(b"IEND", b"")


def plain(samples):
    return b"".join(b"\0" + np.ascontiguousarray(row).tobytes() for row in samples)


def packed(samples, depth):
    """Rows of samples of less than a byte."""
    bits = np.unpackbits(samples[:, :, None], axis=2)[:, :, 8 - depth:].reshape(height, -1)
    return plain(np.packbits(bits, axis=1))


def filtered(samples):
    """Rows under the five filters in turn."""
    out, step = b"", samples.shape[2]
    above = np.zeros(width * step, np.int32)
    for y, row in enumerate(samples.reshape(height, -1).astype(np.int32)):
        left = np.concatenate([np.zeros(step, np.int32), row[:-step]])
        corner = np.concatenate([np.zeros(step, np.int32), above[:-step]])
        guess = left + above - corner
        a, b, c = abs(guess - left), abs(guess - above), abs(guess - corner)
        nearest = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        from_ = [0, left, above, (left + above) >> 1, nearest][y % 5]
        out += bytes([y % 5]) + (row - from_).astype(np.uint8).tobytes()
        above = row
    return out


def adam7(samples):
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in steps]
    return b"".join(plain(part) for part in parts if part.size)


def exif(orientation):
    entry = struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + b"\0" * 4


def riff(kind, body):
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


files = {}


def keep(name, data):
    with open(f"{folder}/{name}", "wb") as out:
        out.write(data)
    files[name] = cv2.imread(f"{folder}/{name}", cv2.IMREAD_COLOR)


def encode(name, samples, *options):
    done, data = cv2.imencode("." + name.split(".")[-1], samples, list(options))
    assert done
    keep(name, data.tobytes())


palette = rng.randint(0, 256, (13, 3)).astype(np.uint8)
spots = rng.randint(0, 13, grey.shape).astype(np.uint8)
rgb = color[:, :, ::-1]
deep = (grey.astype(np.int32) * 257 + rng.randint(-128, 129, grey.shape)).clip(0, 65535).astype(">u2")
deep_rgb = rng.randint(0, 65536, color.shape).astype(">u2")
encode("rgb.png", color)  # with whatever filters libpng chooses
encode("rgba.png", np.dstack([color, alpha]))
keep("grey.png", png(8, 0, plain(grey)))
keep("grey_alpha.png", png(8, 4, plain(np.dstack([grey, alpha]))))
for depth in (1, 2, 4):
    keep(f"grey{depth}.png", png(depth, 0, packed(grey >> (8 - depth), depth)))
keep("grey16.png", png(16, 0, plain(deep)))
keep("rgb16.png", png(16, 2, plain(deep_rgb)))
keep("palette4.png", png(4, 3, packed(spots, 4), chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", bytes(range(0, 130, 10)))))
keep("palette8.png", png(8, 3, plain(spots), chunk(b"PLTE", palette.tobytes())))
keep("interlaced.png", png(8, 2, adam7(rgb), interlaced=1))
keep("interlaced1.png", png(1, 0, b"".join(
    plain(np.packbits(part >> 7, axis=1)) for part in
    [grey[y::dy, x::dx] for x, y, dx, dy in
     [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]]
    if part.size), interlaced=1))
keep("filters.png", png(8, 2, filtered(rgb)))
keep("gamma.png", png(8, 2, plain(rgb), chunk(b"gAMA", struct.pack(">I", 100000))))
for turn in range(1, 9):
    keep(f"turned{turn}.png", png(8, 2, plain(rgb), chunk(b"eXIf", exif(turn))))
encode("rgb.bmp", color)
encode("grey.bmp", grey)
encode("rgba.bmp", np.dstack([color, alpha]))
encode("exact.webp", color, cv2.IMWRITE_WEBP_QUALITY, 101)
encode("lossy.webp", color, cv2.IMWRITE_WEBP_QUALITY, 80)
encode("rgba.webp", np.dstack([color, alpha]), cv2.IMWRITE_WEBP_QUALITY, 101)
lossy = open(f"{folder}/lossy.webp", "rb").read()[12:]
head = struct.pack("<I", 8) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
body = b"WEBP" + riff(b"VP8X", head) + lossy + riff(b"EXIF", exif(6))
keep("turned6.webp", riff(b"RIFF", body))
quality = (cv2.IMWRITE_JPEG_QUALITY, 90)
encode("420.jpg", color, *quality)
encode("444.jpg", color, *quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
encode("422.jpg", color, *quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)
encode("grey.jpg", grey, *quality)
encode("progressive.jpg", color, *quality, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
jpeg = open(f"{folder}/420.jpg", "rb").read()
for turn in (2, 6, 8):
    block = b"Exif\0\0" + exif(turn)
    keep(f"turned{turn}.jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:])
assert all(pixels is not None for pixels in files.values())
np.savez_compressed(f"{folder}/opencv.npz", **files)

# Resizing and greying: odd sizes, up and down, by half, to and from single rows.
resized = {"grey": grey, "color": color}
for h, w in [(29, 37), (14, 18), (58, 74), (7, 91), (91, 7), (1, 1), (1, 50), (50, 1), (30, 38), (28, 36), (224, 3)]:
    resized[f"{h}x{w}"] = cv2.resize(color, (w, h))
even = color[:28, :36].copy()
resized["half"] = cv2.resize(even, (18, 14))
resized["halfwidth"] = cv2.resize(even, (18, 28))
row = color[:1]
resized["row"] = cv2.resize(row, (20, 9))
resized["column"] = cv2.resize(color[:, :1], (9, 20))
np.savez_compressed(f"{folder}/resized.npz", **resized)
