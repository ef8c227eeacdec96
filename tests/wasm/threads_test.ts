/**
 * Threads of the WebAssembly target: how they start, wait, fail and end, and what happens when one is
 * slower than it ever was.
 * @module
 */
import { control } from "../../kernels/wasm/control.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import { DeviceError } from "../../lib/core/fault.ts";
import type { Graph } from "../../lib/core/graph.ts";
import type { Resident } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { stage } from "../../lib/stage/stage.ts";
import { openWasm } from "../../lib/wasm/machine.ts";
import { loadPlan } from "../../lib/wasm/run.ts";
import { wasmWorker } from "../../lib/wasm/worker_text.ts";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { add, matmul, mul, read, relu, softmax, sum, tensor, trace } from "../../mod.ts";
import { image } from "../plan/conv_programs.ts";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "../std.ts";
import { valuesFrom } from "../targets/judge.ts";
import { inProcess } from "./in_process.ts";
import { loadShared, openPlace } from "./places.ts";
import { watched } from "./watched.ts";

const type = f32([16, 40]);
const ones = { ...type, data: new Float32Array(640).fill(1) };
/** Two steps that threads share and one that a single thread does. */
const twoAndOne: Graph = stage((x: Tensor) => sum(softmax(softmax(mul(x, 2)))), [type]);
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

function blob(text: string): string {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}

Deno.test("a worker that starts late is waited for", async () => {
  const worker = blob(`const from = Date.now(); while (Date.now() < from + 200);${wasmWorker()}`);
  const place = openPlace({ threads: 2, worker });
  const loaded = await loadShared(place, twoAndOne);
  const [y] = await valuesFrom(loaded, [ones]);
  assert(Math.abs(Number(y.data[0]) - 16) < 1e-3);
  place.dispose();
  URL.revokeObjectURL(worker);
});

Deno.test("memory that other threads touch keeps what is written into it meanwhile", async () => {
  for (const wide of [false, true]) {
    const place = openPlace({ threads: 4, wide });
    await place.threads.ready;
    const range = place.heap.reserve(8 * 2 ** 20)!;
    assert(range.to - range.from >= 8 * 2 ** 20 - 2 ** 17);
    const words = new Int32Array(
      place.heap.memory.buffer as ArrayBuffer,
      range.from,
      (range.to - range.from) / 4,
    );
    for (let round = 1; round <= 5; round++) {
      place.threads.touch(range);
      for (let i = 0; i < words.length; i++) words[i] = i * round;
    }
    // A plan runs only when all that was asked before is done.
    const loaded = await loadShared(place, twoAndOne);
    await valuesFrom(loaded, [ones]);
    assertEquals(words.findIndex((word, i) => word !== i * 5), -1);
    place.dispose();
  }
});

Deno.test("memory that grew before a thread was there may be touched by it", async () => {
  for (const wide of [false, true]) {
    for (let round = 0; round < 5; round++) {
      const place = openPlace({ threads: 3, wide, patience: 3000 });
      place.threads.touch(place.heap.reserve(8 * 2 ** 20)!);
      const loaded = await loadShared(place, twoAndOne);
      await valuesFrom(loaded, [ones]);
      place.dispose();
    }
  }
});

Deno.test("where a worker cannot start one thread does the work, and says why", async () => {
  for (
    const [text, why] of [
      ["throw new Error('no worker here');", "no worker here"],
      ["this is no JavaScript", "SyntaxError"],
      ["// Not the library's.", "did not answer"],
      [wasmWorker().replace(/ready = "\w+"/, 'ready = "1"'), "another version"],
    ]
  ) {
    const worker = blob(text);
    await using on = openWasm({ threads: 2, worker, patience: 500 });
    const [{ threads }] = on.places();
    if (threads.count === 1) return;
    const loaded = await on.compile(twoAndOne);
    const [y] = await valuesFrom(loaded, [ones]);
    assert(Math.abs(Number(y.data[0]) - 16) < 1e-3);
    assertEquals([threads.count, on.isLost()], [1, false]);
    assertStringIncludes(on.description, "1 thread (others could not be started: ");
    assertStringIncludes(on.description, why);
    loaded.dispose();
    URL.revokeObjectURL(worker);
  }
});

Deno.test("the worker may be a file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(path, wasmWorker());
  const place = openPlace({ threads: 3, worker: new URL(`file://${path}`) });
  const loaded = await loadShared(place, twoAndOne);
  assertEquals((await valuesFrom(loaded, [ones])).length, 1);
  place.dispose();
  await Deno.remove(path);
});

Deno.test("a message that is handled before it is counted costs no run", async () => {
  const place = openPlace({ threads: 3, patience: 1000 });
  await place.threads.ready;
  const store = Atomics.store;
  const counted = control.posted / 4;
  // The count comes long after the message, as when this thread was put aside in between.
  Atomics.store = ((array: Int32Array, index: number, value: number) => {
    const from = performance.now();
    if (index === counted) { while (performance.now() < from + 30); }
    return store(array, index, value);
  }) as typeof store;
  try {
    for (let i = 0; i < 3; i++) {
      const loaded = await loadShared(place, twoAndOne);
      await valuesFrom(loaded, [ones]);
      loaded.dispose();
    }
  } finally {
    Atomics.store = store;
    place.dispose();
  }
});

Deno.test("a worker that leaves the last barrier late touches nothing of the plan", async () => {
  const place = openPlace({ threads: 2, patience: 2000 });
  const loaded = await loadShared(place, twoAndOne);
  const { plan } = loaded;
  assertEquals(plan!.steps.length, 3);
  const now = performance.now;
  // Steps are stamped, but none waits for that as in a timed run.
  new Int32Array(place.heap.memory.buffer)[control.stamping / 4] = 1;
  for (let i = 0; i < 20; i++) {
    let calls = 0;
    performance.now = () => {
      const at = now.call(performance);
      calls++;
      // The worker falls asleep at the barrier of the second step,
      if (calls === 1) { while (now.call(performance) < at + 3); }
      // and before it is awake the run is over and the plan's tables are another's.
      if (calls === 3) {
        const { buffer } = place.heap.memory;
        const base = new Int32Array(buffer)[control.base / 4];
        const tables = new Int32Array(buffer, base, 2 * (plan!.slots.length + 1) + 18);
        tables.fill(0x7ffffff0);
        for (let k = 2 * (plan!.slots.length + 1); k < tables.length; k += 3) {
          tables.set([0, 1, 1], k);
        }
      }
      return at;
    };
    try {
      (await loaded.run([ones]))[0].dispose();
    } finally {
      performance.now = now;
    }
  }
  await sleep(50);
  assertEquals(place.threads.isLost(), false);
  loaded.dispose();
  place.dispose();
});

Deno.test("a worker that dies makes a DeviceError within the patience", async () => {
  // One that goes instead of running, as soon as a word that nobody else uses says so.
  const word = 1000 / 4;
  const text = wasmWorker().replace(
    "try {",
    `if (tid === 2 && words[${word}]) self.close();\ntry {`,
  );
  assert(text !== wasmWorker());
  const worker = blob(
    text.replace("plans.get(words", "tid === 2 && words[250] || plans.get(words"),
  );
  const place = openPlace({ threads: 3, patience: 150, worker });
  const loaded = await loadShared(place, twoAndOne);
  await valuesFrom(loaded, [ones]);
  new Int32Array(place.heap.memory.buffer)[word] = 1;
  const from = performance.now();
  const error = await assertRejects(() => loaded.run([ones]), DeviceError, "a thread of the Web");
  assertLess(performance.now() - from, 3000);
  assertEquals((error as DeviceError).code, "device.thread");
  assertStringIncludes(error.message, "open another target");
  assertEquals(place.threads.isLost(), true);
  // From then on nobody waits again.
  const again = performance.now();
  await assertRejects(() => loaded.run([ones]), DeviceError, "a thread of the WebAssembly target");
  assertLess(performance.now() - again, 50);
  loaded.dispose();
  place.dispose();
  URL.revokeObjectURL(worker);
});

/** A kernel of two units that fails in the second. */
const trap: WasmKernel = {
  ...{ key: "trap", name: "trap", units: 2, cost: 1e9, packs: [] },
  write: (module) =>
    module.fn("trap", "trap", ["i32", "i32", "i32", "i32"], (code) => {
      code.get(1);
      code.i32(1);
      code.op("i32.gt_s");
      code.when(() => code.op("unreachable"));
    }),
};

Deno.test("a kernel that traps is a DeviceError on any thread, and the plan leaves nothing behind", async () => {
  for (const threads of [1, 2]) {
    const place = openPlace({ threads, patience: 1000 });
    const before = place.heap.used().now;
    const target = wasm(wasmLimits(2 ** 32));
    const plan = compilePlan(stage((x: Tensor) => add(x, 1), [type]), target.limits, {}, target);
    const error = await assertRejects(() => loadPlan(place, plan, [trap]), DeviceError);
    assert(/a kernel trapped|a thread .* ended/.test(error.message), error.message);
    assertEquals(place.heap.used().now, before);
    assertEquals(place.threads.isLost(), threads > 1);
    if (threads === 1) {
      // Alone, what comes next runs.
      const loaded = await loadShared(place, twoAndOne);
      await valuesFrom(loaded, [ones]);
      loaded.dispose();
    }
    place.dispose();
  }
});

Deno.test("what names no target opens another one when a thread has died", async () => {
  const f = trace((x: Tensor) => relu(matmul(x, x)));
  const x = tensor(image([64, 64]).data as Float32Array, [64, 64]);
  let first: Tensor | undefined;
  const workers = await watched(async () => {
    first = await f(x);
    await read(first);
  });
  if (workers.length === 0) return;
  const event = { preventDefault() {}, message: "it ran out of memory" } as unknown as ErrorEvent;
  workers.forEach((worker) => worker.onerror!(event));
  const { owner } = first!.node.data as Resident;
  // What lives on the lost one can still be read, but computes nothing.
  assertEquals((await read(first!)).data.length, 64 * 64);
  await assertRejects(() => read(mul(first!, 1)), DeviceError, "it ran out of memory");
  assertEquals((await read(mul(x, 1))).data.length, 64 * 64);
  const next = await f(x);
  assert((next.node.data as Resident).owner !== owner, "another target");
  assertEquals((await read(next)).data, (await read(first!)).data);
  f.dispose();
});

Deno.test("without shared memory there is one thread", async () => {
  const original = globalThis.SharedArrayBuffer;
  try {
    Object.assign(globalThis, { SharedArrayBuffer: undefined });
    await using on = openWasm({ threads: 2 });
    assertStringIncludes(on.description, "1 thread");
    assertEquals(on.places()[0].heap.shared, false);
    const loaded = await on.compile(twoAndOne);
    assertEquals((await valuesFrom(loaded, [ones])).length, 1);
    loaded.dispose();
  } finally {
    Object.assign(globalThis, { SharedArrayBuffer: original });
  }
});

const model = `
  const x = image(256, 256);
  const on = openWasm({ threads: 2 });
  const loaded = await on.compile(stage((x) => relu(matmul(x, x)), [type(x)]));
  for (let i = 0; i < 5; i++) (await loaded.run([x]))[0].dispose();
`;

Deno.test("idle threads use no processor time", async () => {
  const { text } = await inProcess(`${model}
    await sleep(100);
    const before = process.cpuUsage();
    await sleep(400);
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);
    on.dispose();
  `);
  // One spinning thread would take 400 ms.
  assertLess(Number(text), 40, text);
});

Deno.test("a process ends by itself, whether a machine was disposed or not", async () => {
  for (const end of ["", "on.dispose();"]) {
    const { text, status } = await inProcess(`${model} ${end} console.log("done");`);
    assertEquals([text, status], ["done", 0]);
  }
  const { text } = await inProcess(`
    const main = async () => console.log((await read(sum(tensor([1, 2, 3])))).data[0]);
    main();
  `);
  assertEquals(text, "6", "a result that only a promise waits for");
});

Deno.test("machines that are disposed leave no threads", async () => {
  const { text } = await inProcess(`
    const threads = () => [...Deno.readDirSync("/proc/self/task")].length;
    const one = async (runs) => {
      const on = openWasm({ threads: 2 });
      if (runs) {
        const loaded = await on.compile(stage((x) => softmax(matmul(x, x)), [type(image(90, 90))]));
        (await loaded.run([image(90, 90)]))[0].dispose();
      }
      on.dispose();
    };
    await one(true);
    await sleep(200);
    const before = threads();
    for (let i = 0; i < 20; i++) await one(i % 2);
    for (let i = 0; i < 40 && threads() > before + 1; i++) await sleep(50);
    console.log(threads() - before);
  `);
  // Deno keeps one or two threads of its own.
  if (Deno.build.os === "linux") assert(Number(text) <= 2, text);
});
