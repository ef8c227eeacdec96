/**
 * `deno task web` as one types it: what it builds and serves, and what it says of mistakes.
 * @module
 */
import { load } from "@weft/weft";
import { assertEquals, assertMatch } from "../std.ts";

const root = new URL("../../", import.meta.url).pathname;

function web(...args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "examples/web/main.ts", ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

for (const isolated of [true, false]) {
  const title = isolated ? "isolated" : "not isolated";
  Deno.test(`deno task web builds a folder and serves it, ${title}`, async () => {
    const folder = await Deno.makeTempDir();
    const flags = isolated ? [] : ["--no-isolation"];
    await using child = web("--out", folder, "--port", "0", ...flags).spawn();
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (/http:\S+\/.*\n/.test(text)) break;
    }
    assertMatch(text, /index\.html {2}\d+ kB, \d+ kB behind gzip\n.*digits\.mge {2}708 kB\n/);
    const url = /http:\S+/.exec(text)![0];
    const page = await fetch(url);
    assertEquals(page.headers.has("cross-origin-embedder-policy"), isolated);
    assertMatch(await page.text(), /<title>Draw a digit/);
    await using model = await load(`${url}digits.mge`);
    assertEquals(model.outputs.map(({ name }) => name), ["probability"]);
    const beyond = await fetch(`${url}digits.mge`, { headers: { range: "bytes=9999999-" } });
    assertEquals([beyond.status, await beyond.text()], [416, ""]);
    const outside = await fetch(`${url}..%2fdeno.json`);
    assertEquals(outside.status, 404);
    await outside.body?.cancel();
    child.kill("SIGTERM");
    await Promise.all([child.status, child.stderr.cancel()]);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("deno task web says what it does not know", async () => {
  for (
    const [args, why] of [
      [["--fast"], /there is no option --fast\nusage: deno task web/],
      [["--port", "many"], /--port takes a number/],
      [["--out"], /--out needs a value/],
    ] as const
  ) {
    const { code, stderr } = await web(...args).output();
    assertEquals(code, 2);
    assertMatch(new TextDecoder().decode(stderr), why);
  }
});
