/**
 * The real program in this process, with a terminal that keeps what is written to it; and in a
 * process of its own, with permissions that the test names.
 * @module
 */
import { program } from "../../cli.ts";
import { main } from "../../lib/cli/main.ts";
import { fakeTerminal } from "./program.ts";

/** What a command did. */
export interface Done {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** The repository's root, with a slash. */
export const root = new URL("../../", import.meta.url).pathname;

/** Runs the program here. */
export async function weft(...args: readonly string[]): Promise<Done> {
  return await weftWith(new Uint8Array(), ...args);
}

/** Runs the program here, with bytes on standard input. */
export async function weftWith(stdin: Uint8Array, ...args: readonly string[]): Promise<Done> {
  const terminal = fakeTerminal();
  const status = await main(program, args, {
    ...terminal,
    stdin: () => new Blob([stdin as BlobPart]).stream(),
  });
  return { status, ...terminal.text };
}

/** Starts the program in its own process with these permissions. */
export function start(permissions: readonly string[], args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...permissions, `${root}cli.ts`, ...args],
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1" },
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the program in its own process to its end. */
export async function weftProcess(
  permissions: readonly string[],
  args: readonly string[],
): Promise<Done> {
  const { code, stdout, stderr } = await start(permissions, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status: code, out: text(stdout), err: text(stderr) };
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A model file of the recorded ones, by its path under `tests/data`. */
export function dataFile(path: string): string {
  return `${root}tests/data/${path}`;
}
