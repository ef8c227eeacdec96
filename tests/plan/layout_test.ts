/**
 * Layouts as the WebAssembly target wishes them: conversions stand at the edges only, zeros around
 * values are shared by all who read them and survive the reuse of their memory, results stay dense.
 * @module
 */
import fc from "fast-check";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { printForm } from "../../lib/core/form.ts";
import type { Graph } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Plan } from "../../lib/core/plan.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { sharedBorders } from "../../lib/wasm/border.ts";
import { stage } from "../../lib/stage/stage.ts";
import {
  add,
  conv2d,
  matmul,
  maxPool2d,
  mean,
  mul,
  relu,
  reshape,
  softmax,
  sum,
  transpose,
} from "../../mod.ts";
import { assert, assertEquals } from "../std.ts";
import { openTargets } from "../targets.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "../targets/judge.ts";
import { loadShared } from "../wasm/places.ts";
import {
  convProgram,
  convSteps,
  image,
  invertedBlock,
  narrowingBlock,
  residualBlock,
  weights,
} from "./conv_programs.ts";
import { runPlan } from "./run_plan.ts";

const { machine, test } = await openTargets("wasm", "wasm, 1 thread");
const target = wasm(wasmLimits(2 ** 32));
const near = { rtol: 1e-4, atol: 1e-4 };

type Fn = (...xs: Tensor[]) => Tensor | readonly Tensor[];

function graphOf(f: Fn, hosts: readonly Host[]): Graph {
  return stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
}

/** The plan with layouts; what it computes agrees with the interpreter. */
async function planned(f: Fn, hosts: readonly Host[]): Promise<Plan> {
  const graph = graphOf(f, hosts);
  const plan = compilePlan(graph, target.limits, {}, target);
  assertNear(await runPlan(plan, hosts), meant(graph, hosts), near, String(graph));
  for (const id of plan.outs) assertEquals(plan.slots[id].border, undefined);
  return plan;
}

const stepsOf = (plan: Plan) => plan.steps.map((step) => step.kind === "copy" ? "copy" : step.name);
const relayouts = (plan: Plan) => stepsOf(plan).filter((name) => name === "relayout").length;

const head: Fn = (x) =>
  matmul(reshape(mean(x, { axis: [2, 3] }), { shape: [1, 8] }), weights([8, 5]));
const stem = (x: Tensor) => relu(conv2d(x, weights([8, 3, 3, 3]), { padding: 1, stride: 2 }));

/** Functions of one image, with their conversions and all their kernels. */
const networks: readonly (readonly [string, Fn, readonly number[], number, number])[] = [
  ["a residual block", residualBlock, [1, 8, 10, 10], 1, 3],
  ["two residual blocks", (x) => residualBlock(residualBlock(x)), [1, 8, 10, 10], 1, 5],
  ["a block that narrows", (x) => narrowingBlock(residualBlock(x)), [1, 8, 10, 10], 1, 6],
  ["an inverted block", invertedBlock, [1, 8, 10, 10], 1, 4],
  ["stem, inverted block and head", (x) => head(invertedBlock(stem(x))), [1, 3, 20, 20], 1, 7],
  [
    "a pool between convolutions",
    (x) => conv2d(maxPool2d(stem(x), { kernel: 2 }), weights([8, 8, 3, 3]), { padding: 1 }),
    [1, 3, 20, 20],
    1,
    4,
  ],
  ["one 1x1 convolution", (x) => conv2d(x, weights([4, 8, 1, 1])), [1, 8, 5, 5], 0, 1],
];

for (const [name, f, shape, conversions, kernels] of networks) {
  Deno.test(`layout: ${name} has ${conversions} conversions in ${kernels} kernels`, async () => {
    const plan = await planned(f, [image(shape)]);
    assertEquals(stepsOf(plan).length, kernels, String(stepsOf(plan)));
    assertEquals(relayouts(plan), conversions);
    // Where there is one it stands first: at the edge of the graph.
    if (conversions) assertEquals(stepsOf(plan)[0], "relayout");
  });
}

Deno.test("layout: two pads over one value share the wider zeros", async () => {
  const plan = await planned((x) => {
    const y = relu(conv2d(x, weights([8, 3, 1, 1])));
    const five = conv2d(y, weights([8, 8, 5, 5], 2), { padding: 2 });
    return add(conv2d(y, weights([8, 8, 3, 3]), { padding: 1 }), five);
  }, [image([1, 3, 10, 10])]);
  const borders = plan.slots.flatMap(({ border }) => border ? [border] : []);
  assertEquals(borders.length, 1);
  const wide = borders[0].filter(({ before, after }) => before === 2 && after === 2);
  assertEquals(wide.length, 2, "two rows above and below, two columns left and right");
  assertEquals(relayouts(plan), 1);
});

Deno.test("layout: an argument that two pads read is converted once", async () => {
  const plan = await planned((x) => {
    const five = conv2d(x, weights([8, 3, 5, 5], 2), { padding: 2 });
    return add(conv2d(x, weights([8, 3, 3, 3]), { padding: 1 }), five);
  }, [image([1, 3, 10, 10])]);
  assertEquals(relayouts(plan), 1);
});

Deno.test("layout: what reads a value beside convolutions reads it as it lies", async () => {
  const plan = await planned((x) => {
    const y = relu(conv2d(x, weights([6, 3, 3, 3]), { padding: 1 }));
    const z = conv2d(y, weights([4, 6, 3, 3], 2), { padding: 1 });
    return [z, sum(y, { axis: [0, 2] }), softmax(y, { axis: 3 }), mul(y, 2)];
  }, [image([2, 3, 7, 9])]);
  assertEquals(relayouts(plan), 1);
});

Deno.test("layout: a pool that reaches over the edge reads channels side by side", async () => {
  const options = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] } as const;
  const filter = weights([8, 3, 3, 3]);
  const f = (x: Tensor) => relu(maxPool2d(conv2d(x, filter, { padding: [1, 1] }), options));
  const plan = await planned(f, [image([1, 3, 9, 9])]);
  const pool = plan.steps.find((step) => step.kind === "kernel" && step.form.kind === "reduce");
  assert(pool?.kind === "kernel");
  const text = printForm(pool.form);
  // What is read outside is not asked for element by element, and says itself what stands there.
  assert(text.includes("else -Infinity") && !/div|rem|body: select/.test(text), text);
});

Deno.test("layout: a result that a convolution reads stays dense and is converted for it", async () => {
  const f: Fn = (x) => {
    const y = relu(conv2d(x, weights([6, 3, 3, 3]), { padding: 1 }));
    return [y, conv2d(y, weights([4, 6, 3, 3], 2), { padding: 1 })];
  };
  const plan = await planned(f, [image([2, 3, 7, 9])]);
  assertEquals(relayouts(plan), 2);
  for (const slot of plan.slots) {
    if (slot.kind !== "arena") assertEquals(slot.border, undefined);
  }
});

Deno.test("layout: products among convolutions read what they can as it lies", async () => {
  await planned((x) => {
    const y = conv2d(x, weights([4, 3, 3, 3]), { padding: 1 });
    const rows = reshape(y, { shape: [4, 30] });
    const scores = softmax(matmul(rows, transpose(rows)), { axis: 1 });
    const back = reshape(matmul(scores, rows), { shape: [1, 4, 5, 6] });
    return conv2d(back, weights([2, 4, 3, 3], 2), { padding: 1 });
  }, [image([1, 3, 5, 6])]);
});

Deno.test("layout: level 0 and 1 leave every value dense", () => {
  const graph = graphOf(residualBlock, [image([1, 8, 10, 10])]);
  for (const optLevel of [0, 1] as const) {
    const plan = compilePlan(graph, target.limits, { optLevel }, target);
    assertEquals(relayouts(plan), 0);
    assert(plan.slots.every(({ border }) => !border));
  }
});

/** Convolutions with other pads one after another, so that zeros lie where others wrote before. */
const pads: Fn = (x) => {
  let y = x;
  for (const [i, padding] of [1, 2, 0, 1, 3, 0, 2].entries()) {
    y = relu(conv2d(y, weights([5, y.shape[1], 3, 3], i), { padding }));
  }
  return y;
};

Deno.test("layout: a place is reused, zeros and all, and the plan knows which to clear", async () => {
  const plan = await planned(pads, [image([1, 3, 8, 8])]);
  const arena = plan.slots.reduce((n, slot) => n + (slot.kind === "arena" ? slot.bytes : 0), 0);
  assert(plan.memory.arenaBytes < arena / 2, `${plan.memory.arenaBytes} of ${arena}`);
  assert(plan.memory.arenaBytes <= 1.1 * plan.memory.lowerBound);
  const bordered = plan.slots.filter(({ border }) => border).length;
  assert(bordered >= 5 && sharedBorders(plan).size > 0, `${bordered} ${sharedBorders(plan).size}`);
});

test("wasm", "layout: zeros around values survive other values in their place", async () => {
  const hosts = [image([1, 3, 8, 8])];
  const graph = graphOf(pads, hosts);
  const want = meant(graph, hosts);
  for (const name of ["wasm", "wasm, 1 thread"] as const) {
    const loaded = await machine(name).compile(graph);
    for (let i = 0; i < 3; i++) {
      assertNear(await valuesFrom(loaded, hosts), want, near, `run ${i}`);
      // A run on infinities leaves what it can behind.
      const lost = { ...hosts[0], data: new Float32Array(192).fill(Infinity) };
      await valuesFrom(loaded, [lost]);
    }
    loaded.dispose();
  }
});

test(
  "wasm",
  "layout: random networks agree with the interpreter, as plans and as kernels",
  async () => {
    const hosts = [image([2, 3, 6, 5], 1), image([1, 4, 7, 7], 2), image([1, 8, 4, 6], 3)];
    let nodes = 0, conversions = 0, kernels = 0;
    await fc.assert(
      fc.asyncProperty(convSteps, fc.nat(), async (list, pick) => {
        const f: Fn = (...xs) => {
          const made = convProgram(list, xs);
          nodes += made.length;
          return made.length ? [made[made.length - 1], made[pick % made.length]] : xs;
        };
        const graph = graphOf(f, hosts);
        const want = meant(graph, hosts);
        const plan = compilePlan(graph, target.limits, {}, target);
        conversions += relayouts(plan);
        kernels += plan.steps.length;
        assertNear(await runPlan(plan, hosts), want, near, "the plan");
        const loaded = await machine("wasm, 1 thread").compile(graph, { once: true });
        const one = await valuesFrom(loaded, hosts);
        loaded.dispose();
        assertNear(one, want, near, "the kernels");
        const shared = await loadShared(machine("wasm").places()[0], graph, { once: true });
        assertSameBits(await valuesFrom(shared, hosts), one, "two threads");
        shared.dispose();
      }),
      { numRuns: 150, seed: 11 },
    );
    // Measured: 714 operations in 586 kernels, 90 of them conversions.
    assert(nodes > 600, `programs are not empty: ${nodes}`);
    assert(conversions < kernels / 4, `${conversions} of ${kernels} kernels are conversions`);
  },
);

Deno.test("layout: every plan of these networks needs no more than is alive at once", () => {
  for (const [name, f, shape] of networks) {
    const plan = compilePlan(graphOf(f, [image(shape)]), target.limits, {}, target);
    const { arenaBytes, lowerBound } = plan.memory;
    assert(arenaBytes <= 1.1 * lowerBound, `${name}: ${arenaBytes} of ${lowerBound}`);
  }
});
