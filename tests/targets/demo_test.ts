/**
 * The demo runs to its end on each target: graph, numbers, files and back, the recorded training step.
 * @module
 */
import { adapterOrSkip } from "../gpu/adapter.ts";
import { assertEquals, assertStringIncludes } from "../std.ts";

const isThere = await adapterOrSkip();
const root = new URL("../../", import.meta.url).pathname;

for (const name of ["reference", "wasm", "webgpu"]) {
  const ignore = name === "webgpu" && !isThere;
  Deno.test(`${name}: the demo runs to its end`, { ignore }, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-read", "--allow-write", "--allow-env"],
        ...["examples/demo.ts", "--device", name],
      ],
      cwd: root,
      env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, err);
    assertStringIncludes(out, `device: ${name} (`);
    assertStringIncludes(out, "37 of 50 right");
    assertStringIncludes(out, "49 of 50");
    assertEquals(out.match(/loaded back: 1 of 1 embedded test cases pass/g)?.length, 2);
    assertStringIncludes(out, "loss 0.113519, MegEngine 0.113519");
  });
}
