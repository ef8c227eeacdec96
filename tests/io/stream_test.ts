/**
 * Streams: sizes, back-pressure, cancelling, gzip against the other side's own tools.
 * @module
 */
import { gunzipSync, gzipSync } from "fflate";
import { FormatError } from "../../lib/core/fault.ts";
import {
  chunksOf,
  coalesced,
  counted,
  gathered,
  gunzip,
  gzip,
  isGzip,
  speedometer,
  streamOf,
} from "../../lib/io/stream.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";

/** Chunks of these sizes with the counter modulo 256 as bytes; notes what was asked and ended. */
function source(sizes: readonly number[]) {
  const log = { given: 0, ended: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let at = 0;
    try {
      for (const size of sizes) {
        await Promise.resolve();
        log.given++;
        yield Uint8Array.from({ length: size }, () => at++);
      }
    } finally {
      log.ended = true;
    }
  }
  return { log, chunks: chunks() };
}

const total = (n: number) => Uint8Array.from({ length: n }, (_, i) => i);

Deno.test("coalesced() joins small chunks and lets large ones pass, whatever their sizes", async () => {
  for (const sizes of [[1, 1, 1], [7, 3, 12, 1, 9, 30, 2], [10, 10, 10], [0, 25, 0, 4], []]) {
    const seen: Uint8Array[] = [];
    for await (const chunk of coalesced(source(sizes).chunks, 10)) seen.push(chunk);
    const sum = sizes.reduce((a, b) => a + b, 0);
    assertEquals(await gathered(seen), total(sum), sizes.join());
    assert(seen.every((chunk) => chunk.byteLength > 0));
  }
  const small = source(new Array(100).fill(3));
  const sizes: number[] = [];
  for await (const chunk of coalesced(small.chunks, 64)) sizes.push(chunk.byteLength);
  assertEquals(sizes, [64, 64, 64, 64, 44]);
});

Deno.test("counted() says after each chunk how many bytes have passed", async () => {
  const heard: number[] = [];
  await gathered(counted(source([5, 1, 4]).chunks, (n) => heard.push(n)));
  assertEquals(heard, [5, 6, 10]);
});

Deno.test("streamOf() takes a chunk only when its reader asks, and ends the source on cancel", async () => {
  const { log, chunks } = source([1, 1, 1, 1]);
  const stream = streamOf(chunks);
  await new Promise((done) => setTimeout(done, 5));
  assertEquals(log.given, 0);
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  await new Promise((done) => setTimeout(done, 5));
  assertEquals(log, { given: 2, ended: false });
  await reader.cancel();
  assertEquals(log, { given: 2, ended: true });
});

Deno.test("chunksOf() cancels a stream whose loop is left, and reports its error", async () => {
  const { log, chunks } = source([1, 1, 1, 1]);
  for await (const _ of chunksOf(streamOf(chunks))) break;
  assertEquals(log, { given: 1, ended: true });
  const broken = new ReadableStream<Uint8Array>({
    pull() {
      throw new RangeError("broken cable");
    },
  });
  await assertRejects(() => gathered(broken), RangeError, "broken cable");
});

Deno.test("chunksOf() stops a stream that hangs when its signal aborts", async () => {
  let cancelled: unknown;
  const hanging = new ReadableStream<Uint8Array>({
    pull: () => new Promise(() => {}),
    cancel: (reason) => void (cancelled = reason),
  });
  const stop = new AbortController();
  const reading = gathered(chunksOf(hanging, stop.signal));
  await Promise.resolve();
  stop.abort(new RangeError("enough"));
  await assertRejects(() => reading, RangeError, "enough");
  assertEquals((cancelled as Error).message, "enough");
});

Deno.test("cancelling a web stream of a web stream reaches the first one", async () => {
  for (const begun of [false, true]) {
    let cancelled = "";
    const first = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => {}),
      cancel: (reason) => void (cancelled = reason),
    });
    const reader = streamOf(first).getReader();
    const read = begun ? reader.read() : undefined;
    await reader.cancel("enough");
    await read;
    assertEquals(cancelled, "enough");
  }
});

Deno.test("gzip() and gunzip() agree with another implementation", async () => {
  const sizes = [1, 70_000, 3, 200_000];
  const plain = total(270_004);
  const packed = await gathered(gzip(source(sizes).chunks));
  assert(isGzip(packed) && !isGzip(plain));
  assertEquals(gunzipSync(packed), plain);
  assertEquals(await gathered(gunzip([packed.subarray(0, 9), packed.subarray(9)])), plain);
  assertEquals(await gathered(gunzip([gzipSync(plain)])), plain);
});

Deno.test("gunzip() calls damaged and truncated bytes a FormatError, and passes the source's errors", async () => {
  const packed = gzipSync(total(5000));
  await assertRejects(() => gathered(gunzip([packed.subarray(0, 40)])), FormatError, "gunzip");
  packed[30] ^= 255;
  await assertRejects(() => gathered(gunzip([packed])), FormatError, "gunzip");
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield packed.subarray(0, 10);
    await Promise.resolve();
    throw new RangeError("broken cable");
  }
  await assertRejects(() => gathered(gunzip(failing())), RangeError, "broken cable");
});

Deno.test("gzip() ends its source when its reader leaves, and does not run ahead", async () => {
  const { log, chunks } = source(new Array(64).fill(1 << 17));
  for await (const _ of gzip(chunks)) break;
  assertEquals(log.ended, true);
  assert(log.given < 16, `${log.given} chunks were taken`);
});

Deno.test("gathered() stops at its limit", async () => {
  const { log, chunks } = source([4, 4, 4, 4]);
  await assertRejects(() => gathered(chunks, 7), FormatError, "more than 7 bytes");
  assertEquals(log, { given: 2, ended: true });
});

Deno.test("speedometer() gives the recent speed and the time left", () => {
  let clock = 0;
  const at = speedometer(1000, () => clock);
  assertEquals(at(0), { done: 0, total: 1000, perSecond: 0, left: undefined });
  clock = 1000;
  assertEquals(at(100), { done: 100, total: 1000, perSecond: 100, left: 9000 });
  for (; clock < 10_000; clock += 500) at(100);
  const slow = at(100);
  assertEquals([slow.perSecond, slow.left], [0, undefined]);
});
