/**
 * An interrupt: status 130 and no partial output, also where the work never waits by itself.
 * @module
 */
import { assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, root, start, temporaryFolder } from "./commands.ts";

/** Starts the program, waits for it to be at work, interrupts it, and gives what it said. */
async function interrupted(
  args: readonly string[],
  atWork: (text: string) => boolean | Promise<boolean>,
): Promise<{ status: number; out: string; err: string }> {
  const child = start(["-A"], args);
  // A command that does not listen must not hold up the suite.
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const stdout = new Response(child.stdout).text();
  let text = "";
  const reading = (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) text += part;
  })();
  while (!await atWork(text)) await new Promise((done) => setTimeout(done, 20));
  child.kill("SIGINT");
  await reading;
  const { code } = await child.status;
  clearTimeout(timer);
  return { status: code, out: await stdout, err: text };
}

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

Deno.test("an interrupt ends dump with 130 and leaves the old file", options, async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  await Deno.writeTextFile(file, "old");
  const { status, out } = await interrupted(
    ["dump", `${root}tests/cli/slow_model.ts`, "-o", file],
    // The temporary file is there and has bytes.
    () =>
      [...Deno.readDirSync(folder.path)].some(({ name }) =>
        name !== "a.mge" && Deno.statSync(`${folder.path}/${name}`).size > 0
      ),
  );
  assertEquals([status, out], [130, ""]);
  assertEquals(await Deno.readTextFile(file), "old");
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["a.mge"]);
});
