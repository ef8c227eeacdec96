/**
 * Arrays in files of any kind: by the ending, else by the first bytes; by name, or the only one.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import { printType } from "../../lib/core/type.ts";
import { arrayIn, isNamedArrays, openArrays } from "../../lib/io/arrays.ts";
import { writeNpy, writeNpz } from "../../lib/io/npy.ts";
import { safetensors } from "../../lib/io/safetensors.ts";
import { writeTo } from "../../lib/io/sink.ts";
import { assertEquals, assertRejects } from "../std.ts";

const data = (path: string) => new URL(`../data/${path}`, import.meta.url).pathname;
const one: Host = { dtype: "f32", shape: [2], data: new Float32Array([1, 2]) };
const two: Host = { dtype: "i32", shape: [1], data: new Int32Array([3]) };

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openArrays() reads npy, npz, safetensors and pb, and knows some without an ending", async () => {
  await inFolder(async (folder) => {
    const at = (name: string) => `${folder}/${name}`;
    await Deno.writeFile(at("a.npy"), writeNpy(one));
    await Deno.writeFile(at("plain"), writeNpy(one));
    await Deno.writeFile(at("a.NPZ"), writeNpz([["a", one], ["b", two]]));
    await Deno.writeFile(at("zip.bin"), writeNpz([["a", one], ["b", two]]));
    await writeTo(at("a.safetensors"), safetensors([["a", one], ["b", two]]).open());
    for (const name of ["a.npy", "plain"]) {
      assertEquals((await openArrays(at(name))).kind, "one");
      assertEquals([...(await arrayIn(at(name), "any")).data], [1, 2]);
    }
    for (const name of ["a.NPZ", "zip.bin", "a.safetensors"]) {
      const arrays = await openArrays(at(name));
      assertEquals(arrays.kind === "named" ? arrays.names : [], ["a", "b"]);
      assertEquals([...(await arrayIn(at(name), "b")).data], [3]);
      await assertRejects(() => arrayIn(at(name), "c"), FormatError, "it has the arrays a, b");
    }
    await Deno.writeFile(at("single.npz"), writeNpz([["other", one]]));
    assertEquals(printType(await arrayIn(at("single.npz"), "x")), "f32[2]");
  });
  assertEquals(printType(await arrayIn(data("onnx/double.pb"), "any")), "f32[6]");
  const tensor = await openArrays(data("onnx/double.pb"));
  assertEquals(tensor.kind === "named" ? tensor.names : [], ["z"]);
  assertEquals((await openArrays(data("onnx/mnist_input.pb"))).kind, "one");
  assertEquals(["x.npz", "x.pb?raw=1", "x.npy", "npz"].map(isNamedArrays), [
    ...[true, true, false, false],
  ]);
});

Deno.test("openArrays() names the file that it refuses", async () => {
  await inFolder(async (folder) => {
    const at = (name: string) => `${folder}/${name}`;
    await Deno.writeTextFile(at("text.txt"), "no array");
    await Deno.writeTextFile(at("bad.safetensors"), "no header");
    await Deno.writeTextFile(at("bad.pb"), "no tensor");
    const wrong: readonly [string, string][] = [
      [at("none.npy"), "there is no such file"],
      [folder, "it is a folder"],
      [at("text.txt"), "neither its ending nor its first bytes say what it is"],
      [data("images/rgb.png"), "it is a picture; arrays are in .npy, .npz, .safetensors and .pb"],
      [at("bad.safetensors"), `\n  in ${at("bad.safetensors")}`],
      [at("bad.pb"), `Cannot read ${at("bad.pb")}: `],
    ];
    for (const [path, text] of wrong) {
      await assertRejects(() => openArrays(path), FormatError, text);
    }
  });
});
