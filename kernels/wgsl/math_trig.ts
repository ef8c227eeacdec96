/**
 * Circular functions to a few units in the last place (polynomials of Cephes); those of WGSL may be
 * off by 2^-11, and software adapters use that freedom for the inverse functions.
 * @module
 */
import { bitsText, type Words } from "./math.ts";

/** sin for turn 0 and cos for turn 1; arguments are reduced exactly up to some 10^6. */
export function trigText(w: Words): readonly string[] {
  const { f, i, u } = w;
  return [
    `(x: ${f}, turn: ${i}) -> ${f}`,
    `let j = floor(clamp(x, ${f}(-1.0e9), ${f}(1.0e9)) * 0.636619772367581343 + 0.5);`,
    // π/2 in parts of 11 bits: their products with the two halves of j are exact.
    `let high = trunc(j * 0.000244140625) * 4096.0;`,
    `let low = j - high;`,
    `var r = (x - high * 1.5703125) - low * 1.5703125;`,
    `r = (r - high * 4.837512969970703e-4) - low * 4.837512969970703e-4;`,
    `r = (r - high * 7.549533620476723e-8) - low * 7.549533620476723e-8;`,
    `r = r - j * 2.563344151594519e-12;`,
    `let k = ${i}(j) + turn;`,
    `let z = r * r;`,
    `var s = ${f}(-1.9515295891e-4);`,
    `s = s * z + 8.3321608736e-3;`,
    `s = s * z - 1.6666654611e-1;`,
    `s = s * z * r + r;`,
    `var c = ${f}(2.443315711809948e-5);`,
    `c = c * z - 1.388731625493765e-3;`,
    `c = c * z + 4.166664568298827e-2;`,
    `c = c * z * z - 0.5 * z + 1.0;`,
    `let y = select(s, c, (k & ${i}(1)) == ${i}(1));`,
    `let signed = select(y, -y, (k & ${i}(2)) == ${i}(2));`,
    `let lost = (bitcast<${u}>(x) & ${u}(0x7fffffffu)) >= ${u}(0x7f800000u);`,
    `return select(signed, ${bitsText(0x7fc00000, w)}, lost);`,
  ];
}

/** atan(x), brought below tan(π/8). */
export function atanText(w: Words): readonly string[] {
  const { f, u } = w;
  return [
    `(x: ${f}) -> ${f}`,
    `let size = abs(x);`,
    `let far = size > ${f}(2.414213562373095);`,
    `let mid = (size > ${f}(0.4142135623730950)) & !far;`,
    `let v = select(select(size, (size - 1.0) / (size + 1.0), mid), -1.0 / size, far);`,
    `let base = select(select(${f}(0.0), ${f}(0.785398163397448310), mid), ` +
    `${f}(1.570796326794896619), far);`,
    `let z = v * v;`,
    `var q = ${f}(8.05374449538e-2);`,
    `q = q * z - 1.38776856032e-1;`,
    `q = q * z + 1.99777106478e-1;`,
    `q = q * z - 3.33329491539e-1;`,
    `let y = base + (q * z * v + v);`,
    `let signed = bitcast<${f}>(bitcast<${u}>(y) | (bitcast<${u}>(x) & ${u}(0x80000000u)));`,
    `return select(signed, x, ${w.use("is_nan")}(x));`,
  ];
}

/** atan2(y, x) with the signs of zeros and the quadrants of C. */
export function atan2Text(w: Words): readonly string[] {
  const { f, u } = w;
  return [
    `(y: ${f}, x: ${f}) -> ${f}`,
    `let ay = abs(y);`,
    `let ax = abs(x);`,
    `let bound = ${bitsText(0x7f800000, w)};`,
    `let both = (ax == ay) & ((ax == ${f}(0.0)) | (ax == bound));`,
    `let ratio = select(ay / ax, select(${f}(0.0), ${f}(1.0), ax == bound), both);`,
    `var a = ${w.use("atan_f32")}(ratio);`,
    `let back = (bitcast<${u}>(x) >> ${u}(31u)) == ${u}(1u);`,
    `a = select(a, 3.14159265358979324 - a, back);`,
    `let signed = bitcast<${f}>(bitcast<${u}>(a) | (bitcast<${u}>(y) & ${u}(0x80000000u)));`,
    `return select(signed, x + y, ${w.use("is_nan")}(x) | ${w.use("is_nan")}(y));`,
  ];
}

/** asin or acos: a polynomial below one half, the half angle above. */
export function arcText(w: Words, what: "asin" | "acos"): readonly string[] {
  const { f, u } = w;
  const half = "1.570796326794896619";
  const lines = [
    `(x: ${f}) -> ${f}`,
    `let size = abs(x);`,
    `let far = size > ${f}(0.5);`,
    `let z = select(x * x, 0.5 * (1.0 - size), far);`,
    `let v = select(size, sqrt(max(z, ${f}(0.0))), far);`,
    `var q = ${f}(4.2163199048e-2);`,
    `q = q * z + 2.4181311049e-2;`,
    `q = q * z + 4.5470025998e-2;`,
    `q = q * z + 7.4953002686e-2;`,
    `q = q * z + 1.6666752422e-1;`,
    `let y = q * z * v + v;`,
  ];
  if (what === "asin") {
    lines.push(
      `let a = select(y, ${half} - 2.0 * y, far);`,
      `let r = bitcast<${f}>(bitcast<${u}>(a) | (bitcast<${u}>(x) & ${u}(0x80000000u)));`,
    );
  } else {
    lines.push(
      `let back = x < ${f}(0.0);`,
      `let near = ${half} - select(y, -y, back);`,
      `let r = select(near, select(2.0 * y, 3.14159265358979324 - 2.0 * y, back), far);`,
    );
  }
  lines.push(
    `let lost = ${w.use("is_nan")}(x) | (size > ${f}(1.0));`,
    `return select(r, ${bitsText(0x7fc00000, w)}, lost);`,
  );
  return lines;
}
