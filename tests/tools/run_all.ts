/**
 * Runs the whole suite: the set-up, the gates (format, lint, types, documentation, packaging), the
 * tests, the examples in the documentation; then prints one line that counts, failures included.
 * @module
 */

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const root = new URL("../../", import.meta.url).pathname;
/** Vulkan alone on Linux: with Mesa's EGL loaded too, one busy exit in ten ends with a broken heap. */
const backend: Record<string, string> = Deno.build.os === "linux"
  ? { DENO_WEBGPU_BACKEND: "vulkan" }
  : {};
const env = { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1", ...backend };

async function deno(
  args: readonly string[],
  capture: boolean,
): Promise<{ ok: boolean; text: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    env,
    stdout: capture ? "piped" : "inherit",
    stderr: "inherit",
  }).spawn();
  let text = "";
  if (capture) {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      Deno.stdout.writeSync(new TextEncoder().encode(chunk));
    }
  }
  const { success } = await child.status;
  return { ok: success, text };
}

const count: Count = { passed: 0, failed: 0, skipped: 0 };

async function gate(name: string, args: readonly string[]): Promise<void> {
  const { ok } = await deno(args, false);
  console.log(`${ok ? "ok" : "FAILED"}: ${name}`);
  if (ok) count.passed++;
  else count.failed++;
}

async function suite(args: readonly string[]): Promise<void> {
  const { ok, text } = await deno(args, true);
  const found = [...text.matchAll(
    /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/g,
  )].at(-1);
  if (!found) {
    count.failed++;
    return;
  }
  count.passed += Number(found[1]);
  count.failed += Number(found[2]);
  count.skipped += Number(found[3] ?? 0);
  if (!ok && Number(found[2]) === 0) count.failed++;
}

await deno(["run", "-A", "tests/tools/setup.ts"], false);
await gate("format", ["fmt", "--check", "--quiet"]);
await gate("lint", ["lint", "--quiet"]);
await gate("types", ["check", "--quiet"]);
await gate("documentation", ["doc", "--lint", "mod.ts", "lib/report/mod.ts"]);
await gate("packaging", ["publish", "--dry-run", "--allow-dirty", "--quiet"]);
await suite(["test", "-A", "--quiet", "tests/"]);
await suite([
  "test",
  "-A",
  "--quiet",
  "--doc",
  "README.md",
  "docs/api.md",
  "mod.ts",
  "lib/",
  "kernels/",
]);
console.log(
  `${count.passed} passed, ${count.failed} failed${
    count.skipped ? `, ${count.skipped} skipped` : ""
  }`,
);
Deno.exit(count.failed ? 1 : 0);
