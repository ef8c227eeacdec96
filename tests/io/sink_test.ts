/**
 * Writing to paths: the old file stays until the new one is whole, and nothing is left behind.
 * @module
 */
import { DeviceError, OptionError } from "../../lib/core/fault.ts";
import { writeTo } from "../../lib/io/sink.ts";
import { gathered } from "../../lib/io/stream.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";

async function inFolder(body: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/model.mge`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

const text = (path: string) => Deno.readTextFile(path);

async function* chunks(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve();
    if (part instanceof Error) throw part;
    yield new TextEncoder().encode(part);
  }
}

Deno.test("writeTo() makes, replaces and appends to a path", async () => {
  await inFolder(async (path, folder) => {
    let heard = 0;
    assertEquals(await writeTo(path, chunks("ab", "c"), { onBytes: (n) => heard = n }), 3);
    assertEquals([await text(path), heard], ["abc", 3]);
    await Deno.chmod(path, 0o640);
    await writeTo(path, chunks("de"));
    assertEquals(await text(path), "de");
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o640);
    await writeTo(new URL(`file://${path}`), chunks("f"), { append: true });
    assertEquals(await text(path), "def");
    await writeTo(`${folder}/new`, chunks("g"), { append: true });
    assertEquals(names(folder), ["model.mge", "new"]);
  });
});

Deno.test("writeTo() replaces the file behind a link, not the link", async () => {
  await inFolder(async (path, folder) => {
    await Deno.writeTextFile(path, "old");
    await Deno.symlink("model.mge", `${folder}/link`);
    await writeTo(`${folder}/link`, chunks("new"));
    assert((await Deno.lstat(`${folder}/link`)).isSymlink);
    assertEquals(await text(path), "new");
  });
});

Deno.test("writeTo() leaves the old file when its source fails, appending or not", async () => {
  await inFolder(async (path, folder) => {
    await Deno.writeTextFile(path, "old");
    for (const append of [false, true]) {
      const failing = chunks("x".repeat(600_000), new RangeError("broken cable"));
      await assertRejects(() => writeTo(path, failing, { append }), RangeError, "broken cable");
      assertEquals([await text(path), names(folder)], ["old", ["model.mge"]]);
    }
  });
});

Deno.test("writeTo() leaves the old file when it is aborted, before, between or while waiting", async () => {
  await inFolder(async (path, folder) => {
    await Deno.writeTextFile(path, "old");
    const early = AbortSignal.abort(new RangeError("enough"));
    await assertRejects(
      () => writeTo(path, chunks("new"), { signal: early }),
      RangeError,
      "enough",
    );

    const between = new AbortController();
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (true) yield await Promise.resolve(new Uint8Array(1 << 18));
      } finally {
        ended = true;
      }
    }
    const onBytes = (n: number) => n > 1 << 20 && between.abort(new RangeError("enough"));
    await assertRejects(
      () => writeTo(path, endless(), { signal: between.signal, onBytes }),
      RangeError,
      "enough",
    );
    assertEquals(ended, true);

    let cancelled = false;
    const hanging = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(1 << 19)),
      pull: () => new Promise(() => {}),
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 });
    const signal = AbortSignal.timeout(20);
    await assertRejects(() => writeTo(path, hanging, { signal }), DOMException, "timeout");
    assertEquals([cancelled, await text(path), names(folder)], [true, "old", ["model.mge"]]);
  });
});

Deno.test("writeTo() removes what a killed process left, and not what a living one writes", async () => {
  await inFolder(async (path, folder) => {
    await Deno.writeTextFile(path, "old");
    const script = `import { writeTo } from ${
      JSON.stringify(new URL("../../lib/io/sink.ts", import.meta.url).href)
    };
      await writeTo(${JSON.stringify(path)}, (async function* () {
        yield new Uint8Array(1 << 20);
        console.log("begun");
        await new Promise((done) => setTimeout(done, 60_000));
      })());`;
    // nothing but the folder is allowed, which shows that nothing else is needed
    await Deno.mkdir(`${folder}/script`);
    await Deno.writeTextFile(`${folder}/script/write.ts`, script);
    const allowed = [`--allow-read=${folder}`, `--allow-write=${folder}`, "--no-prompt"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", ...allowed, `${folder}/script/write.ts`],
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.getReader();
    await lines.read();
    const isOurs = (name: string) => /^\.model\.mge\.weft-\d+-[0-9a-f]{8}\.tmp$/.test(name);
    assertEquals(names(folder).filter(isOurs).length, 1);
    await writeTo(path, chunks("beside"));
    assertEquals(names(folder).filter(isOurs).length, 1, "a living writer's file stays");
    child.kill("SIGKILL");
    await child.status;
    await lines.cancel();
    assertEquals([await text(path), names(folder).length], ["beside", 3]);
    await Deno.writeTextFile(`${folder}/.model.mge.weft-notes.tmp`, "a user's file");
    await writeTo(path, chunks("after"));
    assertEquals(names(folder), [".model.mge.weft-notes.tmp", "model.mge", "script"]);
    assertEquals(await text(path), "after");
  });
});

Deno.test("writeTo() lets two writers of one path finish, and one of them wins whole", async () => {
  await inFolder(async (path, folder) => {
    const [a, b] = ["a".repeat(700_000), "b".repeat(600_000)];
    await Promise.all([writeTo(path, chunks(a)), writeTo(path, chunks(b))]);
    assert([a, b].includes(await text(path)));
    assertEquals(names(folder), ["model.mge"]);
  });
});

Deno.test("writeTo() says why a path cannot be written, before it asks its source", async () => {
  await inFolder(async (path, folder) => {
    let asked = false;
    async function* watched(): AsyncGenerator<Uint8Array> {
      asked = true;
      yield await Promise.resolve(new Uint8Array(1));
    }
    await assertRejects(() => writeTo(folder, watched()), OptionError, "it is a folder");
    await assertRejects(
      () => writeTo(`${path}/none/x`, watched()),
      Error,
      `Cannot write ${path}/none/x: its folder does not exist`,
    );
    await assertRejects(() => writeTo(new URL("http://a/b"), watched()), OptionError, "file: URLs");
    assertEquals(asked, false);
  });
});

Deno.test({
  name: "writeTo() calls a full disk by its name",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const error = await assertRejects(
      () => writeTo("/dev/full", chunks("x".repeat(1 << 20))),
      DeviceError,
      "Cannot write /dev/full: the disk is full",
    );
    assertEquals(error.code, "device.full");
    assertEquals(await writeTo("/dev/null", chunks("abc")), 3);
  },
});

Deno.test("writeTo() writes to an open file and to a web stream", async () => {
  await inFolder(async (path) => {
    using file = await Deno.open(path, { create: true, write: true });
    assertEquals(await writeTo(file, chunks("abc")), 3);
    assertEquals(await writeTo(file, chunks("de")), 2);
    assertEquals(await text(path), "abcde");
  });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const read = gathered(readable);
  assertEquals(await writeTo(writable, chunks("abc"), { keepOpen: true }), 3);
  assertEquals(await writeTo(writable, chunks("de")), 2);
  assertEquals(new TextDecoder().decode(await read), "abcde");
  let aborted: unknown;
  const failing = new WritableStream<Uint8Array>({ abort: (reason) => void (aborted = reason) });
  const cause = new RangeError("broken cable");
  await assertRejects(() => writeTo(failing, chunks("a", cause)), RangeError);
  assertEquals(aborted, cause);
});

Deno.test({
  name: "writeTo() holds no more memory for a large file than for a small one",
  ignore: Deno.build.os === "windows",
  async fn() {
    const chunk = new Uint8Array(1 << 16);
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8192; i++) yield await Promise.resolve(chunk);
    }
    const before = Deno.memoryUsage().rss;
    assertEquals(await writeTo("/dev/null", many()), 1 << 29);
    const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
    assert(grown < 128, `${grown} MiB more for 512 MiB written`);
  },
});
