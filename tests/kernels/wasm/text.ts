/**
 * Modules as text that people read: a statement a line, values in the order in which they are pushed,
 * `$3` for what local 3 holds and `→ $3` for what is kept in it.
 * @module
 */
import wabt from "wabt";

type Wabt = Awaited<ReturnType<typeof wabt>>;

/** What modules may use. */
const features = {
  ...{ simd: true, relaxed_simd: true, threads: true, memory64: true, bulk_memory: true },
  ...{ sat_float_to_int: true, sign_extension: true, mutable_globals: true, multi_value: true },
};

/** Prints modules. */
export async function printer(): Promise<(bytes: Uint8Array) => string> {
  const tools: Wabt = await wabt();
  return (bytes) => {
    const module = tools.readWasm(bytes, { readDebugNames: true, ...features });
    try {
      module.applyNames();
      return statements(module.toText({ foldExprs: false, inlineExport: false }));
    } finally {
      module.destroy();
    }
  };
}

/** Instructions that end a statement, by how they begin. */
const ends =
  /^(local\.set|[\w.]*store|call|br|return|drop|memory\.(fill|copy)|\(|end|else|loop|if)/;

/** One line a statement instead of one an instruction. */
function statements(text: string): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const line of text.split("\n")) {
    const [, indent, instruction] = /^( *)(.*?)(?: +;; label.*)?$/.exec(line)!;
    // Types and imports are the same in all.
    if (/^\((type|import)/.test(instruction)) continue;
    open.push(short(instruction));
    if (instruction && !ends.test(instruction) && !/\)$/.test(instruction)) continue;
    lines.push(indent + open.join(" ").trimEnd());
    open = [];
  }
  return lines.join("\n").trimEnd();
}

function short(instruction: string): string {
  return instruction
    .replace(/^local\.get (\d+)/, "$$$1")
    .replace(/^local\.set (\d+)/, "→ $$$1")
    .replace(/^local\.tee (\d+)/, "⇒ $$$1")
    .replace(/^[if](32|64)\.const (\S+)/, "$2")
    .replace(/^v128\.const i32x4((?: 0x00000000){4})/, "v128.zero")
    .replace(/ align=\d+/, "")
    .replace(/ \(;@(\d+);\)/, "");
}
