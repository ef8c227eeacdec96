/// <reference lib="dom" />
/**
 * The page: draw a digit, see what the network reads, choose what runs it. Everything that computes
 * is in network.ts; this file joins it to what is on the screen.
 * @module
 */
import { type DeviceName, load, type Model } from "@weft/weft";
import { digitImage, side } from "./digit_image.ts";
import { drawingOn } from "./drawing.ts";
import { type Network, openNetwork, whyAbsent } from "./network.ts";
import { paintPixels } from "./picture.ts";
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
const targets = targetsIn(find("targets"), (name) => void use(name));
const samples = samplesIn(find("samples"));

let network: Network | undefined;
let model: Promise<Model> | undefined;
let image = new Float32Array(side * side);
/** The reading that goes on, and the last change of targets; each waits for the one before. */
let reading: Promise<void> | undefined;
let using = Promise.resolve();
let choices = 0;
let isStale = false;
const times: number[] = [];

undo.addEventListener("click", () => drawing.undo());
clear.addEventListener("click", () => drawing.clear());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAll);
paintAll();
const wanted = new URLSearchParams(location.search).get("target") ?? "auto";
await use(wanted as DeviceName);
// A graphics card that is there may still fail.
if (wanted === "auto" && !network) await use("cpu");
for (const name of targetNames) {
  const why = network?.name === name ? undefined : await whyAbsent(name);
  // What follows in other lines is for who writes pages.
  if (why !== undefined) targets.refuse(name, why.split("\n")[0]);
}

/** Looks at an image: shows it, and has it read. */
function look(next: Float32Array<ArrayBuffer>, sample?: HTMLElement): void {
  image = next;
  for (const { button } of samples) button.setAttribute("aria-pressed", `${button === sample}`);
  hint.hidden = !isEmpty(image);
  undo.disabled = drawing.strokes.length === 0;
  clear.disabled = isEmpty(image);
  paintPixels(seen, image, inkOf(seen));
  void readLatest();
}

/** Reads what is there now; what is drawn meanwhile is read next, and only the latest of it. */
function readLatest(): Promise<void> {
  isStale = true;
  return reading ??= readUntilFresh().catch(giveUp).finally(() => reading = undefined);
}

async function readUntilFresh(): Promise<void> {
  while (isStale && network) {
    isStale = false;
    if (isEmpty(image)) {
      scores.show(undefined);
      continue;
    }
    const { of, ms } = await network.probabilities(image);
    times.push(ms);
    // Nobody wants to see what was read before all was cleared.
    if (!isEmpty(image)) scores.show(of);
    tell();
  }
}

/** What has failed once, as a device that was lost, goes on failing; another can be chosen. */
function giveUp(error: Error): void {
  network?.dispose();
  network = undefined;
  targets.mark("");
  scores.show(undefined);
  complain(error);
  document.body.dataset.state = "failed";
}

/** Runs the network on a target from now on; of several choices in a row only the latest counts. */
function use(name: DeviceName): Promise<void> {
  const choice = ++choices;
  document.body.dataset.state = "opening";
  return using = using.then(async () => {
    if (choice !== choices) return;
    try {
      model ??= load(file);
      const next = await openNetwork(await model, name);
      const before = network;
      network = next;
      times.length = 0;
      find("fault").hidden = true;
      await readLatest();
      before?.dispose();
    } catch (error) {
      complain(error as Error);
      // What could not be loaded may be there next time.
      if (!network) model = undefined;
    }
    tell();
    // A mark now would take the place of what was chosen meanwhile.
    if (choice !== choices) return;
    if (network) targets.mark(network.name);
    document.body.dataset.state = network ? "ready" : "failed";
  });
}

/** Says what runs, and how fast. */
function tell(): void {
  if (!network) return;
  const { description, firstMs } = network;
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

function isEmpty(image: Float32Array): boolean {
  return !image.some((v) => v > 0);
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** Shows what went wrong, and what helps. */
function complain(error: Error): void {
  const fault = find("fault");
  const isFile = location.protocol === "file:";
  fault.textContent = isFile
    ? "A page opened as a file may not load the model beside it.\nServe the folder: deno task web"
    : error.message;
  fault.hidden = false;
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
  paintPixels(seen, image, inkOf(seen));
}

function inkOf(canvas: HTMLElement): string {
  return getComputedStyle(canvas).color;
}
