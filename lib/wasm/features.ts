/**
 * What the engine offers, by validating small modules that use it.
 * @module
 */
import { newBytes } from "../../kernels/wasm/bytes.ts";

/** What there is. */
export interface Engine {
  /** Code may be compiled; the policy of a page can forbid it. */
  readonly allowed: boolean;
  /** 128-bit vectors; without them there is no target. */
  readonly simd: boolean;
  /** Fused multiply-add of relaxed SIMD. */
  readonly madd: boolean;
  /** Memories that threads share. */
  readonly threads: boolean;
  /** Addresses of 64 bits. */
  readonly wide: boolean;
}

/** Looks at the engine that runs this. */
export function engine(): Engine {
  if (typeof WebAssembly === "undefined") {
    return { allowed: true, simd: false, madd: false, threads: false, wide: false };
  }
  // v128.const 0; drop — and the same three times with f32x4.relaxed_madd.
  const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
  return {
    allowed: compiles(),
    simd: validates([...zero, 0x1a]),
    madd: validates([...zero, ...zero, ...zero, 0xfd, 0x85, 0x02, 0x1a]),
    threads: typeof SharedArrayBuffer !== "undefined" && typeof Worker !== "undefined" &&
      isIsolated() && validates([], [0x03, 1, 1]),
    wide: validates([], [0x05, 1, 1]),
  };
}

/** A page shares memory only when it is isolated from others; Deno has no such notion. */
function isIsolated(): boolean {
  const scope = globalThis as { crossOriginIsolated?: boolean };
  return scope.crossOriginIsolated ?? true;
}

/** Validating is never forbidden, so what a policy says shows only when something is compiled. */
function compiles(): boolean {
  try {
    new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    return true;
  } catch {
    return false;
  }
}

function validates(body: readonly number[], memory?: readonly number[]): boolean {
  const bytes = newBytes();
  bytes.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  bytes.raw([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]);
  if (memory) bytes.raw([5, memory.length + 1, 1, ...memory]);
  bytes.raw([10]);
  bytes.u(body.length + 4);
  bytes.raw([1]);
  bytes.u(body.length + 2);
  bytes.raw([0, ...body, 0x0b]);
  return WebAssembly.validate(bytes.view().slice());
}
