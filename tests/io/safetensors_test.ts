/**
 * Safetensors: the format's own samples, round trips, and every rule of the header broken once.
 * @module
 */
import { FormatError, OptionError } from "../../lib/core/fault.ts";
import { collect, type Host, host, type Source } from "../../lib/core/host.ts";
import { dtypes, f32, i8, printType } from "../../lib/core/type.ts";
import { arrayOf } from "../../lib/core/host.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { openSafetensors, safetensors } from "../../lib/io/safetensors.ts";
import { gathered } from "../../lib/io/stream.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";

const data = new URL("../data/safetensors/", import.meta.url);

/** A file of this header text and these many bytes of data. */
function file(header: unknown, bytes: number, length?: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const out = new Uint8Array(8 + text.byteLength + bytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? text.byteLength), true);
  out.set(text, 8);
  return out;
}

Deno.test("openSafetensors() reads the samples of every dtype", async () => {
  const expected: Record<string, string> = {
    "B-unsigned": "B u8[6] U8",
    "H-unsigned": "H u16[6] U16",
    "I-unsigned": "I i32[6] U32",
    b: "b i8[6] I8",
    d: "d f32[6] F64",
    e: "e f16[6] F16",
    f: "f f32[6] F32",
    h: "h i16[6] I16",
    i: "i i32[6] I32",
  };
  for (const [name, line] of Object.entries(expected)) {
    const opened = await openSafetensors(new URL(`${name}.safetensors`, data));
    const [[key, source]] = opened.tensors;
    assertEquals(`${key} ${printType(source)} ${opened.stored.get(key)}`, line);
    assertEquals([...opened.metadata], [["test", "a"]]);
    if (name === "I-unsigned") {
      // its values begin at 2³² - 3, and no dtype here holds them
      await assertRejects(() => collect(source), FormatError, "element 0 is 4294967293");
      continue;
    }
    const wrap = { u8: 256, u16: 65536 }[source.dtype as string] ?? 0;
    const values = [-3, -2, -1, 0, 1, 2].map((x) => x < 0 ? x + wrap : x);
    assertEquals([...(await collect(source)).data], values, name);
  }
  const overall = await openSafetensors(new URL("overall.safetensors", data));
  assertEquals(overall.tensors.size, 9);
  assertEquals([...(await collect(overall.tensors.get("d")!)).data], [-3, -2, -1, 0, 1, 2]);
});

Deno.test("safetensors() and openSafetensors() give back what was written, for every dtype", async () => {
  const made = dtypes.map((dtype, i): [string, Host] => {
    const values = arrayOf(dtype, 2 * i + 1);
    for (let j = 0; j < values.length; j++) values[j] = dtype === "bool" ? j % 2 : j;
    return [`layer.${i}.${dtype}`, host({ dtype, shape: [2 * i + 1] }, values)];
  });
  made.push(["scalar", host(f32(), Float32Array.of(-0))], [
    "none",
    host(f32([0, 3]), arrayOf("f32", 0)),
  ]);
  const written = safetensors(made, { format: "pt" });
  const bytes = await gathered(written.open());
  assertEquals(bytes.byteLength, written.size);
  const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assertEquals(header % 8, 0);
  const back = await openSafetensors(bytes);
  assertEquals([...back.tensors.keys()], made.map(([name]) => name));
  assertEquals([...back.metadata], [["format", "pt"]]);
  for (const [name, value] of made) {
    assertEquals(await collect(back.tensors.get(name)!), value, name);
  }
});

Deno.test("safetensors() writes tensors straight from their sources", async () => {
  const source: Source = {
    ...i8([5]),
    async *open() {
      yield Uint8Array.of(1, 2);
      await Promise.resolve();
      yield Uint8Array.of(3, 4, 5);
    },
  };
  const opened = await openSafetensors(await gathered(safetensors([["a", source]]).open()));
  assertEquals([...(await collect(opened.tensors.get("a")!)).data], [1, 2, 3, 4, 5]);
  for (const [extent, found] of [[6, "1 bytes fewer"], [4, "more"]] as const) {
    const wrong = safetensors([["a", { ...source, shape: [extent] }]]);
    await assertRejects(() => gathered(wrong.open()), FormatError, found);
  }
});

Deno.test("openSafetensors() touches the header only, and a tensor when it is asked for", async () => {
  const bytes = await gathered(
    safetensors([["a", host(f32([1000]), new Float32Array(1000))]]).open(),
  );
  let read = 0;
  const inner = arrayBytes(bytes);
  const opened = await openSafetensors({
    size: inner.size,
    read: (at, length) => (read += length, inner.read(at, length)),
  });
  assertEquals(read, bytes.byteLength - 4000);
  await collect(opened.tensors.get("a")!);
  assertEquals(read, bytes.byteLength);
});

Deno.test("openSafetensors() converts BF16, BOOL and 64-bit integers and checks that they fit", async () => {
  const bytes = file({
    a: { dtype: "BF16", shape: [2], data_offsets: [0, 4] },
    b: { dtype: "BOOL", shape: [4], data_offsets: [4, 8] },
    c: { dtype: "I64", shape: [2], data_offsets: [8, 24] },
    d: { dtype: "U64", shape: [], data_offsets: [24, 32] },
  }, 32);
  bytes.set([0xc0, 0x3f, 0x00, 0xc0, 0, 1, 2, 255], bytes.byteLength - 32);
  const view = new DataView(bytes.buffer, bytes.byteLength - 24);
  view.setBigInt64(0, -5n, true);
  view.setBigInt64(8, 2n ** 31n - 1n, true);
  view.setBigUint64(16, 2n ** 31n, true);
  const { tensors } = await openSafetensors(bytes);
  assertEquals(await collect(tensors.get("a")!), host(f32([2]), Float32Array.of(1.5, -2)));
  assertEquals([...(await collect(tensors.get("b")!)).data], [0, 1, 1, 1]);
  assertEquals([...(await collect(tensors.get("c")!)).data], [-5, 2 ** 31 - 1]);
  await assertRejects(() => collect(tensors.get("d")!), FormatError, "element 0 is 2147483648");
});

Deno.test("openSafetensors() refuses every broken header with its reason", async () => {
  const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32") => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const cases: readonly [string, Uint8Array, string][] = [
    ["short", new Uint8Array(7), "7 bytes"],
    ["limit", file("{}", 0, 100_000_001), "at most 100000000"],
    ["length", file("{}", 0, 50), "passes the end"],
    ["json", file("{", 0), "no JSON"],
    ["array", file("[]", 0), "no JSON object"],
    ["space", file(" {}", 0), "no JSON object"],
    ["utf8", new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff]), "no UTF-8"],
    ["twice", file('{"a":1,"\\u0061"      :2}', 0), '"a" twice'],
    ["key", file('{"a":{"dtype":"F32","dtype":"F32"}}', 0), '"dtype" twice'],
    ["spaced", file(`{"a":1,"a"${" ".repeat(100)}:2}`, 0), '"a" twice'],
    ["dtype", file({ a: entry(0, 4, [4], "F8_E4M3") }, 4), '"F8_E4M3"; known are BOOL'],
    ["proto", file({ a: entry(0, 4, [4], "toString") }, 4), '"toString"; known are BOOL'],
    ["shape", file({ a: entry(0, 4, [-1]) }, 4), "no list of counts"],
    ["fraction", file({ a: entry(0, 4, [1.5]) }, 4), "no list of counts"],
    ["overflow", file({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4), "has bytes 0 to 4"],
    ["size", file({ a: entry(0, 4, [2]) }, 4), "has bytes 0 to 4, not 8"],
    ["offsets", file({ a: { ...entry(0, 4), data_offsets: [0] } }, 4), "no two counts"],
    ["reverse", file({ a: entry(8, 4) }, 8), "no list of counts"],
    ["overlap", file({ a: entry(0, 8), b: entry(4, 12) }, 12), "overlaps"],
    ["hole", file({ a: entry(0, 4), b: entry(8, 12) }, 12), "leaves a hole"],
    ["past", file({ a: entry(0, 8) }, 4), "ends at 8, the data at 4"],
    ["rest", file({ a: entry(0, 4) }, 5), "end at 4, the data at 5"],
    ["metadata", file({ __metadata__: { a: 1 } }, 0), "record of texts"],
  ];
  for (const [name, bytes, reason] of cases) {
    const error = await assertRejects(() => openSafetensors(bytes), FormatError, undefined, name);
    assert(error.message.includes(reason), `${name}: ${error.message}`);
  }
});

Deno.test("openSafetensors() answers damaged bytes with a FormatError", async () => {
  const good = await Deno.readFile(new URL("overall.safetensors", data));
  for (let cut = 0; cut < good.byteLength; cut += 3) {
    await assertRejects(() => openSafetensors(good.slice(0, cut)), FormatError);
  }
  let refused = 0;
  for (let at = 0; at < good.byteLength; at++) {
    const bad = good.slice();
    bad[at] ^= 1 << (at % 8);
    try {
      for (const source of (await openSafetensors(bad)).tensors.values()) await collect(source);
    } catch (error) {
      assert(error instanceof FormatError, `byte ${at}: ${error}`);
      refused++;
    }
  }
  assert(refused > 200, String(refused));
});

Deno.test("safetensors() refuses names that the format cannot hold", () => {
  const value = host(f32(), new Float32Array(1));
  assertThrows(() => safetensors([["a", value], ["a", value]]), OptionError, "two tensors");
  assertThrows(() => safetensors([["__metadata__", value]]), OptionError, "for itself");
});
