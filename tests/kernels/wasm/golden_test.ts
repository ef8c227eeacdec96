/**
 * Texts of small WebAssembly kernels as recorded, so that a change of emission is seen and read; and
 * what a plan's module is around them.
 * @module
 */
import { assemble } from "../../../kernels/wasm/assemble.ts";
import type { Features } from "../../../kernels/wasm/module.ts";
import { packerModule } from "../../../kernels/wasm/packer.ts";
import { wasm, wasmLimits } from "../../../kernels/wasm/target.ts";
import type { Form } from "../../../lib/core/form.ts";
import { s } from "../../../lib/core/scalar.ts";
import { f32, type Type } from "../../../lib/core/type.ts";
import { convolution, product } from "../../forms/contractions.ts";
import { mapForm } from "../../forms/maps.ts";
import { reduceForm } from "../../forms/reductions.ts";
import { load } from "../../forms/values.ts";
import { assert, assertEquals } from "../../std.ts";
import { moduleOf } from "./run_kernel.ts";
import { printer } from "./text.ts";

interface Snapshots {
  assertSnapshot(
    value: string,
    options: { readonly name?: string; readonly serializer: (text: string) => string },
  ): Promise<void>;
}

const print = await printer();
const target = wasm(wasmLimits(2 ** 32));
const plain: Features = { madd: true, wide: false, shared: false };
const x = f32([6]);
const half: Type = { dtype: "f16", shape: [4] };
const square = f32([4, 8]);

/** A form of each kind, and the operands of it that never change. */
const forms: Readonly<Record<string, readonly [Form, ...(readonly number[])]>> = {
  "relu of a sum": [mapForm([6], [x], "f32", (at) => s.max(s.add(load(0, x, at), 1), 0))],
  "halves": [mapForm([4], [half], "f16", (at) => s.neg(load(0, half, at)))],
  "transpose": [mapForm([8, 4], [square], "f32", ([j, i]) => load(0, square, [i, j]))],
  "row sums": [reduceForm(f32([3, 9]), [3], [9], "sum", true)],
  "column maxima": [reduceForm(f32([5, 4]), [4], [5], "max", false)],
  "product in place": [product(2, 8, 3)],
  "product with a constant and a bias": [product(2, 8, 3, { tail: "bias" }), 1],
  "deep product with a constant and a bias": [product(2, 8, 66, { tail: "bias" }), 1],
  "convolution": [convolution({ c: 4, o: 8, kernel: [2, 2], input: [2, 3], last: true }), 1],
  "depthwise": [
    convolution({ g: 4, c: 1, o: 1, kernel: [1, 3], pad: [0, 1], input: [2, 2], last: true }),
    1,
  ],
};

function kernelOf([form, ...constants]: readonly [Form, ...(readonly number[])]) {
  return target.emit(form, target.variants(form, constants)[0]);
}

Deno.test("wasm() writes the recorded texts", async (t) => {
  for (const [name, form] of Object.entries(forms)) {
    const text = print(moduleOf(kernelOf(form), plain).bytes);
    await (t as unknown as Snapshots).assertSnapshot(text, { name, serializer: (text) => text });
  }
});

Deno.test("packerModule() writes the recorded text", async (t) => {
  const text = print(packerModule(plain, 16));
  await (t as unknown as Snapshots).assertSnapshot(text, { serializer: (text) => text });
  for (const wide of [true, false]) {
    for (const shared of [true, false]) {
      assert(WebAssembly.validate(packerModule({ ...plain, wide, shared }, 16)));
    }
  }
});

Deno.test("assemble() calls the steps of a plan with a barrier in between", async (t) => {
  const kernel = kernelOf(forms["relu of a sum"]);
  const steps = [[0, 1], [1, 2]].map((slots) => ({ kernel, slots, barrier: true, shared: true }));
  const bytes = assemble(steps, 3, { ...plain, shared: true }, 1, 16);
  assert(WebAssembly.validate(bytes));
  const text = print(bytes).replace(/\(func \$(map|barrier)[^]*?\n {2}(?=\(func|\(export)/g, "");
  await (t as unknown as Snapshots).assertSnapshot(text, { serializer: (text) => text });
});

Deno.test("wasm() gives one key and one function for equal forms, another for others", () => {
  const key = (form: Form) => target.emit(form, target.variants(form)[0]).key;
  assertEquals(key(product(3, 8, 5)), key(product(3, 8, 5)));
  const others = [product(3, 8, 5), product(3, 8, 6), product(3, 8, 5, { turned: "a" })].concat(
    product(3, 8, 5, { tail: "bias" }),
    product(8, 3, 5),
  );
  assertEquals(new Set(others.map(key)).size, others.length);
  const same = kernelOf(forms["relu of a sum"]);
  const steps = Array.from(
    { length: 3 },
    () => ({ kernel: same, slots: [0, 1], barrier: false, shared: false }),
  );
  const text = print(assemble(steps, 2, plain, 1, 16));
  assertEquals(text.match(/\(func \$map/g)?.length, 1);
  assertEquals(text.match(/call \$map/g)?.length, 3);
});

Deno.test("wasm() writes deep sums once for all contractions with such panels", () => {
  const sizes = [[24, 64, 8], [48, 128, 9], [24, 65, 10], [24, 256, 7]];
  const kernels = sizes.map(([n, k, m]) => kernelOf([product(m, n, k, { tail: "bias" }), 1]));
  const steps = kernels.map((kernel) => ({
    ...{ kernel, slots: kernel.packs.map((_, i) => i).concat(9), barrier: false, shared: false },
  }));
  const text = print(assemble(steps, 10, plain, 1, 16));
  const names = text.match(/\(func \$\w+/g)!.map((name) => name.slice(7)).sort();
  // The third sum has a step that is left over where it is unrolled.
  assertEquals(names.filter((name) => name.startsWith("sums")), [
    ...["sums_1x24", "sums_2x24", "sums_2x24"],
  ]);
  assertEquals(names.filter((name) => name.startsWith("tile")), []);
});

Deno.test("wasm() validates for every form, fused or not, with 32 bits or 64, shared or not", () => {
  for (const form of Object.values(forms)) {
    const kernel = kernelOf(form);
    for (const madd of [true, false]) {
      for (const wide of [true, false]) {
        for (const shared of [true, false]) {
          const bytes = assemble(
            [{
              ...{ kernel, slots: kernel.packs.map((_, i) => i).concat(9), barrier: true },
              shared: true,
            }],
            10,
            { madd, wide, shared },
            1,
            16,
          );
          assert(WebAssembly.validate(bytes), `${kernel.name} ${madd} ${wide} ${shared}`);
          const text = print(bytes);
          assert(madd || !text.includes("relaxed"), `${kernel.name} is fused`);
          assert(shared || !text.includes("atomic"), `${kernel.name} is shared`);
        }
      }
    }
  }
});
