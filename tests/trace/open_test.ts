/**
 * Opening targets: by name, the best there is, and what happens where something is missing.
 * @module
 */
import type { Machine } from "../../lib/core/target.ts";
import {
  add,
  DeviceError,
  matmul,
  mul,
  open,
  OptionError,
  read,
  tensor,
  trace,
} from "../../mod.ts";
import { isResident } from "../../lib/core/host.ts";
import type { DeviceName } from "../../lib/trace/open.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../std.ts";

/** Runs a body with another validator, as an engine that lacks something has it. */
async function engineWithout(
  isLacking: (bytes: Uint8Array) => boolean,
  body: () => Promise<void>,
): Promise<void> {
  const original = WebAssembly.validate;
  WebAssembly.validate = (bytes) => {
    const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes as Uint8Array;
    return !isLacking(view) && original(bytes);
  };
  try {
    await body();
  } finally {
    WebAssembly.validate = original;
  }
}

const isHardware = await (async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  return adapter ? !/llvmpipe|SwiftShader|lavapipe/i.test(adapter.info.description) : false;
})();

async function named(name: DeviceName, body: (on: Machine) => void | Promise<void>): Promise<void> {
  const on = await open(name);
  await body(on);
  await on[Symbol.asyncDispose]();
}

Deno.test("open() gives the target that is named, and the best CPU target for cpu", async () => {
  await named("wasm", ({ name }) => assertEquals(name, "wasm"));
  await named("reference", ({ name }) => assertEquals(name, "reference"));
  await named("cpu", ({ name }) => assertEquals(name, "wasm"));
});

Deno.test("open() takes wasm before a software adapter, and a hardware one before wasm", async () => {
  const on = await open();
  assertEquals(on.name, isHardware ? "webgpu" : "wasm");
  await on[Symbol.asyncDispose]();
});

Deno.test("open() refuses unknown names, and says which there are", async () => {
  const error = await assertRejects(
    () => open("gpu" as DeviceName),
    OptionError,
    'Cannot open "gpu"',
  );
  assertStringIncludes(error.message, "try one of auto, webgpu, wasm, reference, cpu");
});

Deno.test("open() takes the number of threads", async () => {
  const on = await open("wasm", { threads: 1 });
  assertStringIncludes(on.description, "1 thread");
  await on[Symbol.asyncDispose]();
});

Deno.test("open() without SIMD: wasm is refused, cpu is the interpreter", async () => {
  await engineWithout((bytes) => bytes.includes(0xfd), async () => {
    const error = await assertRejects(() => open("wasm"), DeviceError, "no WebAssembly SIMD");
    assertEquals((error as DeviceError).code, "device.absent");
    assertStringIncludes(error.message, 'try open("reference")');
    await named("cpu", ({ name }) => assertEquals(name, "reference"));
  });
});

Deno.test("open() without fused multiply-add: wasm computes without", async () => {
  const isMadd = (bytes: Uint8Array) => bytes.includes(0xfd) && bytes.includes(0x85);
  await engineWithout(isMadd, async () => {
    await named("wasm", async (on) => {
      assert(!on.description.includes("fused"), on.description);
      await using f = trace((x: Tensor) => matmul(x, x), { on });
      assertEquals([...(await read(await f(tensor([[1, 2], [3, 4]])))).data], [7, 10, 15, 22]);
    });
  });
});

Deno.test("what names no target runs on the best CPU target, the same for all", async () => {
  const [f, g] = [trace((x: Tensor) => add(x, 1)), trace((x: Tensor) => mul(x, 2))];
  const [a, b] = [await f(tensor([1, 2])), await g(tensor([3, 4]))];
  const owners = [a, b].map((t) => isResident(t.node.data) ? t.node.data.owner as Machine : null);
  assertEquals(owners[0]!.name, "wasm");
  assert(owners[0] === owners[1]);
  assertEquals([...(await read(add(a, b))).data], [8, 11]);
  assertEquals([...(await read(await f(b))).data], [7, 9]);
  f.dispose();
  g.dispose();
});
