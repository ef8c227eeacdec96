/**
 * Times of steps, by the device's clock and by the host's.
 * @module
 */
import { profilePlan } from "../../lib/gpu/profile.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assert, assertEquals } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { chain, vector } from "./plans.ts";

const test = await deviceTests();

test("profilePlan() times every step and leaves results alone", async (gpu) => {
  const { plan, kernels } = chain(1000, 5);
  // A software adapter's own clock is not trusted, but has to work.
  const loaded = await loadPlan({ ...gpu, class: "gpu" }, plan, kernels);
  const x = vector(...Array(1000).keys());
  const [y] = await loaded.run([x]);
  const { clock, times } = await profilePlan(loaded);
  assertEquals(clock, gpu.features.has("timestamp-query") ? "device" : "host");
  assertEquals(times.map(({ step }) => step), [0, 1, 2, 3, 4]);
  assert(times.every(({ ns }) => ns >= 0 && ns < 1e9));
  assertEquals((await y.read()).data[1], 6);
  y.dispose();
  loaded.dispose();
});

test("profilePlan() falls back to the host's clock without timestamp queries", async (gpu) => {
  const { plan, kernels } = chain(1000, 3);
  const bare = { ...gpu, features: new Set<never>() };
  const loaded = await loadPlan(bare, plan, kernels);
  const { clock, times } = await profilePlan(loaded, 1);
  assertEquals(clock, "host");
  assertEquals(times.length, 3);
  assert(times.every(({ ns }) => ns > 0));
  loaded.dispose();
});
