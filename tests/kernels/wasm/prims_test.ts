/**
 * Expansions of primitives against double precision, as a machine with fused multiply-add computes
 * them and as one without: NumPy's published values, sweeps over all floats, special values. Errors
 * stay within the stated ones, and operation counts too.
 * @module
 */
import { expand, fused, isFused, type PrimError, primErrors } from "../../../kernels/wasm/prims.ts";
import { type Call, call, type Prim, s, type Scalar } from "../../../lib/core/scalar.ts";
import { primitive } from "../../../lib/cpu/scalar.ts";
import { assert, assertEquals } from "../../std.ts";
import { umathRows } from "../../umath.ts";
import { fma, machine, operations, partsOf, ulpError } from "./term_machine.ts";

const x = s.arg(0, "f32");
const y = s.arg(1, "f32");

function expansion(fn: Prim, ...args: readonly Scalar[]): Scalar {
  const term = expand(call(fn, ...args));
  assert(term, `no expansion of ${fn}`);
  return term;
}

/** The most operations that an expansion may take. */
const counts = {
  exp: 17,
  log: 28,
  tanh: 26,
  sin: 17,
  cos: 19,
  tan: 20,
  asin: 17,
  acos: 21,
  atan: 19,
  atan2: 27,
  pow: 103,
  round: 4,
  roundF16: 11,
  rem: 25,
} as const satisfies Record<keyof typeof primErrors, number>;

type Name = keyof typeof counts;
const binaries: readonly Name[] = ["atan2", "pow", "rem"];
const unaries = (Object.keys(counts) as Name[]).filter((name) => !binaries.includes(name));
const turning: readonly Name[] = ["sin", "cos", "tan"];

function termOf(name: Name): Scalar {
  return binaries.includes(name) ? expansion(name, x, y) : expansion(name, x);
}

/** The worst error met. */
interface Worst {
  ulp: number;
  at: string;
}

/** What the statement of an error allows beyond it at an argument, in ULP of the result. */
function slack(name: Name, fuses: boolean, at: number, exact: number): number {
  const { unfusedDrift = 0 }: PrimError = primErrors[name];
  if (fuses || unfusedDrift === 0) return 0;
  const slope = name === "tan" ? 1 + exact * exact : 1;
  return unfusedDrift * Math.abs(at) * slope / ulpOf(exact);
}

function ulpOf(exact: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(exact)))) - 23);
}

/** False where an expansion promises something else than a small error. */
function isStated(name: Name, a: number, exact: number, b: number): boolean {
  if (turning.includes(name)) return !(Math.abs(a) > 1e5) || Math.abs(a) === Infinity;
  if (name === "exp") return !(exact > 0 && exact < 2 ** -126);
  if (name === "rem") return !(Math.abs(a / b) >= 2 ** 24) || b === 0 || Math.abs(a) === Infinity;
  return true;
}

/** Widens the worst errors of both machines by what they do with these arguments. */
function measure(
  name: Name,
  worst: readonly [Worst, Worst],
  a: Float32Array,
  b: Float32Array = a,
  wanted?: ArrayLike<number>,
): void {
  const reference = primitive(name, "f32", "f32");
  const exact = wanted ?? Float64Array.from(a, (v, i) => reference(v, b[i]));
  const term = termOf(name);
  for (const [i, fuses] of [true, false].entries()) {
    const got = machine(term, fuses)(a, b);
    for (let k = 0; k < got.length; k++) {
      if (!isStated(name, a[k], exact[k], b[k])) continue;
      let off = ulpError(got[k], exact[k]);
      if (off <= worst[i].ulp) continue;
      off -= slack(name, fuses, a[k], exact[k]);
      if (off <= worst[i].ulp) continue;
      worst[i].ulp = off;
      worst[i].at = `${name}(${a[k]}, ${b[k]}) is ${got[k]}, not ${exact[k]}`;
    }
  }
}

function newWorst(): [Worst, Worst] {
  return [{ ulp: 0, at: "" }, { ulp: 0, at: "" }];
}

/** Holds what was measured against what is stated, and prints it. */
function judge(name: Name, what: string, [one, two]: readonly [Worst, Worst], spare = 0): void {
  const { ulp, unfusedUlp } = primErrors[name];
  const text = (w: Worst) => w.ulp.toFixed(3);
  console.log(`${name} ${what}: ${text(one)} of ${ulp} ULP; unfused ${text(two)} of ${unfusedUlp}`);
  assert(one.ulp <= ulp + spare, `fused: ${one.at}: ${one.ulp} ULP`);
  assert(two.ulp <= unfusedUlp + spare, `unfused: ${two.at}: ${two.ulp} ULP`);
}

function fromBits(words: readonly number[] | Uint32Array): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

function bitsOf(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0];
}

/** Every 4099th float, NaNs of all kinds among them, and all near the points, of both signs. */
function sweep(points: readonly number[]): Float32Array {
  const words: number[] = [];
  for (let word = 0; word < 2 ** 32; word += 4099) words.push(word);
  for (const point of points) {
    const middle = bitsOf(point);
    for (let off = -1500; off <= 1500; off++) words.push(middle + off, (middle + off) ^ 0x80000000);
  }
  return fromBits(words);
}

/** Numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    const high = state >>> 0;
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return (high + (state >>> 0) / 2 ** 32) / 2 ** 32;
  };
}

const specials = [0, 2 ** -149, 1e-40, 2 ** -126 - 2 ** -149, 2 ** -126, 1e-20, 0.25, 0.5, 0.75, 1]
  .concat([1 - 2 ** -24, 1 + 2 ** -23, 1.5, 2, 2.5, 3, 7, 33.3, 127, 128, 149, 150, 65504, 65520])
  .concat([2 ** 22 + 0.5, 2 ** 23 - 0.5, 2 ** 23 + 1, 2 ** 24 - 1, 2 ** 24, 1e10, 1e20, 1e30])
  .concat([3.4028234663852886e38, Infinity]).flatMap((v) => [v, -v]).concat(NaN);

Deno.test("prims: expansions use base primitives only", () => {
  const base =
    "add sub mul div neg abs sqrt floor ceil trunc min max lt le eq select isNan bitAnd " +
    "bitOr bitXor shl shr and or not toF32 bitsF32 bitsI32 bitsU32";
  for (const name of Object.keys(counts) as Name[]) {
    for (const part of partsOf(termOf(name))) {
      if (part.kind === "lit" && part.type === "f32") {
        assert(Object.is(part.value, Math.fround(part.value)), `${name}: ${part.value}`);
      }
      if (part.kind !== "call") continue;
      assert(base.split(" ").includes(part.fn), `${name} uses ${part.fn}`);
      const [a, b] = part.args;
      const isLit = a.kind === "lit" || b?.kind === "lit";
      if (["min", "max", "shl", "shr"].includes(part.fn)) assert(isLit, `${name}: ${part.fn}`);
      assert(!/^(div|rem)$/.test(part.fn) || part.type === "f32", name);
    }
  }
  const i = s.arg(0, "i32");
  const kept = [
    s.add(x, y),
    s.sqrt(x),
    s.trunc(x),
    s.min(x, y),
    s.rem(i, i),
    s.div(i, i),
    s.add(i, i),
  ];
  assertEquals(kept.map((term) => expand(term as Call)), kept.map(() => undefined));
});

Deno.test("prims: expansions take no more operations than stated", () => {
  const found = Object.fromEntries(
    (Object.keys(counts) as Name[]).map((name) => [name, operations(termOf(name))]),
  );
  console.log(found);
  for (const name of Object.keys(counts) as Name[]) {
    assert(found[name] <= counts[name], `${name} takes ${found[name]}`);
  }
  const powers = [2, 0.5, -0.5, 2.2].map((by) => operations(expansion("pow", s.abs(x), s.f(by))));
  assertEquals(powers.map((n) => n - 1), [1, 1, 2, 81], "powers of a size");
});

Deno.test("prims: what is fused is a sum of a product", () => {
  const term = fused(x, y, 3);
  assert(isFused(term) && term.fn === "add" && term.args[0].kind === "call");
  assert(!isFused(s.add(s.mul(x, y), 3)) && !isFused(x));
  // the machine of these tests rounds once, also where double precision lies half-way
  const tiny = 2 ** -60;
  assertEquals(fma(1 + 2 ** -12, 1 + 2 ** -12, tiny), Math.fround(1 + 2 ** -11 + 2 ** -23));
  assertEquals(fma(1 + 2 ** -23, 1 + 2 ** -1, tiny), 1.5 + 2 ** -22);
  assertEquals(fma(1 + 2 ** -23, 1 + 2 ** -1, -tiny), 1.5 + 2 ** -23);
  assertEquals(fma(2 ** 64, 2 ** 64 - 2 ** 40, 2 ** 103), Infinity);
  assertEquals(fma(2 ** 64, 2 ** 64 - 2 ** 40, 2 ** 103 - 2 ** 79), 2 ** 128 - 2 ** 104);
});

Deno.test("prims: NumPy's values", async () => {
  const rowsOf = await umathRows();
  const theirs: Readonly<Partial<Record<Name, string>>> = {
    exp: "exp",
    log: "log",
    tanh: "tanh",
    sin: "sin",
    cos: "cos",
    tan: "tan",
    asin: "arcsin",
    acos: "arccos",
    atan: "arctan",
  };
  for (const [name, file] of Object.entries(theirs) as [Name, string][]) {
    const { inputs, outputs } = rowsOf(file);
    const worst = newWorst();
    measure(name, worst, inputs, inputs, outputs);
    judge(name, "at NumPy's", worst, 0.5); // theirs are rounded
  }
});

Deno.test("prims: functions of one argument over all floats", () => {
  // seams, and where the worst of all floats was found for either machine
  const near: Readonly<Partial<Record<Name, readonly number[]>>> = {
    exp: [88.72283, 87.33654, 0.34657, 1, 1e-7, 59.2646713, 71.0455322],
    log: [2 / 3, 1, 4 / 3, 2 ** -126, 2.7182817, 0.63565737, 1.33473217],
    tanh: [0.65, 9.02, 0.1, 0.86, 0.652469754],
    sin: [1, 2, 3].map((k) => k * Math.PI).concat(505.796, 31337.387, 99999, 7.810781, 20.342371),
    cos: [1, 3, 5].map((k) => k * Math.PI / 2).concat(252.898, 91082.625, 56705.75, 95856.3906),
    tan: [1, 2, 3, 4].map((k) => k * Math.PI / 4).concat(252.898, 58198, 56726.1719, 43.1983528),
    asin: [0.5, 1, 0.500244856],
    acos: [0.5, 1, 0.500428],
    atan: [1, 1e-4, 1.0479728, 1.02010286],
    round: [0.5, 1.5, 2 ** 22, 2 ** 23, 2 ** 24],
    roundF16: [2 ** -24, 2 ** -25, 2 ** -14, 65504, 65520, 1],
  };
  for (const name of unaries) {
    const worst = newWorst();
    measure(name, worst, sweep(near[name] ?? []));
    measure(name, worst, new Float32Array(specials));
    judge(name, "over all floats", worst);
  }
});

Deno.test("prims: functions of two arguments at special values and at random", () => {
  const pairs = specials.flatMap((a) => specials.map((b) => [a, b]));
  const next = random(7);
  const wide = () => fromBits([next() * 2 ** 32])[0];
  const near = () => Math.exp((next() - 0.5) * 12) * (next() < 0.5 ? -1 : 1);
  const draws: Readonly<Record<string, () => readonly [number, number]>> = {
    atan2: () => next() < 0.3 ? [wide(), wide()] : [near(), near()],
    rem: () => {
      const b = wide();
      const whole = Math.floor(2 ** (next() * 25));
      return next() < 0.3 ? [wide(), b] : [b * (next() < 0.5 ? whole : whole * (1 + next())), b];
    },
    pow: () => {
      const a = next() < 0.5 ? Math.abs(wide()) : 1 + (next() - 0.5) * 2 ** (-20 * next());
      const log = Math.log2(Math.fround(a));
      return [a, (next() * 300 - 160) / (log || 1)];
    },
  };
  for (const name of binaries) {
    const worst = newWorst();
    measure(
      name,
      worst,
      Float32Array.from(pairs, (p) => p[0]),
      Float32Array.from(pairs, (p) => p[1]),
    );
    const drawn = Array.from({ length: 200_000 }, draws[name]);
    measure(
      name,
      worst,
      Float32Array.from(drawn, (p) => p[0]),
      Float32Array.from(drawn, (p) => p[1]),
    );
    judge(name, "at random", worst);
  }
});

Deno.test("prims: powers with a literal exponent, and of a size", () => {
  const a = Float32Array.from(
    specials.concat(Array.from({ length: 2000 }, (_, i) => i / 100 - 10)),
  );
  for (
    const by of [0, -0, 1, 2, 3, -1, -2, 0.5, -0.5, 1 / 3, 2.2, -3, 7, 1e10, -1e-40, Infinity, NaN]
  ) {
    for (const size of [false, true]) {
      const term = expansion("pow", size ? s.abs(x) : x, s.f(by));
      for (const fuses of [true, false]) {
        machine(term, fuses)(a).forEach((got, i) => {
          const base = size ? Math.abs(a[i]) : a[i];
          const exact = primitive("pow", "f32", "f32")(base, Math.fround(by));
          const off = ulpError(got, exact);
          assert(off <= 2, `${base} to the power of ${by} is ${got}, not ${exact}: ${off} ULP`);
        });
      }
    }
  }
});

Deno.test("prims: roundF16 at all halves, half-way between them, and beside both", () => {
  const values: number[] = [];
  const half = new Float16Array(1);
  const word = new Uint16Array(half.buffer);
  const valueOf = (bits: number) => (word[0] = bits, half[0]);
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = valueOf(bits);
    values.push(value);
    if ((bits & 0x7fff) >= 0x7c00) continue;
    const next = (bits & 0x7fff) === 0x7bff ? Math.sign(value) * 65536 : valueOf(bits + 1);
    const middle = bitsOf((value + next) / 2);
    values.push(...fromBits([middle - 1, middle, middle + 1, bitsOf(value) + 1]));
  }
  const worst = newWorst();
  measure("roundF16", worst, new Float32Array(values));
  judge("roundF16", "at halves", worst);
});

Deno.test("prims: far arguments give what is stated", () => {
  const all = sweep([1e5, 1e6, 1e7]);
  for (const fuses of [true, false]) {
    for (const name of ["sin", "cos"] as const) {
      const got = machine(termOf(name), fuses)(all);
      all.forEach((v, k) => {
        const far = Math.abs(v);
        assert(Math.abs(got[k]) <= 1 || v !== v || far === Infinity, `${name}(${v}) is ${got[k]}`);
        const most = fuses ? 1e-4 : far * 6e-8;
        if (far > 1e5 && far <= 1e7) {
          const off = Math.abs(got[k] - Math[name](v));
          assert(off <= most, `${name}(${v}) is off by ${off}`);
        }
      });
    }
    const tiny = machine(termOf("exp"), fuses)(all.map((v) => -87.33655 - Math.abs(v)));
    assert(tiny.every((v, k) => v === 0 || all[k] !== all[k]), "exp far below");
    const b = all.map((v) => Math.fround(v / 2 ** 30));
    const rest = machine(termOf("rem"), fuses)(all, b);
    assert(rest.every((v, k) => v !== v || Math.abs(v) < Math.abs(b[k])), "rem far above");
  }
});
