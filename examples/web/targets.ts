/// <reference lib="dom" />
/**
 * The choice of a target: what each is, which one runs, and why one cannot.
 * @module
 */

/** The names of targets, in the order of the choice. */
export const targetNames = ["webgpu", "wasm", "reference"] as const;

/** A target that can be chosen. */
export type TargetName = typeof targetNames[number];

const titles: Readonly<Record<TargetName, readonly [title: string, what: string]>> = {
  webgpu: ["WebGPU", "Compute shaders on the graphics card"],
  wasm: ["WebAssembly", "SIMD on the processor’s cores"],
  reference: ["Reference", "The interpreter that all else is tested against; slow"],
};

/** The choice on the page. */
export interface Targets {
  /** Marks the one that runs; a name that is none marks none. */
  mark(name: string): void;
  /** Takes one out of the choice and says why. */
  refuse(name: TargetName, why: string): void;
}

/** Makes the choice; `chosen` hears of what is chosen. */
export function targetsIn(parent: HTMLElement, chosen: (name: TargetName) => void): Targets {
  const made = new Map(targetNames.map((name) => {
    const [title, what] = titles[name];
    const box = document.createElement("div");
    const input = document.createElement("input");
    const label = document.createElement("label");
    const text = document.createElement("p");
    box.className = "target";
    input.type = "radio";
    input.name = "target";
    input.value = input.id = name;
    label.htmlFor = name;
    label.textContent = title;
    text.textContent = what;
    text.id = `${name}-text`;
    input.setAttribute("aria-describedby", text.id);
    input.addEventListener("change", () => chosen(name));
    box.append(input, label, text);
    parent.append(box);
    return [name as string, { input, text }];
  }));
  return {
    mark(name) {
      made.forEach(({ input }, own) => input.checked = own === name);
    },
    refuse(name, why) {
      const { input, text } = made.get(name)!;
      input.disabled = true;
      text.textContent = why;
    },
  };
}
