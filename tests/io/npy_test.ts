/**
 * NumPy's own files are the judge of the reader, NumPy's own bytes of the writer.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import { host } from "../../lib/core/host.ts";
import { f32, printType } from "../../lib/core/type.ts";
import { readNpy, readNpz, writeNpy, writeNpz } from "../../lib/io/npy.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../std.ts";

const data = new URL("../data/npy/", import.meta.url);
const read = (name: string) => Deno.readFileSync(new URL(name, data));
const bytes = (text: string) => Uint8Array.fromBase64(text);

// Written by NumPy 2.4.6: arange(6, f32) as (2, 3); True; arange(24, '>i2') as (2, 3, 4) in Fortran
// order; arange(3, '<u8') * 2^31; [1.5, -2, 1e300, nan] as '>f8'; version 3 '<u4'; version 2 '<f2'.
const numpy = {
  plain:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPwAAAEAA" +
    "AEBAAACAQAAAoEA=",
  scalar:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAg" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB",
  fortran:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPmkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCks" +
    "IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAMAAQAEAAIABQA" +
    "AQANAAUAEQAJABUAAgAOAAYAEgAKABYAAwAPAAcAEwALABc=",
  wide:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPHU4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAg" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAIAA" +
    "AAAAAAAAAAEAAAA=",
  big:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDQsKSwgfSAg" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/+AAAAAAAAMAAAAAA" +
    "AAAAfjfkPIgAdZx/+AAAAAAAAA==",
  third:
    "k05VTVBZAwB0AAAAeydkZXNjcic6ICc8dTQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAQAAAAIAAAA=",
  second:
    "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA8AEA=",
  // savez_compressed(a=arange(4, i8), **{"x/y": f32(2)}): zip64 fields in the local headers
  zip:
    "UEsDBC0AAAAIAAAAIQA3vGb///////////8FABQAYS5ucHkBABAAhAAAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc" +
    "pG6loF6Taaiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6mjoKtQoUAC4GRiZmAFBLAwQtAAAACAAAACEAxqimVv//" +
    "////////BwAUAHgveS5ucHkBABAAhAAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59f" +
    "lJIKEndLzClOBYoXZyQWpAL5Gpo6CrUKFAEuBgYGBwBQSwECLQMtAAAACAAAACEAN7xm/0gAAACEAAAABQAAAAAAAAAAAAAAgAEA" +
    "AAAAYS5ucHlQSwECLQMtAAAACAAAACEAxqimVkYAAACEAAAABwAAAAAAAAAAAAAAgAF/AAAAeC95Lm5weVBLBQYAAAAAAgACAGgA" +
    "AAD+AAAAAAA=",
};

Deno.test("readNpy() reads what NumPy wrote: versions, byte orders, Fortran order, scalars", () => {
  const plain = readNpy(bytes(numpy.plain));
  assertEquals(printType(plain), "f32[2,3]");
  assertEquals([...plain.data], [0, 1, 2, 3, 4, 5]);
  const scalar = readNpy(bytes(numpy.scalar));
  assertEquals([scalar.dtype, scalar.shape, [...scalar.data]], ["bool", [], [1]]);
  const fortran = readNpy(bytes(numpy.fortran));
  assertEquals(printType(fortran), "i16[2,3,4]");
  assertEquals([...fortran.data], Array.from({ length: 24 }, (_, i) => i));
  const big = readNpy(bytes(numpy.big));
  assertEquals([big.dtype, big.stored, [...big.data]], ["f32", ">f8", [1.5, -2, Infinity, NaN]]);
  assertEquals([...readNpy(bytes(numpy.third)).data], [0, 1, 2]);
  const half = readNpy(bytes(numpy.second));
  assertEquals([half.dtype, [...half.data]], ["f16", [0, 1, 2]]);
});

Deno.test("readNpy() refuses a 64-bit integer that i32 cannot hold, with its place", () => {
  assertThrows(() => readNpy(bytes(numpy.wide)), FormatError, "element 1 is 2147483648");
});

Deno.test("readNpy() reads Python 2's long shapes and NumPy's sample arrays", () => {
  for (const name of ["python3.npy", "win64python2.npy"]) {
    const value = readNpy(read(name));
    assertEquals([value.stored, value.shape, [...value.data]], ["<f8", [2], [1, 1]], name);
  }
  const normal = readNpy(read("bivariate_normal.npy"));
  assertEquals(printType(normal), "f32[15,15]");
  assertAlmostEquals(normal.data[112], 1.2171999, 1e-6);
});

Deno.test("readNpz() reads stored and deflated archives", () => {
  const topo = readNpz(read("topobathy.npz"));
  assertEquals([...topo].map(([name, v]) => `${name} ${printType(v)}`).sort(), [
    "latitude f32[91]",
    "longitude f32[120]",
    "topo f32[91,120]",
  ]);
  assertEquals([...topo.get("topo")!.data].reduce((a, b) => a + b, 0), 2988229);
  const dem = readNpz(read("jacksboro_fault_dem.npz"));
  assertEquals(dem.size, 7);
  assertEquals(printType(dem.get("elevation")!), "i16[344,403]");
  assertEquals([...dem.get("elevation")!.data].reduce((a, b) => a + b, 0), 73617913);
  assertEquals([dem.get("xmin")!.shape, dem.get("xmin")!.data[0]], [[], Math.fround(-84.41375)]);
  const small = readNpz(bytes(numpy.zip));
  assertEquals([...small.get("a")!.data], [0, 1, 2, 3]);
  assertEquals([...small.get("x/y")!.data], [2]);
});

Deno.test("readNpy() and readNpz() refuse objects and structures by name", () => {
  assertThrows(() => readNpz(read("goog.npz")), FormatError, "structured, [('date', '<M8[D]')");
  for (const name of ["py2-objarr", "py3-objarr"]) {
    assertThrows(() => readNpy(read(`${name}.npy`)), FormatError, "pickled Python objects (|O8)");
    assertThrows(() => readNpz(read(`${name}.npz`)), FormatError, "pickled Python objects (|O8)");
  }
  const changed = bytes(numpy.plain);
  changed.set([0x55, 0x31], changed.indexOf(0x3c) + 1);
  assertThrows(() => readNpy(changed), FormatError, "the dtype <U1");
});

Deno.test("writeNpy() writes NumPy's bytes and readNpy() gives them back", () => {
  const value = host(f32([2, 3]), Float32Array.of(0, 1, 2, 3, 4, 5));
  assertEquals(writeNpy(value), bytes(numpy.plain));
  assertEquals(
    writeNpy(host({ dtype: "bool", shape: [] }, Uint8Array.of(1))),
    bytes(numpy.scalar),
  );
  const row = readNpy(writeNpy(host({ dtype: "i8", shape: [3] }, Int8Array.of(1, -2, 3))));
  assertEquals([row.dtype, row.shape, [...row.data]], ["i8", [3], [1, -2, 3]]);
  const none = readNpy(writeNpy(host(f32([0, 4]), new Float32Array())));
  assertEquals(none.shape, [0, 4]);
});

Deno.test("writeNpz() gives the same bytes for the same arrays, stored or deflated", () => {
  const value = host(f32([64, 64]), new Float32Array(4096).fill(3));
  const arrays = [["w", value], ["layer/b", host(f32(), Float32Array.of(7))]] as const;
  for (const deflate of [false, true]) {
    const zip = writeNpz(arrays, { deflate });
    assertEquals(zip, writeNpz(arrays, { deflate }));
    const back = readNpz(zip);
    assertEquals([...back.keys()], ["w", "layer/b"]);
    assertEquals(back.get("w")!.data, value.data);
    assertEquals(zip.byteLength < 2000, deflate);
  }
});

Deno.test("damaged .npy and .npz bytes give a FormatError and nothing else", () => {
  for (const name of ["plain", "fortran", "third", "zip"] as const) {
    const good = bytes(numpy[name]);
    const parse = (b: Uint8Array) => name === "zip" ? void readNpz(b) : void readNpy(b);
    let refused = 0;
    for (let cut = 0; cut < good.byteLength; cut++) {
      assertThrows(() => parse(good.slice(0, cut)), FormatError);
    }
    for (let at = 0; at < good.byteLength; at++) {
      for (const flip of [1, 0x20, 0xff]) {
        const bad = good.slice();
        bad[at] ^= flip;
        try {
          parse(bad);
        } catch (error) {
          assert(error instanceof FormatError, `${name} ${at} ^ ${flip}: ${error}`);
          refused++;
        }
      }
    }
    assert(refused > good.byteLength / 2, `${name}: ${refused} of ${3 * good.byteLength}`);
  }
});

Deno.test("readNpz() allocates nothing for a size that deflate cannot reach", () => {
  const bad = bytes(numpy.zip);
  const view = new DataView(bad.buffer);
  const entry = view.getUint32(bad.byteLength - 6, true);
  view.setUint32(entry + 24, 0xf0000000, true);
  assertThrows(() => readNpz(bad), FormatError, "claims 4026531840 bytes from 72");
});
