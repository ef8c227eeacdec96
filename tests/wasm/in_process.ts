/**
 * Code in a process of its own, where the processor's time, threads and the collector can be watched.
 * @module
 */

const root = new URL("../../", import.meta.url);

/** Runs a module with these functions in scope and gives what it prints, trimmed. */
export async function inProcess(code: string): Promise<{ text: string; status: number }> {
  const from = (path: string) => JSON.stringify(new URL(path, root).href);
  const head = `
    import process from "node:process";
    import { openWasm } from ${from("lib/wasm/machine.ts")};
    import { stage } from ${from("lib/stage/stage.ts")};
    import { constant } from ${from("lib/core/leaf.ts")};
    import { add, conv2d, matmul, mul, read, relu, softmax, sum, tensor } from ${from("mod.ts")};
    const image = (...shape) => {
      const n = shape.reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: n }, (_, i) => (i % 13 - 6) / 8);
      return { dtype: "f32", shape, data };
    };
    const type = ({ dtype, shape }) => ({ dtype, shape });
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  `;
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--v8-flags=--expose-gc", head + code],
    cwd: root.pathname,
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { text: (decoder.decode(stdout) + decoder.decode(stderr)).trim(), status };
}
