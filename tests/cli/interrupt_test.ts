/**
 * Interrupted and failing commands: status 130, no partial output, the old file untouched.
 * @module
 */
import { assertEquals, assertStringIncludes } from "../std.ts";
import { dataFile, start, temporaryFolder } from "./commands.ts";

Deno.test({
  name: "an interrupt ends run and check with 130 and leaves no output",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await temporaryFolder();
    const target = `${folder.path}/out`;
    const file = dataFile("mge-golden/mlp.v2.mge");
    const child = start(["-A"], [
      ...["run", file, "--input", "#rand(0,1)", "--device", "reference"],
      ...["--iter", "100000000", "--output", target],
    ]);
    const stdout = new Response(child.stdout).text();
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("device:")) text += (await reader.read()).value;
    await new Promise((done) => setTimeout(done, 100));
    child.kill("SIGINT");
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
    }
    assertEquals([(await child.status).code, await stdout], [130, ""]);
    assertStringIncludes(text, "Interrupted\n");
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
});
