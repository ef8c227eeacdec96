/**
 * Pickles of plain values are read and written; anything that names or calls something is not.
 * @module
 */
import { readPickle } from "../../lib/mge/pickle.ts";
import { writePickle } from "../../lib/mge/pickle_write.ts";
import { assertEquals, assertThrows } from "../std.ts";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

Deno.test("pickles that Python wrote are read, protocols 2 to 4", () => {
  // pickle.dumps({"a": [1, 2.5, None, True], "b": ("x", -7)}, protocol=2)
  const two = "\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G@\x04\x00\x00\x00\x00\x00\x00" +
    "N\x88eX\x01\x00\x00\x00bq\x03X\x01\x00\x00\x00xq\x04J\xf9\xff\xff\xff\x86q\x05u.";
  // the same with protocol=4
  const four = "\x80\x04\x95\x2a\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01G@\x04" +
    "\x00\x00\x00\x00\x00\x00N\x88e\x8c\x01b\x94\x8c\x01x\x94J\xf9\xff\xff\xff\x86\x94u.";
  const value = { a: [1, 2.5, null, true], b: ["x", -7] };
  assertEquals(readPickle(bytes(two)), value);
  assertEquals(readPickle(bytes(four)), value);
  assertEquals(readPickle(bytes("\x80\x03N.")), null);
  assertEquals(readPickle(bytes("\x80\x04\x4e\x2e")), null);
});

Deno.test("what is written is read back", () => {
  const values = [
    null,
    true,
    [0, 1, -1, 127, 128, 255, 256, -128, -129, 2 ** 40, -(2 ** 40), 0.1, -0, Infinity],
    { by: "me", nested: { list: [[], {}, "ü€😀"], __proto: 1 } },
    2n ** 100n,
    "",
  ];
  for (const value of values) assertEquals(readPickle(writePickle(value)), value);
  const huge = Object.fromEntries([["__proto__", 1]]);
  assertEquals(Object.keys(readPickle(writePickle(huge)) as object), ["__proto__"]);
});

Deno.test("pickles that name or call something are not read, nor are damaged ones", () => {
  // os.system("true"), as GLOBAL and REDUCE, and as STACK_GLOBAL
  const calling = [
    "cos\nsystem\n(S'true'\ntR.",
    "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    "\x80\x02cbuiltins\nobject\n)\x81.",
  ];
  for (const text of [...calling, "", "\x80\x02", "\x80\x02]", "\x80\x02K", "}(N", "\x80\x02e."]) {
    assertEquals(readPickle(bytes(text)), undefined);
  }
  // a list that holds itself, and one that doubles a hundred times
  assertEquals(readPickle(bytes("\x80\x02]q\x00h\x00a.")), undefined);
  const doubled = Array.from({ length: 100 }, (_, i) => {
    const [from, to] = [i, i + 1].map((n) => String.fromCharCode(n));
    return `](h${from}h${from}eq${to}`;
  });
  assertEquals(readPickle(bytes(`\x80\x02]q\x00${doubled.join("")}.`)), undefined);
  const good = writePickle({ a: [1, "two", 3.5], b: null });
  for (let n = 0; n < good.length; n++) assertEquals(readPickle(good.subarray(0, n)), undefined);
});

Deno.test("values that are not plain are refused", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [new Map(), () => 1, Symbol("x"), circle, { d: new Date() }]) {
    assertThrows(() => writePickle(value), RangeError, "user info");
  }
});
