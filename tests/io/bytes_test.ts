/**
 * Bytes behind paths, blobs, arrays, streams and URLs: the same bytes, the same errors.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import { bytesBetween, openBytes } from "../../lib/io/bytes.ts";
import { gathered } from "../../lib/io/stream.ts";
import { assertEquals, assertRejects } from "../std.ts";

const sample = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

Deno.test("openBytes() reads any part of a path, blob, array, stream or data URL", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, sample);
    const stream = new Blob([sample]).stream();
    const url = `data:application/octet-stream;base64,${sample.toBase64()}`;
    for (const from of [path, sample, sample.buffer, new Blob([sample]), stream, url]) {
      const bytes = await openBytes(from);
      assertEquals(bytes.size, 1000);
      assertEquals(await bytes.read(0, 1000), sample);
      assertEquals(await bytes.read(250, 3), Uint8Array.of(250, 0, 1));
      assertEquals(await bytes.read(1000, 0), new Uint8Array());
      for (const [at, length] of [[999, 2], [-1, 1], [0.5, 1], [0, NaN], [2 ** 60, 1]]) {
        await assertRejects(() => bytes.read(at, length), FormatError, "1000 bytes");
      }
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openBytes() refuses folders and paths that do not exist", async () => {
  await assertRejects(() => openBytes("/nowhere/at.all"), FormatError, "no such file");
  await assertRejects(() => openBytes(new URL(".", import.meta.url)), FormatError, "is a folder");
});

Deno.test("openBytes() notices that a file changed between two reads", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, sample);
    const bytes = await openBytes(path);
    await bytes.read(0, 10);
    await Deno.writeFile(path, sample.subarray(0, 999));
    await assertRejects(() => bytes.read(0, 10), FormatError, "changed after it was opened");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openBytes() asks a server once or twice, and for ranges of what is large", async () => {
  const sizes: Readonly<Record<string, number>> = {
    "/small": 1000,
    "/middle": 3 << 20,
    "/large": 20 << 20,
    "/empty": 0,
    "/short": 1000,
  };
  const byte = (i: number) => i % 251;
  let asked = 0;
  let etag = "a";
  const serve = (request: Request) => {
    asked++;
    const { pathname } = new URL(request.url);
    const size = sizes[pathname];
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (pathname === "/whole" || !range) return new Response(sample);
    if (size === undefined) return new Response("no", { status: 404 });
    if (size === 0) {
      return new Response(null, { status: 416, headers: { "content-range": "bytes */0" } });
    }
    const from = Number(range[1]), end = Math.min(size, Number(range[2]) + 1);
    const sent = end - from - (pathname === "/short" ? 1 : 0);
    return new Response(Uint8Array.from({ length: sent }, (_, i) => byte(from + i)), {
      status: 206,
      headers: { etag, "content-range": `bytes ${from}-${end - 1}/${size}` },
    });
  };
  await using server = Deno.serve({ port: 0, onListen() {} }, serve);
  const home = `http://localhost:${server.addr.port}`;
  for (
    const [name, size, opened, more] of [
      ["/whole", 1000, 1, 0],
      ["/small", 1000, 1, 0],
      ["/middle", 3 << 20, 2, 0],
      ["/large", 20 << 20, 1, 1],
    ] as const
  ) {
    asked = 0;
    const bytes = await openBytes(home + name);
    assertEquals([bytes.size, asked], [size, opened], name);
    assertEquals(await bytes.read(250, 3), Uint8Array.of(250, 0, 1));
    assertEquals(asked, opened, name);
    const at = size - 3;
    assertEquals(await bytes.read(at, 3), Uint8Array.of(byte(at), byte(at + 1), byte(at + 2)));
    assertEquals(asked, opened + more, name);
    await assertRejects(() => bytes.read(at, 4), FormatError, `${size} bytes`);
  }
  assertEquals((await openBytes(`${home}/empty`)).size, 0);
  const large = await openBytes(`${home}/large`);
  etag = "b";
  await assertRejects(() => large.read(10 << 20, 10), FormatError, "changed after it was opened");
  await assertRejects(() => openBytes(`${home}/short`), FormatError, "the server sent 999");
  await assertRejects(() => openBytes(`${home}/missing`), FormatError, "answers 404");
  await server.shutdown();
  await assertRejects(() => openBytes(`${home}/small`), FormatError, "it cannot be reached");
});

Deno.test("bytesBetween() gives whole steps and the rest", async () => {
  const bytes = await openBytes(sample);
  const sizes: number[] = [];
  for await (const chunk of bytesBetween(bytes, 5, 700, 256)) sizes.push(chunk.byteLength);
  assertEquals(sizes, [256, 256, 188]);
  assertEquals(await gathered(bytesBetween(bytes, 5, 700, 256)), sample.slice(5, 705));
});
