/**
 * The smallest runner of WebAssembly kernels: one function in a module, called for ranges of units.
 * What lies between operands is filled with NaN, so that a value from there is seen, and looked at
 * afterwards, so that a store there is seen too.
 * @module
 */
import { heapStart, tableRoom, tableStart } from "../../../kernels/wasm/control.ts";
import type { WasmKernel } from "../../../kernels/wasm/kernel.ts";
import { type Features, newModule, newTable } from "../../../kernels/wasm/module.ts";
import { elementsOf, pack, packedSize } from "../../../kernels/wasm/packing.ts";
import { type Form, pointsOf } from "../../../lib/core/form.ts";
import { bytesIn, type Host, hostFromBytes } from "../../../lib/core/host.ts";
import { bytesOf, sizeOf } from "../../../lib/core/type.ts";
import { assert } from "../../std.ts";

/** Ranges of units, in the order in which they are computed. */
export type Ranges = readonly (readonly [number, number])[];

/** Bytes that follow each operand; kernels may read some of them, though they use nothing. */
const gap = 1024;
const pages = 600;

/** A module with one kernel, exported as `kernel`. */
export function moduleOf(kernel: WasmKernel, features: Features) {
  const table = newTable(tableStart, tableRoom);
  const module = newModule(features, table);
  module.export("kernel", kernel.write(module));
  const bytes = module.finish(1, 65536);
  assert(WebAssembly.validate(bytes), `${kernel.name} is no valid module: ${kernel.key}`);
  return { bytes, words: table.words };
}

/** Runs kernels in memories of its own, one for each kind of them. */
export interface Runner {
  /** What a kernel gives for each way to share its units; operands are filled in once for each. */
  run(
    form: Form,
    kernel: WasmKernel,
    features: Features,
    ins: readonly Host[],
    shares: readonly Ranges[],
  ): readonly Host[][];
}

/** A runner. */
export function newRunner(): Runner {
  const memories = new Map<string, WebAssembly.Memory>();
  const memoryOf = ({ wide, shared }: Features): WebAssembly.Memory => {
    const name = `${wide} ${shared}`;
    let memory = memories.get(name);
    if (memory) return memory;
    const number = (n: number) => (wide ? BigInt(n) : n) as number;
    memory = new WebAssembly.Memory({
      initial: number(pages),
      maximum: number(65536),
      shared,
      ...(wide ? { address: "i64" } : {}),
    });
    memories.set(name, memory);
    return memory;
  };
  return {
    run(form, kernel, features, ins, shares) {
      const { bytes, words } = moduleOf(kernel, features);
      const memory = memoryOf(features);
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
        env: { memory, stamp() {} },
      });
      const call = instance.exports.kernel as (...args: (number | bigint)[]) => void;
      const buffer = memory.buffer as ArrayBuffer;
      words.forEach((at, bits) => new Int32Array(buffer, at, 4).fill(bits));
      const contents = ins.map((value, i) => {
        const packing = kernel.packs[i];
        if (!packing) return bytesIn(value.data);
        const make = elementsOf(packing) === "f32" ? Float32Array : Int32Array;
        const into = new make(packedSize(packing));
        pack(value.data, packing, into);
        return bytesIn(into);
      });
      const results = form.outs.map(({ type }) => {
        // What no point writes stays zero, as in the interpreter; else every byte must be written.
        const isWhole = sizeOf(pointsOf(form)) >= sizeOf(type.shape);
        return new Uint8Array(bytesOf(type)).fill(isWhole ? 0xcd : 0);
      });
      const scratch = new Uint8Array(kernel.scratch ?? 0).fill(0xff);
      const all = [...contents, ...results, scratch];
      let end = heapStart + gap;
      const places = all.map(({ length }) => {
        const at = end;
        end = Math.ceil((at + length) / 64) * 64 + gap;
        return at;
      });
      assert(end <= buffer.byteLength, `the operands take ${end} bytes`);
      const pointer = (at: number) => features.wide ? BigInt(at) : at;
      const addresses = places.slice(0, kernel.scratch ? undefined : -1).map(pointer);
      return shares.map((ranges) => {
        new Uint8Array(buffer, heapStart, end - heapStart).fill(0xff);
        all.forEach((bytes, i) => new Uint8Array(buffer, places[i], bytes.length).set(bytes));
        for (const [from, to] of ranges) call(from, to, ...addresses);
        const now = new Uint8Array(buffer, 0, end);
        let from = heapStart;
        places.forEach((at, i) => {
          const foul = now.subarray(from, at).findIndex((byte) => byte !== 0xff);
          assert(foul < 0, `${kernel.name} wrote at ${from + foul}, before operand ${i}`);
          from = at + all[i].length;
        });
        contents.forEach((bytes, i) => {
          const foul = bytes.findIndex((byte, k) => now[places[i] + k] !== byte);
          assert(foul < 0, `${kernel.name} wrote to operand ${i}`);
        });
        return form.outs.map(({ type }, k) => {
          const at = places[ins.length + k];
          return hostFromBytes(type, now.slice(at, at + bytesOf(type)));
        });
      });
    },
  };
}

/** Ways in which threads may share units: all at once, by halves, by some, by nothing, backwards. */
export function sharesOf(units: number): readonly Ranges[] {
  const cut = (parts: number): [number, number][] =>
    Array.from({ length: parts }, (_, i) => {
      const at = (k: number) => Math.floor(units * k / parts);
      return [at(i), at(i + 1)];
    });
  const each = cut(Math.max(1, Math.min(units, 40)));
  const empty: Ranges = [[0, 0], [units, units], [0, units], [units >> 1, units >> 1]];
  // More threads than units: some have nothing to do.
  const many: Ranges[] = units <= 40 ? [cut(units + 3)] : [];
  return [[[0, units]], cut(2), each, each.toReversed(), ...many, empty];
}
