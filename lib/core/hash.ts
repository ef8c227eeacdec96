/**
 * XXH64, the hash of MegEngine's operator ids and content digests. Long inputs run on pairs of
 * 32-bit words, since `BigInt` is twenty times slower; only the last step uses it.
 * @module
 */

const mask = 0xffffffffffffffffn;
const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** A hash that takes its input in pieces of any size. */
export interface Hasher {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void;
  /** The hash of all bytes so far; more may follow. */
  digest(): bigint;
}

/** XXH64 of bytes: an unsigned 64-bit number. */
export function xxh64(bytes: Uint8Array, seed = 0n): bigint {
  const hasher = hasher64(seed);
  hasher.update(bytes);
  return hasher.digest();
}

/** XXH64 of bytes that come piece by piece. */
export function hasher64(seed = 0n): Hasher {
  // Four accumulators, each as low word, high word.
  const lanes = new Uint32Array(8);
  const starts = [seed + primes[0] + primes[1], seed + primes[1], seed, seed - primes[0]];
  starts.forEach((start, i) => {
    lanes[2 * i] = Number(start & 0xffffffffn);
    lanes[2 * i + 1] = Number((start >> 32n) & 0xffffffffn);
  });
  const held = new Uint8Array(32);
  let heldBytes = 0;
  let total = 0;
  return {
    update(bytes) {
      total += bytes.length;
      let at = 0;
      if (heldBytes > 0) {
        at = Math.min(32 - heldBytes, bytes.length);
        held.set(bytes.subarray(0, at), heldBytes);
        heldBytes += at;
        if (heldBytes < 32) return;
        stripes(lanes, held);
        heldBytes = 0;
      }
      const whole = bytes.length - (bytes.length - at) % 32;
      stripes(lanes, bytes.subarray(at, whole));
      held.set(bytes.subarray(whole));
      heldBytes = bytes.length - whole;
    },
    digest: () => finish(lanes, held.subarray(0, heldBytes), total, seed),
  };
}

/** Hexadecimal digits of a 64-bit hash, sixteen of them. */
export function hex64(hash: bigint): string {
  return hash.toString(16).padStart(16, "0");
}

/** Mixes whole stripes of 32 bytes into the accumulators: lane = rotl(lane + word·P2, 31)·P1. */
function stripes(lanes: Uint32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 32 <= bytes.length; at += 32) {
    for (let i = 0; i < 4; i++) {
      const wordLow = view.getUint32(at + 8 * i, true);
      const wordHigh = view.getUint32(at + 8 * i + 4, true);
      const low = lanes[2 * i] + (Math.imul(wordLow, 0x27d4eb4f) >>> 0);
      const high = lanes[2 * i + 1] + highWord(wordLow, wordHigh, 0x27d4eb4f, 0xc2b2ae3d) +
        (low > 0xffffffff ? 1 : 0);
      const rotatedLow = (low << 31) | ((high >>> 0) >>> 1);
      const rotatedHigh = (high << 31) | ((low >>> 0) >>> 1);
      lanes[2 * i] = Math.imul(rotatedLow, 0x85ebca87);
      lanes[2 * i + 1] = highWord(rotatedLow >>> 0, rotatedHigh, 0x85ebca87, 0x9e3779b1);
    }
  }
}

/** The upper word of the 64-bit product of two numbers given as low and high words. */
function highWord(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  const a0 = aLow & 0xffff, a1 = aLow >>> 16, b0 = bLow & 0xffff, b1 = bLow >>> 16;
  // Every sum stays below 2^32, so doubles hold it exactly.
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  const carried = a1 * b1 + (middle >>> 16) + (other >>> 16);
  return (carried + Math.imul(aLow, bHigh) + Math.imul(aHigh, bLow)) >>> 0;
}

function finish(lanes: Uint32Array, tail: Uint8Array, total: number, seed: bigint): bigint {
  const [p1, p2, p3, p4, p5] = primes;
  let hash = (seed + p5) & mask;
  if (total >= 32) {
    const lane = (i: number) => (BigInt(lanes[2 * i + 1]) << 32n) | BigInt(lanes[2 * i]);
    hash = (rotate(lane(0), 1n) + rotate(lane(1), 7n) + rotate(lane(2), 12n) +
      rotate(lane(3), 18n)) & mask;
    for (let i = 0; i < 4; i++) hash = ((hash ^ round(lane(i))) * p1 + p4) & mask;
  }
  hash = (hash + BigInt(total)) & mask;
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  let at = 0;
  for (; at + 8 <= tail.length; at += 8) {
    hash = (rotate(hash ^ round(view.getBigUint64(at, true)), 27n) * p1 + p4) & mask;
  }
  if (at + 4 <= tail.length) {
    hash = (rotate(hash ^ (BigInt(view.getUint32(at, true)) * p1 & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < tail.length; at++) {
    hash = (rotate(hash ^ (BigInt(tail[at]) * p5 & mask), 11n) * p1) & mask;
  }
  hash = ((hash ^ (hash >> 33n)) * p2) & mask;
  hash = ((hash ^ (hash >> 29n)) * p3) & mask;
  return hash ^ (hash >> 32n);
}

function round(word: bigint): bigint {
  return (rotate((word * primes[1]) & mask, 31n) * primes[0]) & mask;
}

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & mask;
}
