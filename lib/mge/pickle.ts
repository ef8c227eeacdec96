/**
 * Python pickles of plain values, which files keep the user's object in. The reader knows a closed
 * list of opcodes that build values and none that names or calls anything, so it executes nothing.
 * @module
 */

/** What a pickle of plain values holds. */
export type Plain =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain };

type Built = null | boolean | number | bigint | string | Uint8Array | Built[] | Built0;
interface Built0 {
  [key: string]: Built;
}

/** A mark on the stack: where a list, tuple or record begins. */
const mark = Symbol("mark");
const deepest = 200;
const most = 100_000;

/**
 * The value of a pickle of protocol 0 to 5, if it holds only None, truths, numbers, text, bytes,
 * lists, tuples and records with text or number keys; `undefined` for any other bytes.
 */
export function readPickle(bytes: Uint8Array): Plain | undefined {
  try {
    return run(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function no(): never {
  throw new RangeError("no pickle of plain values");
}

/** The stack machine; every read is checked against the end by the views themselves. */
function run(bytes: Uint8Array): Plain {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: (Built | typeof mark)[] = [];
  const memo = new Map<number, Built>();
  let at = 0;
  const byte = () => view.getUint8(at++);
  const take = (n: number) => {
    if (n < 0 || at + n > bytes.length) no();
    return bytes.subarray(at, at += n);
  };
  const size4 = () => view.getUint32((at += 4) - 4, true);
  const size8 = () => Number(view.getBigUint64((at += 8) - 8, true));
  const text = (n: number) => new TextDecoder().decode(take(n));
  const push = (value: Built) => void stack.push(value);
  const pop = (): Built => {
    const value = stack.pop();
    return value === undefined || value === mark ? no() : value as Built;
  };
  const top = (): Built => {
    const value = stack[stack.length - 1];
    return value === undefined || value === mark ? no() : value as Built;
  };
  const sinceMark = (): Built[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) no();
    const values = stack.splice(from) as Built[];
    return values.slice(1);
  };
  const list = (): Built[] => {
    const value = top();
    return Array.isArray(value) ? value : no();
  };
  const record = (pairs: readonly Built[], into: Built): void => {
    if (!isRecord(into) || pairs.length % 2) no();
    for (let i = 0; i < pairs.length; i += 2) {
      const key = pairs[i];
      if (typeof key !== "string" && typeof key !== "number") no();
      Object.defineProperty(into, key as string, {
        value: pairs[i + 1],
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
  };
  for (;;) {
    const code = byte();
    switch (code) {
      case 0x80: // PROTO
        if (byte() > 5) no();
        break;
      case 0x95: // FRAME
        at += 8;
        break;
      case 0x2e: // STOP
        return stack.length === 1 ? bounded(pop()) : no();
      case 0x28: // MARK
        stack.push(mark);
        break;
      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        push(code === 0x88);
        break;
      case 0x4b: // BININT1
        push(byte());
        break;
      case 0x4d: // BININT2
        push(view.getUint16((at += 2) - 2, true));
        break;
      case 0x4a: // BININT
        push(view.getInt32((at += 4) - 4, true));
        break;
      case 0x8a: // LONG1
        push(longOf(take(byte())));
        break;
      case 0x8b: // LONG4
        push(longOf(take(size4())));
        break;
      case 0x47: // BINFLOAT
        push(view.getFloat64((at += 8) - 8, false));
        break;
      case 0x8c: // SHORT_BINUNICODE
        push(text(byte()));
        break;
      case 0x58: // BINUNICODE
        push(text(size4()));
        break;
      case 0x8d: // BINUNICODE8
        push(text(size8()));
        break;
      case 0x43: // SHORT_BINBYTES
        push(take(byte()).slice());
        break;
      case 0x42: // BINBYTES
        push(take(size4()).slice());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        push([]);
        break;
      case 0x7d: // EMPTY_DICT
        push({});
        break;
      case 0x61: { // APPEND
        const value = pop();
        list().push(value);
        break;
      }
      case 0x65: { // APPENDS
        const values = sinceMark();
        for (const value of values) list().push(value);
        break;
      }
      case 0x73: { // SETITEM
        const value = pop();
        const key = pop();
        record([key, value], top());
        break;
      }
      case 0x75: { // SETITEMS
        const pairs = sinceMark();
        record(pairs, top());
        break;
      }
      case 0x74: // TUPLE
      case 0x6c: // LIST
        push(sinceMark());
        break;
      case 0x64: { // DICT
        const made: Built0 = {};
        record(sinceMark(), made);
        push(made);
        break;
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: { // TUPLE3
        const values = Array.from({ length: code - 0x84 }, pop);
        push(values.reverse());
        break;
      }
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 0x71: // BINPUT
        memo.set(byte(), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(size4(), top());
        break;
      case 0x68: // BINGET
        push(memo.get(byte()) ?? no());
        break;
      case 0x6a: // LONG_BINGET
        push(memo.get(size4()) ?? no());
        break;
      default: // anything that names, calls or builds an object
        no();
    }
  }
}

function isRecord(value: Built): value is Built0 {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array);
}

/** Refuses values that hold themselves, are nested deeper or have more parts than anyone writes. */
function bounded(value: Built): Plain {
  let parts = 0;
  const visit = (part: Built, depth: number): void => {
    if (depth > deepest || ++parts > most) no();
    const inner = Array.isArray(part) ? part : isRecord(part) ? Object.values(part) : [];
    for (const v of inner) visit(v, depth + 1);
  };
  visit(value, 0);
  return value;
}

/** Little-endian two's complement; a bigint where a number would not hold it. */
function longOf(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = value << 8n | BigInt(bytes[i]);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}
