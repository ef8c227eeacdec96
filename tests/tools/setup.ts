/**
 * Installs what the tests need and the machine lacks, where the system's package manager can be
 * used: a Vulkan driver in software if there is no adapter, and Chromium for the tests of pages.
 * Otherwise it says what to install.
 * @module
 */
import { chromiumPath } from "../report/browser_path.ts";

/**
 * True if an adapter answers through the system's own driver (not OpenGL, which Deno falls back to
 * without one), asked in a process of its own so that the next one looks anew.
 */
async function hasAdapter(): Promise<boolean> {
  const code = "Deno.exit(await navigator.gpu.requestAdapter() ? 0 : 1)";
  const native: Record<string, string> = Deno.build.os === "linux"
    ? { DENO_WEBGPU_BACKEND: "vulkan" }
    : {};
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    env: { XDG_RUNTIME_DIR: "/tmp", ...native },
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdout: "null",
      stderr: "inherit",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** Installs packages, if this is a Linux with apt and we may. */
async function installed(...packages: readonly string[]): Promise<boolean> {
  const root = Deno.build.os === "linux" && Deno.uid() === 0;
  return root && await run("apt-get", "update") &&
    await run("apt-get", "install", "-y", "--no-install-recommends", ...packages);
}

if (!await hasAdapter()) {
  console.error(
    "No Vulkan adapter: installing Mesa's software Vulkan driver (mesa-vulkan-drivers) …",
  );
  if (!await installed("mesa-vulkan-drivers", "libvulkan1") || !await hasAdapter()) {
    console.error(
      "No Vulkan adapter could be set up here: tests that need an adapter are skipped where there " +
        "is none at all.\n" +
        "On Debian or Ubuntu: sudo apt-get install mesa-vulkan-drivers libvulkan1",
    );
  }
}

if (!await chromiumPath()) {
  console.error("No Chromium: installing it (chromium) for the tests of pages …");
  if (!await installed("chromium") || !await chromiumPath()) {
    console.error(
      "No Chromium could be set up here: the tests of pages in a browser are skipped.\n" +
        "On Debian: sudo apt-get install chromium",
    );
  }
}
