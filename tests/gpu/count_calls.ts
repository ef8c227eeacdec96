/**
 * Counts WebGPU calls, by wrapping the methods of the classes while a body runs.
 * @module
 */

/** How often each counted method was called. */
export interface Calls {
  readonly submit: number;
  readonly writeBuffer: number;
  readonly writeTexture: number;
  readonly createBuffer: number;
  readonly createTexture: number;
  readonly createBindGroup: number;
  readonly createComputePipeline: number;
  readonly createShaderModule: number;
  readonly createCommandEncoder: number;
  readonly beginComputePass: number;
  readonly dispatchWorkgroups: number;
  readonly setBindGroup: number;
  readonly setPipeline: number;
  readonly copyBufferToBuffer: number;
  readonly mapAsync: number;
}

type Method = keyof Calls;

/** The classes that have the methods; looked up when called, for not every runtime has them. */
function owners(): readonly (readonly [object, readonly Method[]])[] {
  return [
    [GPUQueue.prototype, ["submit", "writeBuffer", "writeTexture"]],
    [GPUDevice.prototype, [
      "createBuffer",
      "createTexture",
      "createBindGroup",
      "createComputePipeline",
      "createShaderModule",
      "createCommandEncoder",
    ]],
    [GPUCommandEncoder.prototype, ["beginComputePass", "copyBufferToBuffer"]],
    [GPUComputePassEncoder.prototype, ["dispatchWorkgroups", "setBindGroup", "setPipeline"]],
    [GPUBuffer.prototype, ["mapAsync"]],
  ];
}

/** Lets a run that is held for a moment be submitted. */
export function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Runs a body and gives its result with the number of WebGPU calls it made, held runs included. */
export async function countCalls<T>(
  body: () => Promise<T> | T,
): Promise<{ value: T; calls: Calls }> {
  await moment();
  const counts = new Map<Method, number>();
  const undo: (() => void)[] = [];
  for (const [owner, methods] of owners()) {
    const table = owner as Record<Method, (...args: unknown[]) => unknown>;
    for (const name of methods) {
      const original = table[name];
      counts.set(name, 0);
      const counted = function (this: unknown, ...args: unknown[]): unknown {
        counts.set(name, counts.get(name)! + 1);
        return original.apply(this, args);
      };
      Object.defineProperty(owner, name, { value: counted, configurable: true, writable: true });
      undo.push(() =>
        Object.defineProperty(owner, name, { value: original, configurable: true, writable: true })
      );
    }
  }
  try {
    const value = await body();
    await moment();
    return { value, calls: Object.fromEntries(counts) as unknown as Calls };
  } finally {
    undo.forEach((restore) => restore());
  }
}
