/**
 * Where a program's words go and where its interrupts come from. Everything in this room takes a
 * `Terminal`, so that tests run commands in their own process; the real one is made here.
 * @module
 */

/** Standard output or standard error. */
export interface Output {
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** True if a person looks at it. */
  isTerminal(): boolean;
}

/** What a program has around it. */
export interface Terminal {
  /** For results. */
  readonly stdout: Output;
  /** For everything else. */
  readonly stderr: Output;
  /** True if colours are welcome on a terminal. */
  readonly color: boolean;
  /** Standard input; asked for once. */
  stdin(): ReadableStream<Uint8Array>;
  /** Columns of the terminal, 80 where there is none. */
  columns(): number;
  /** Milliseconds of a clock. */
  now(): number;
  /** Calls `stop` on an interrupt; gives the function that ends this. */
  onInterrupt(stop: () => void): () => void;
}

/**
 * The process's own terminal. It needs no permission: `NO_COLOR` is what Deno itself read. A
 * second interrupt ends the process at once.
 */
export function processTerminal(): Terminal {
  return {
    stdout: Deno.stdout,
    stderr: Deno.stderr,
    color: !Deno.noColor,
    stdin: () => Deno.stdin.readable,
    columns,
    now: () => performance.now(),
    onInterrupt(stop) {
      let asked = false;
      const listener = () => {
        if (asked) Deno.exit(130);
        asked = true;
        stop();
      };
      const signals: readonly Deno.Signal[] = Deno.build.os === "windows"
        ? ["SIGINT", "SIGBREAK"]
        : ["SIGINT", "SIGTERM"];
      for (const signal of signals) Deno.addSignalListener(signal, listener);
      return () => {
        for (const signal of signals) Deno.removeSignalListener(signal, listener);
      };
    },
  };
}

/** Writes all of the text or bytes. */
export async function writeAll(output: Output, text: string | Uint8Array): Promise<void> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.byteLength;) at += await output.write(bytes.subarray(at));
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    // no terminal has no size, and that is the answer
    return 80;
  }
}
