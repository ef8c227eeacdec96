/**
 * Where a Chromium is on this machine: for the tests of pages, and for the set-up that installs one.
 * @module
 */

/** The path of the browser, if there is one. */
export async function chromiumPath(): Promise<string | undefined> {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const found = await new Deno.Command("sh", {
      args: ["-c", `command -v ${name}`],
      stderr: "null",
    }).output().catch(() => undefined);
    if (found?.success) return new TextDecoder().decode(found.stdout).trim();
  }
  return undefined;
}
