/**
 * A module as one script for browsers, by `deno bundle`.
 * @module
 */

/** The script of a module and of all it imports, as browsers run it. */
export async function bundled(entry: URL): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--platform=browser", "--minify", "-o", file, entry.pathname],
      cwd: new URL("../../", import.meta.url).pathname,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readTextFile(file);
  } finally {
    await Deno.remove(file);
  }
}
