/**
 * A module while it grows: functions by key, so that equal ones are written once; a table of
 * constants in memory; the finished bytes with names for people.
 * @module
 */
import { newBytes, type Spare } from "./bytes.ts";
import { type Code, newCode, typeBytes, type ValueType } from "./code.ts";

/** What the engine and the memory offer, as far as code depends on it. */
export interface Features {
  /** Fused multiply-add of relaxed SIMD. */
  readonly madd: boolean;
  /** Addresses are i64. */
  readonly wide: boolean;
  /** The memory is shared with other threads. */
  readonly shared: boolean;
}

/** A module being written. */
export interface ModuleWriter {
  readonly features: Features;
  /** The function of a key; `write` pushes its body the first time. Gives its index. */
  fn(
    key: string,
    name: string,
    params: readonly ValueType[],
    write: (code: Code) => void,
    results?: readonly ValueType[],
  ): number;
  /** Exports a function. */
  export(name: string, index: number): void;
  /** What is made of an object for all kernels of the module: once, and then found again. */
  once<T>(of: object, what: string, make: () => T): T;
  /** The bits of an f32. */
  bits(value: number): number;
  /** The address of 16 bytes that hold a word four times, or `undefined` where the table is full. */
  constant(bits: number): number | undefined;
  /** The module. `pages` is the least that its memory has, `most` the most. */
  finish(pages: number, most: number): Uint8Array<ArrayBuffer>;
}

interface Written {
  readonly name: string;
  readonly type: number;
  body?: Uint8Array;
}

/** Name of the import that hears of each step while a run is timed. */
export const stampImport = "stamp";

/**
 * Words that kernels read instead of building them at every use: engines make `v128.const` anew
 * each time. All modules of one memory share a table.
 */
export interface ConstantTable {
  /** Where it starts; a multiple of 16. */
  readonly start: number;
  /** How many words it can hold. */
  readonly room: number;
  /** The words so far, each in four lanes at `start + 16 · its place`. */
  readonly words: Map<number, number>;
}

/** An empty table. */
export function newTable(start: number, room: number): ConstantTable {
  return { start, room, words: new Map() };
}

/** An empty module. */
export function newModule(
  features: Features,
  { start, room, words }: ConstantTable = newTable(1024, 256),
): ModuleWriter {
  const functions: Written[] = [];
  const known = new Map<string, number>();
  const types: string[] = [];
  const signatures: { params: readonly ValueType[]; results: readonly ValueType[] }[] = [];
  const exported: { name: string; index: number }[] = [];
  const typeOf = (params: readonly ValueType[], results: readonly ValueType[]) => {
    const key = `${params}>${results}`;
    const found = types.indexOf(key);
    if (found >= 0) return found;
    signatures.push({ params, results });
    return types.push(key) - 1;
  };
  const spare: Spare = [];
  const made = new Map<string, Map<object, unknown>>();
  const scratch = new DataView(new ArrayBuffer(4));
  // Function 0 is the import.
  const stampType = typeOf(["i32"], []);

  return {
    features,
    fn(key, name, params, write, results = []) {
      const before = known.get(key);
      if (before !== undefined) return before;
      const written: Written = { name, type: typeOf(params, results) };
      const index = functions.push(written);
      known.set(key, index);
      const code = newCode(params, features.wide, spare);
      write(code);
      written.body = code.finish();
      return index;
    },
    once<T>(of: object, what: string, make: () => T): T {
      let all = made.get(what) as Map<object, T> | undefined;
      if (!all) made.set(what, all = new Map());
      let found = all.get(of);
      if (found === undefined) all.set(of, found = make());
      return found;
    },
    export: (name, index) => void exported.push({ name, index }),
    bits(value) {
      scratch.setFloat32(0, value);
      return scratch.getInt32(0);
    },
    constant(bits) {
      const before = words.get(bits | 0);
      if (before !== undefined) return before;
      if (words.size === room) return undefined;
      const at = start + words.size * 16;
      words.set(bits | 0, at);
      return at;
    },
    finish(pages, most) {
      const out = newBytes(4096);
      out.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
      const section = (id: number, write: (s: ReturnType<typeof newBytes>) => void) => {
        const inner = newBytes();
        write(inner);
        out.byte(id);
        out.u(inner.length());
        out.raw(inner.view());
      };
      section(1, (s) => {
        s.u(signatures.length);
        for (const { params, results } of signatures) {
          s.byte(0x60);
          for (const list of [params, results]) {
            s.u(list.length);
            for (const type of list) s.byte(typeBytes[type]);
          }
        }
      });
      section(2, (s) => {
        s.u(2);
        s.name("env");
        s.name("memory");
        s.byte(2);
        s.byte((features.shared ? 3 : 1) | (features.wide ? 4 : 0));
        s.u(pages);
        s.u(most);
        s.name("env");
        s.name(stampImport);
        s.byte(0);
        s.u(stampType);
      });
      section(3, (s) => {
        s.u(functions.length);
        for (const f of functions) s.u(f.type);
      });
      section(7, (s) => {
        s.u(exported.length);
        for (const { name, index } of exported) {
          s.name(name);
          s.byte(0);
          s.u(index);
        }
      });
      section(10, (s) => {
        s.u(functions.length);
        for (const { body } of functions) {
          s.u(body!.length);
          s.raw(body!);
        }
      });
      section(0, (s) => {
        s.name("name");
        const names = newBytes();
        names.u(functions.length + 1);
        names.u(0);
        names.name(stampImport);
        functions.forEach(({ name }, i) => {
          names.u(i + 1);
          names.name(name);
        });
        s.byte(1);
        s.u(names.length());
        s.raw(names.view());
      });
      return out.view().slice();
    },
  };
}
