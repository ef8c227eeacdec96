/**
 * Installs what the tests need and the machine lacks: a Vulkan driver in software, where there is
 * no adapter and the system's package manager can be used. Otherwise it says what to install.
 * @module
 */

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

if (!await hasAdapter()) {
  console.error(
    "No Vulkan adapter: installing Mesa's software Vulkan driver (mesa-vulkan-drivers) …",
  );
  const root = Deno.build.os === "linux" && Deno.uid() === 0;
  const done = root && await run("apt-get", "update") &&
    await run(
      "apt-get",
      "install",
      "-y",
      "--no-install-recommends",
      "mesa-vulkan-drivers",
      "libvulkan1",
    );
  if (!done || !await hasAdapter()) {
    console.error(
      "No Vulkan adapter could be set up here: tests that need an adapter are skipped where there " +
        "is none at all.\n" +
        "On Debian or Ubuntu: sudo apt-get install mesa-vulkan-drivers libvulkan1",
    );
  }
}
