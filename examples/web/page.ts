/// <reference lib="dom" />
/**
 * The page: draw a digit, see what the network reads, choose what runs it. What is read, and when, is
 * in reader.ts; this file joins it to what is on the screen.
 * @module
 */
import { type DeviceName, load } from "@weft/weft";
import { digitImage, side } from "./digit_image.ts";
import { drawingOn } from "./drawing.ts";
import { type Network, whyAbsent } from "./network.ts";
import { paintPixels } from "./picture.ts";
import { isEmpty, readerOf } from "./reader.ts";
import { scoresIn } from "./scores.ts";
import { targetNames, targetsIn } from "./targets.ts";

/** Where the model is, beside the page. */
const file = new URL("digits.mge", location.href);

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [seen, hint] = [find<HTMLCanvasElement>("seen"), find("hint")];
const [undo, clear] = [find<HTMLButtonElement>("undo"), find<HTMLButtonElement>("clear")];
const scores = scoresIn(find("scores"), find("answer"), find("sure"));
const drawing = drawingOn(
  find<HTMLCanvasElement>("paper"),
  () => look(digitImage(drawing.strokes)),
);
const targets = targetsIn(find("targets"), (name) => void reader.use(name));
const samples = samplesIn(find("samples"));

const reader = readerOf(() => load(file), {
  read: scores.show,
  runs: tell,
  opening: () => void (document.body.dataset.state = "opening"),
  chosen(network) {
    if (network) targets.mark(network.name);
    document.body.dataset.state = network ? "ready" : "failed";
  },
  failed: complain,
  stopped() {
    targets.mark("");
    scores.show(undefined);
    document.body.dataset.state = "failed";
  },
});

undo.addEventListener("click", () => drawing.undo());
clear.addEventListener("click", () => drawing.clear());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAll);
paintAll();
const wanted = new URLSearchParams(location.search).get("target") ?? "auto";
await reader.use(wanted as DeviceName);
// A graphics card that is there may still fail.
if (wanted === "auto" && !reader.network()) await reader.use("cpu");
for (const name of targetNames) {
  const why = reader.network()?.name === name ? undefined : await whyAbsent(name);
  // What follows in other lines is for who writes pages.
  if (why !== undefined) targets.refuse(name, why.split("\n")[0]);
}

/** Looks at an image: shows it, and has it read. */
function look(image: Float32Array<ArrayBuffer>, sample?: HTMLElement): void {
  for (const { button } of samples) button.setAttribute("aria-pressed", `${button === sample}`);
  hint.hidden = !isEmpty(image);
  undo.disabled = drawing.strokes.length === 0;
  clear.disabled = isEmpty(image);
  paintPixels(seen, image, inkOf(seen));
  reader.read(image);
}

/** Says what runs, and how fast. */
function tell({ description, firstMs }: Network, times: readonly number[]): void {
  const latest = times.slice(-50).sort((a, b) => a - b);
  const facts: Readonly<Record<string, string>> = {
    "Running on": description,
    "One image": latest.length ? milliseconds(latest[latest.length >> 1]) : "draw something",
    "First result": `after ${milliseconds(firstMs)}, with opening and compiling`,
    "Isolation": crossOriginIsolated
      ? "this page is isolated from other origins, so threads may share memory"
      : "this page is not isolated from other origins, so threads may not share memory",
  };
  find("facts").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    }),
  );
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** Shows what went wrong, and what helps; nothing once all is well. */
function complain(error: Error | undefined): void {
  const fault = find("fault");
  fault.hidden = error === undefined;
  if (!error) return;
  const isFile = location.protocol === "file:";
  fault.textContent = isFile
    ? "A page opened as a file may not load the model beside it.\nServe the folder: deno task web"
    : error.message;
  console.error(error);
}

/** Digits of others to choose. */
function samplesIn(parent: HTMLElement) {
  const given: readonly { readonly label: number; readonly pixels: string }[] = JSON.parse(
    find("digits").textContent || "[]",
  );
  return given.map(({ label, pixels }) => {
    const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
    const image = Float32Array.from(bytes, (v) => v / 256);
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    button.type = "button";
    button.setAttribute("aria-label", `A handwritten ${label}`);
    button.setAttribute("aria-pressed", "false");
    button.append(canvas);
    button.addEventListener("click", () => {
      drawing.show(image);
      look(image, button);
    });
    parent.append(button);
    return { button, canvas, image };
  });
}

function paintAll(): void {
  for (const { canvas, image } of samples) paintPixels(canvas, image, inkOf(canvas));
  paintPixels(seen, reader.image(), inkOf(seen));
}

function inkOf(canvas: HTMLElement): string {
  return getComputedStyle(canvas).color;
}
