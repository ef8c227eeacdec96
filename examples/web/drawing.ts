/// <reference lib="dom" />
/**
 * The area to draw on: strokes by mouse, finger, pen or keys, or a digit that was chosen, shown
 * sharp at any size and in any colours.
 * @module
 */
import type { Point, Stroke } from "./digit_image.ts";
import { paint } from "./picture.ts";

/** The area, and what is on it. */
export interface Drawing {
  /** What was drawn; empty while a digit is shown. */
  readonly strokes: readonly Stroke[];
  /** Shows a digit in the place of strokes; the next stroke takes its place. */
  show(image: Float32Array): void;
  /** Takes the last stroke away. */
  undo(): void;
  /** Takes everything away. */
  clear(): void;
}

/** Width of the line on the screen, and how far a key moves the pen, as parts of the side. */
const line = 0.07, keyStep = 0.03;

/** Makes a canvas an area to draw on; `changed` is called after every change of what is there. */
export function drawingOn(canvas: HTMLCanvasElement, changed: () => void): Drawing {
  let strokes: Point[][] = [];
  let shown: Float32Array | undefined;
  let isDown = false;
  // Where the keys have moved the pen to; it is seen only while keys are used.
  let pen: Point | undefined;

  function begin(at: Point): void {
    shown = undefined;
    isDown = true;
    strokes.push([at]);
    show();
  }

  function go(...points: readonly Point[]): void {
    strokes.at(-1)!.push(...points);
    show();
  }

  function show(): void {
    redraw();
    changed();
  }

  function redraw(): void {
    const box = canvas.getBoundingClientRect();
    const pixels = Math.max(1, Math.round(box.width * devicePixelRatio));
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const context = canvas.getContext("2d")!;
    const { ink, accent } = colors(canvas);
    context.clearRect(0, 0, pixels, pixels);
    if (shown) paint(context, shown, ink, pixels);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = line * pixels;
    context.strokeStyle = ink;
    for (const stroke of strokes) {
      context.beginPath();
      // From middle to middle of its pieces, so that no corners are seen.
      context.moveTo(stroke[0][0] * pixels, stroke[0][1] * pixels);
      stroke.forEach(([x, y], i) => {
        const [nx, ny] = stroke[i + 1] ?? [x, y];
        context.quadraticCurveTo(
          ...[x * pixels, y * pixels, (x + nx) / 2 * pixels, (y + ny) / 2 * pixels] as const,
        );
      });
      context.stroke();
    }
    if (!pen || document.activeElement !== canvas) return;
    context.beginPath();
    context.arc(pen[0] * pixels, pen[1] * pixels, line * pixels * 0.7, 0, 2 * Math.PI);
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = accent;
    context.stroke();
  }

  const placeOf = ({ clientX, clientY }: PointerEvent): Point => {
    const box = canvas.getBoundingClientRect();
    return [inside((clientX - box.left) / box.width), inside((clientY - box.top) / box.height)];
  };
  let pointer: number | undefined;
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== undefined || event.button !== 0) return;
    // A second finger is not a second pen.
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen = undefined;
    begin(placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    go(...(all.length ? all : [event]).map(placeOf));
  });
  const lift = (event: PointerEvent) => {
    if (event.pointerId !== pointer) return;
    pointer = undefined;
    isDown = false;
    changed();
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  const moves: Readonly<Record<string, Point>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  canvas.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      const [x, y] = pen ?? [0.5, 0.5];
      const far = event.shiftKey ? 3 * keyStep : keyStep;
      pen = [inside(x + move[0] * far), inside(y + move[1] * far)];
      if (isDown) go(pen);
      else redraw();
    } else if (event.key === " ") {
      pen ??= [0.5, 0.5];
      if (isDown) {
        isDown = false;
        show();
      } else begin(pen);
    } else if (event.key === "Escape") drawing.clear();
    else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) {
      drawing.undo();
    } else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    isDown &&= pointer !== undefined;
    redraw();
  });
  canvas.addEventListener("focus", redraw);
  new ResizeObserver(redraw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  const drawing: Drawing = {
    get strokes() {
      return strokes;
    },
    show(image) {
      strokes = [];
      shown = image;
      isDown = false;
      redraw();
    },
    undo() {
      shown = undefined;
      isDown = false;
      strokes.pop();
      show();
    },
    clear() {
      shown = undefined;
      isDown = false;
      strokes = [];
      show();
    },
  };
  return drawing;
}

function inside(part: number): number {
  return Math.max(0, Math.min(1, part));
}

/** Colours of the style sheet where an element stands. */
function colors(element: HTMLElement): { readonly ink: string; readonly accent: string } {
  const style = getComputedStyle(element);
  return { ink: style.color, accent: style.getPropertyValue("--accent") };
}
