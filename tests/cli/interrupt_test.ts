/**
 * An interrupt: status 130 and no partial output, also where the work never waits by itself.
 * @module
 */
import { assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, start, temporaryFolder, weft } from "./commands.ts";

/** Starts the program, waits for it to be at work, interrupts it, and gives what it said. */
async function interrupted(
  args: readonly string[],
  atWork: (text: string, out: string) => boolean | Promise<boolean>,
): Promise<{ status: number; out: string; err: string }> {
  const child = start(["-A"], args);
  // A command that does not listen must not hold up the suite.
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let ended = false;
  const status = child.status.finally(() => ended = true);
  let text = "", out = "";
  const reading = (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) text += part;
  })();
  const stdout = (async () => {
    const decoder = new TextDecoder("latin1");
    for await (const part of child.stdout) out += decoder.decode(part);
  })();
  while (!ended && !await atWork(text, out)) await new Promise((done) => setTimeout(done, 20));
  if (!ended) child.kill("SIGINT");
  await reading;
  const { code } = await status;
  clearTimeout(timer);
  await stdout;
  return { status: code, out, err: text };
}

/** True if a file has bytes that is not there before the command is at work. */
function isWriting(folder: string, ...others: string[]): boolean {
  return [...Deno.readDirSync(folder)].some(({ name, isFile }) =>
    isFile && !others.includes(name) && Deno.statSync(`${folder}/${name}`).size > 0
  );
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const options = { ignore: Deno.build.os === "windows" };

Deno.test("an interrupt ends run with 130 and leaves no output", options, async () => {
  await using folder = await temporaryFolder();
  const file = dataFile("mge-golden/mlp.v2.mge");
  const { status, out, err } = await interrupted([
    ...["run", file, "--input", "#rand(0,1)", "--device", "reference"],
    ...["--iter", "100000000", "--output", `${folder.path}/out`],
  ], async (text) => {
    await new Promise((done) => setTimeout(done, 100));
    return text.includes("device:");
  });
  assertEquals([status, out], [130, ""]);
  assertStringIncludes(err, "Interrupted\n");
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

const slow = `${root}tests/cli/slow_model.ts`;

Deno.test("an interrupt ends dump with 130 and leaves the old file", options, async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  await Deno.writeTextFile(file, "old");
  const { status, out } = await interrupted(
    ["dump", slow, "-o", file],
    // The temporary file is there and has bytes.
    () => isWriting(folder.path, "a.mge"),
  );
  assertEquals([status, out], [130, ""]);
  assertEquals(await Deno.readTextFile(file), "old");
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["a.mge"]);
});

Deno.test("an interrupt ends every command with 130 and leaves nothing", options, async () => {
  await using made = await temporaryFolder();
  const at = (name: string) => `${made.path}/${name}`;
  await Deno.mkdir(at("suite"));
  await Deno.writeTextFile(
    at("suite/suite.ts"),
    "export const targets = ['a']; export const usual = 1; export const measure = () => " +
      "(console.error('measuring'), new Promise((done) => setTimeout(done, 60_000)));",
  );
  const reference = ["--device", "reference"];
  const opened = async (text: string) => {
    await pause(100);
    return text.includes("device:");
  };
  const commands: readonly [string[], Parameters<typeof interrupted>[1]][] = [
    [["convert", slow, at("a.mge")], () => isWriting(made.path)],
    [["convert", slow, at("a.safetensors")], () => isWriting(made.path)],
    [["dump", slow, "-o", "-"], (_, out) => out.length > 1000],
    [["compare", slow, slow, ...reference], (text) => text.includes("drawn values")],
    [["run", slow, "--input", "#rand(0,1)", "--io-dump", at("a/b/"), ...reference], opened],
    [["check", dataFile("mge-python"), dataFile("mge-golden"), ...reference], opened],
    [["bench", "--suite", at("suite/suite.ts")], (text) => text.includes("measuring")],
  ];
  for (const [args, atWork] of commands) {
    const { status, err } = await interrupted(args, atWork);
    assertEquals(status, 130, `${args.join(" ")}: ${err}`);
    assertStringIncludes(err, "Interrupted\n");
    assertEquals(
      [...Deno.readDirSync(made.path)].map(({ name }) => name),
      ["suite"],
      args.join(" "),
    );
  }
});

Deno.test("run that fails while it writes into a new folder leaves no folder", async () => {
  await using made = await temporaryFolder();
  const file = dataFile("mge-golden/mlp.v2.mge");
  await Deno.mkdir(`${made.path}/there/out.npy`, { recursive: true });
  // The output's file cannot be made where a folder has its name.
  const args = ["run", file, "--input", "#rand(0,1)", "--device", "reference"];
  const done = await weft(...args, "--output", `${made.path}/there`);
  assertEquals(done.status, 2, done.err);
  assertEquals([...Deno.readDirSync(`${made.path}/there`)].map(({ name }) => name), ["out.npy"]);
  const slowly = ["run", slow, "--input", "#rand(0,1)", "--device", "reference"];
  const { status } = await interrupted(
    [...slowly, "--io-dump", `${made.path}/new/deep/`],
    (text) => text.includes("device:"),
  );
  assertEquals([status, [...Deno.readDirSync(made.path)].length], [130, 1]);
});
