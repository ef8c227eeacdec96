/**
 * The command line in a process of its own, without any permission: statuses, signals, pipes.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";

const script = new URL("program.ts", import.meta.url).pathname;

function start(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", script, ...args],
    env,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Interrupts a program that may have ended. */
function interrupt(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGINT");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

Deno.test("a program needs no permission of its own, with NO_COLOR or without", async () => {
  for (const env of [undefined, { NO_COLOR: "1" }]) {
    const { code, stdout, stderr } = await start(["show", "a", "--level", "1"], env).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)).level, 1);
  }
  const { code, stderr } = await start(["fail", "format"]).output();
  assertEquals(code, 3);
  assertEquals(
    new TextDecoder().decode(stderr),
    "error: Cannot read a.mge: it ends early\n  at byte 12\n",
  );
});

Deno.test({
  name: "an interrupt ends a program with 130, a second one at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    for (const deaf of [false, true]) {
      const child = start(["wait", ...(deaf ? ["--deaf"] : [])]);
      const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
      const stdout = child.stdout.cancel();
      let text = (await reader.read()).value ?? "";
      const begun = performance.now();
      child.kill("SIGINT");
      // The first one has to be heard before the second; two at once may arrive as one.
      const again = deaf ? setInterval(() => interrupt(child), 200) : undefined;
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += part.value;
      }
      clearInterval(again);
      await stdout;
      assertEquals((await child.status).code, 130);
      assert(performance.now() - begun < 2500);
      if (!deaf) assertStringIncludes(text, "cleaned up\nInterrupted\n");
    }
  },
});

Deno.test("a reader that leaves early is no error for text", async () => {
  const child = start(["--help"]);
  await child.stdout.cancel();
  const { code, stderr } = await new Response(child.stderr).text().then(async (stderr) => ({
    stderr,
    code: (await child.status).code,
  }));
  assertEquals([code, stderr], [0, ""]);
});
