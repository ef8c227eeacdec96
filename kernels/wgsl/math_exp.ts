/**
 * The exponential and the logarithm to about one unit in the last place (polynomials of Cephes);
 * those of WGSL may be off by 3 + 2|x| units.
 * @module
 */
import { bitsText, type Words } from "./math.ts";

/** exp(x): 2^n · exp(r) with |r| at most ln 2 / 2. */
export function expText(w: Words): readonly string[] {
  const { f, i } = w;
  return [
    `(x: ${f}) -> ${f}`,
    `let n = floor(clamp(x, ${f}(-104.0), ${f}(89.0)) * 1.44269504088896341 + 0.5);`,
    `let r = (x - n * 0.693359375) + n * 2.12194440e-4;`,
    `var q = ${f}(1.9875691500e-4);`,
    `q = q * r + 1.3981999507e-3;`,
    `q = q * r + 8.3334519073e-3;`,
    `q = q * r + 4.1665795894e-2;`,
    `q = q * r + 1.6666665459e-1;`,
    `q = q * r + 5.0000001201e-1;`,
    `q = q * r * r + r + 1.0;`,
    // 2^n in two steps, for n may be beyond what an exponent holds.
    `let m = clamp(${i}(n), ${i}(-200), ${i}(200));`,
    `let half = m >> ${w.u}(1u);`,
    `let low = bitcast<${f}>((half + 127) << ${w.u}(23u));`,
    `let high = bitcast<${f}>((m - half + 127) << ${w.u}(23u));`,
    `let y = q * low * high;`,
    `let over = select(y, ${bitsText(0x7f800000, w)}, x > ${f}(88.72284));`,
    `return select(over, ${f}(0.0), x < ${f}(-103.98));`,
  ];
}

/** log(x): e · ln 2 + log(m) with m between √½ and √2. */
export function logText(w: Words): readonly string[] {
  const { f, i, u } = w;
  return [
    `(x: ${f}) -> ${f}`,
    `let tiny = x < ${f}(1.17549435e-38);`,
    `let bits = bitcast<${i}>(select(x, x * 8388608.0, tiny));`,
    `let e0 = ((bits >> ${u}(23u)) & ${i}(255)) - 126;`,
    `let m0 = bitcast<${f}>((bits & ${i}(0x7fffff)) | ${i}(0x3f000000));`,
    `let low = m0 < ${f}(0.707106781186547524);`,
    `let e = ${f}(select(e0, e0 - 1, low) - select(${i}(0), ${i}(23), tiny));`,
    `let m = select(m0 - 1.0, m0 + m0 - 1.0, low);`,
    `let z = m * m;`,
    `var q = ${f}(7.0376836292e-2);`,
    `q = q * m - 1.1514610310e-1;`,
    `q = q * m + 1.1676998740e-1;`,
    `q = q * m - 1.2420140846e-1;`,
    `q = q * m + 1.4249322787e-1;`,
    `q = q * m - 1.6668057665e-1;`,
    `q = q * m + 2.0000714765e-1;`,
    `q = q * m - 2.4999993993e-1;`,
    `q = q * m + 3.3333331174e-1;`,
    `var y = q * m * z;`,
    `y = (y - e * 2.12194440e-4) - z * 0.5;`,
    `y = (m + y) + e * 0.693359375;`,
    `let bound = ${bitsText(0x7f800000, w)};`,
    `y = select(y, x, (x == bound) | ${w.use("is_nan")}(x));`,
    `y = select(y, -bound, x == ${f}(0.0));`,
    `return select(y, ${bitsText(0x7fc00000, w)}, x < ${f}(0.0));`,
  ];
}
