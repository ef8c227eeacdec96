/**
 * What `dump` leaves behind when it is killed or the disk is full, and what it does when its reader
 * is slow: the old file or the new, never a mixture, and memory that does not grow.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { root, start, temporaryFolder, weft } from "./commands.ts";

const large = `${root}tests/cli/large_model.ts`;
const options = { ignore: Deno.build.os === "windows" };

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

const hash = async (path: string) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

Deno.test("dump killed at any moment leaves the old file or the new", options, async () => {
  await using made = await temporaryFolder();
  const folder = made.path;
  const [file, old] = [`${folder}/a.mge`, `${folder}/old.mge`];
  assertEquals((await weft("dump", `${root}tests/cli/model.ts`, "-o", old)).status, 0);
  const dumping = () => start(["-A"], ["dump", large, "-o", file]);
  const temporary = () => names(folder).filter((name) => /^\.a\.mge\.weft-.*\.tmp$/.test(name));
  /** The milliseconds until the temporary file is there, and those until the end. */
  const whole = async () => {
    const began = performance.now();
    const child = dumping();
    let ended = false;
    const done = child.output().then(() => {
      ended = true;
      return performance.now() - began;
    });
    while (temporary().length === 0) {
      assert(!ended, "the dump has ended, and its temporary file was never seen");
      await pause(1);
    }
    return [performance.now() - began, await done];
  };
  const [begin, end] = await whole();
  const [before, after] = [await hash(old), await hash(file)];
  assert(before !== after);
  const seen = { before: 0, after: 0, left: 0 };
  for (let i = 0; i < 24; i++) {
    await Deno.copyFile(old, file);
    const child = dumping();
    const ended = child.output();
    // One in three at any time at all, the others while bytes are on their way.
    const wait = i % 3 === 0
      ? Math.random() * end * 1.1
      : begin + Math.random() * 1.2 * (end - begin);
    await pause(wait);
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await ended;
    const found = await hash(file);
    assert(found === before || found === after, `a mixture after ${wait} ms`);
    seen[found === before ? "before" : "after"]++;
    seen.left += temporary().length > 0 ? 1 : 0;
    // The next one clears what this one left.
    assert(temporary().length <= 1, names(folder).join());
  }
  assert(seen.before > 0 && seen.left > 0, `no kill came in time: ${JSON.stringify(seen)}`);
  await whole();
  assertEquals([names(folder), await hash(file)], [["a.mge", "old.mge"], after]);
});

/** Runs a script in a namespace where it may mount; undefined where that is not permitted. */
async function mounted(script: string): Promise<string | undefined> {
  const unshare = (text: string) =>
    new Deno.Command("unshare", { args: ["-rm", "sh", "-c", text] }).output();
  try {
    const trial = await unshare("mount -t tmpfs -o size=1m none /mnt");
    if (!trial.success) return undefined;
  } catch {
    return undefined;
  }
  const { stdout, stderr } = await unshare(script);
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const canMount = await mounted("true") !== undefined;

Deno.test({
  name: `dump to a full disk leaves the old file and says so${
    canMount ? "" : " (skipped: nothing can be mounted here)"
  }`,
  ignore: !canMount,
  async fn() {
    await using made = await temporaryFolder();
    const at = `${made.path}/disk`;
    await Deno.mkdir(at);
    const weft = (args: string) =>
      `'${Deno.execPath()}' run -A --quiet '${root}cli.ts' ${args} 2>&1 | grep -v '^made'`;
    const out = await mounted(`
      mount -t tmpfs -o size=8m none '${at}' || exit 9
      export XDG_RUNTIME_DIR=/tmp NO_COLOR=1
      ${weft(`dump '${root}tests/cli/model.ts' -o '${at}/a.mge'`)} > /dev/null
      cp '${at}/a.mge' '${made.path}/old.mge'
      ${weft(`dump '${large}' -o '${at}/a.mge'`)}
      '${Deno.execPath()}' run -A --quiet '${root}cli.ts' dump '${large}' -o '${at}/a.mge' 2> /dev/null
      echo "status $?"
      ${weft(`convert '${large}' '${at}/b.safetensors'`)}
      ls -A '${at}'
      cmp '${at}/a.mge' '${made.path}/old.mge' && echo same
    `);
    assertEquals(
      out,
      `error: Cannot write ${at}/a.mge: the disk is full; free some space or go elsewhere\n` +
        "  the old file is as it was\nstatus 4\n" +
        `error: Cannot write ${at}/b.safetensors: the disk is full; free some space or go elsewhere\n` +
        "a.mge\nsame\n",
    );
  },
});

Deno.test("dump into what takes no more bytes says so", options, async () => {
  const { status, out, err } = await weft("dump", `${root}tests/cli/model.ts`, "-o", "/dev/full");
  assertEquals([status, out], [4, ""]);
  assertStringIncludes(err, "Cannot write /dev/full: the disk is full");
});

Deno.test({
  name: "a slow reader of dump -o - slows the writer down, and its memory stays flat",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const child = start(["-A"], ["dump", large, "-o", "-"]);
    let count = 0;
    const words = (async () => {
      for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
        count += part.split("made").length - 1;
      }
    })();
    const reader = child.stdout.getReader();
    let bytes = 0;
    const read = async (mebibytes: number) => {
      while (bytes < mebibytes * 2 ** 20) {
        const part = await reader.read();
        assert(!part.done);
        bytes += part.value.byteLength;
      }
    };
    const held: number[] = [];
    const ahead: number[] = [];
    for (const mebibytes of [4, 8, 16, 24, 32, 40, 48, 56]) {
      await read(mebibytes);
      await pause(250);
      ahead.push(count - bytes / 2 ** 20);
      held.push(await residentMebibytes(child.pid));
    }
    await read(64);
    while (!(await reader.read()).done);
    await words;
    assertEquals([(await child.status).code, count], [0, 64]);
    // What is joined into one write, what waits behind it, and what the pipe holds.
    assert(Math.max(...ahead) <= 4, `${ahead} MiB are made that nobody has read`);
    const grown = Math.max(...held.slice(2)) - held[1];
    assert(grown < 16, `memory grows by ${grown} MiB: ${held}`);
  },
});

async function residentMebibytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
}
