/**
 * Profiles that the tests of reports look at: a real one of a small network, and made ones with
 * many kernels, several plans, names that would be markup, nothing at all.
 * @module
 */
import {
  add,
  conv2d,
  type Machine,
  matmul,
  open,
  type Profile,
  type ProfiledKernel,
  type ProfiledPlan,
  relu,
  reshape,
  softmax,
  type Tensor,
  trace,
} from "@weft/weft";
import { hostile, parameter } from "./graphs.ts";

/** A profile of five calls of a network with a convolution, a product and a softmax. */
export async function networkProfile(on?: Machine): Promise<Profile> {
  await using own = on ? undefined : await open("reference");
  const kernel = parameter([4, 1, 3, 3]);
  const w = parameter([4 * 8 * 8, 10]);
  const net = (image: Tensor) => {
    const features = relu(conv2d(image, kernel, { padding: 1 }));
    return softmax(add(matmul(reshape(features, { shape: [1, 256] }), w), 1));
  };
  await using f = trace(net, { on: on ?? own, profiling: true, captureAsConst: true });
  const image = parameter([1, 1, 8, 8]);
  for (let i = 0; i < 5; i++) (await f(image)).dispose();
  return await f.profile();
}

/** A profile of plans with made numbers: `kernels` each, of every kind, some without arithmetic. */
export function madeProfile(plans: number, kernels: number, name = "kernel"): Profile {
  return {
    device: { name: "webgpu", description: "a device that is not here" },
    clock: "device",
    began: 1000,
    peak: { gflops: 1000, gbps: 100 },
    plans: Array.from({ length: plans }, (_, i) => madePlan(i, kernels, name)),
  };
}

/** A profile whose every text is hostile. */
export function hostileProfile(): Profile {
  const made = madeProfile(2, 3, hostile[0]);
  const device = { name: hostile[1], description: hostile[2] };
  return { ...made, device, plans: made.plans.map((plan) => ({ ...plan, key: hostile[1] })) };
}

/** A profile of nothing. */
export function emptyProfile(): Profile {
  return { ...madeProfile(0, 0), began: 0 };
}

function madePlan(at: number, count: number, name: string): ProfiledPlan {
  const kinds = ["matmul", "map", "reduce", "rows", "copy", "conv"];
  const kernels = Array.from({ length: count }, (_, i): ProfiledKernel => {
    const ns = 1000 * (1 + (i * 7) % 13);
    const [bytes, flops] = [4096 * (i + 1), kinds[i % 6] === "copy" ? 0 : 1000 * (i + 1) ** 2];
    const [gbps, gflops] = [bytes / ns, flops / ns];
    return {
      operation: kinds[i % 6] === "copy" ? "copy" : `${name}${i}+add+relu+mul+sub+reshape+exp`,
      kind: kinds[i % 6],
      place: i % 2 ? `/home/someone/models/a_long_folder_name/${name}.ts:${i + 1}:7` : null,
      ins: ["f32[8,128]", "f32[128,128]"],
      outs: ["f32[8,128]"],
      variant: i % 3 ? "tile 4×4" : null,
      dispatch: [i + 1, 2, 1],
      ...{ bytes, flops, ns: [ns, null, ns + 10], medianNs: ns + 5 },
      rate: { gbps, gflops },
      share: { bandwidth: gbps / 100, arithmetic: gflops / 1000 },
    };
  });
  const call = (k: number, start: number) => {
    let from = 0;
    const spans = kernels.flatMap(({ ns }, kernel) => {
      const time = ns[k];
      if (time === null) return [];
      from += time;
      return [{ kernel, start: from - time, ns: time }];
    });
    return { start, ms: from / 1e6 + 0.25, readback: 0.125, kernels: spans };
  };
  const timeline = kernels.map(({ operation }, i) => ({
    name: operation,
    liveBytes: 1e6 * ((i * 5) % 7),
  }));
  return {
    key: `f32[${at + 1},128]`,
    ms: { plan: 5, compile: 50, upload: 2 },
    kernels,
    memory: {
      ...{ peakBytes: 9e6, arenaBytes: 6e6, lowerBound: 55e5, constantBytes: 2e6 },
      ...{ argumentBytes: 7e5, resultBytes: 3e5 },
      timeline,
    },
    calls: [call(0, at * 100), call(1, at * 100 + 10), call(2, at * 100 + 20)],
  };
}
