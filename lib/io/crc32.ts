/**
 * The checksum of zip archives and PNG pictures: CRC-32 with the reflected polynomial 0xedb88320.
 * @module
 */

/** The checksum of bytes, as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    table[i] = c;
  }
  let crc = -1;
  for (let i = 0; i < bytes.byteLength; i++) {
    crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  }
  return (crc ^ -1) >>> 0;
}
