/**
 * The charts of one plan: the kernels of a call along time, and what lives in memory step by step.
 * @module
 */
import type { MemoryReport } from "../core/target.ts";
import type { ProfiledCall, ProfiledPlan } from "../trace/profile.ts";
import { bytesText, timeText } from "./amount.ts";
import { chart, columnLine, rowLine, short, ticks } from "./chart.ts";
import { escaped } from "./escape.ts";
import { type KernelRow, shownCalls } from "./profile_data.ts";

/** Kernels of a plan in the order of the program, as rows of the whole table. */
export type PlanRows = ReadonlyMap<number, KernelRow>;

/** The kernels of calls that stand for the others; the reader chooses one. */
export function callTimeline(plan: ProfiledPlan, rows: PlanRows, id: number): string {
  const shown = shownCalls(plan);
  if (shown.length === 0) return `<p class="soft">It was not called.</p>`;
  const inputs = shown.map(({ word, call }, i) =>
    `<input class="p${i}" type="radio" name="call${id}" id="call${id}-${i}"${
      i ? "" : " checked"
    }><label for="call${id}-${i}">${word} <span class="soft">${
      timeText(call.ms * 1e6)
    }</span></label>`
  );
  const lanes = shown.map(({ word, call }, i) =>
    `<div class="lane l${i}">${callChart(word, call, rows)}</div>`
  );
  return `<div class="calls" role="group" aria-label="Which call">${inputs.join("")}${
    lanes.join("")
  }</div>`;
}

function callChart(word: string, { kernels }: ProfiledCall, rows: PlanRows): string {
  const height = 44;
  const end = Math.max(...kernels.map(({ start, ns }) => start + ns), 1);
  const body = [
    ...ticks(end, 4).map((ns) => columnLine(ns / end * 100, height, ns ? timeText(ns) : "0")),
    ...kernels.map(({ kernel, start, ns }) => {
      const row = rows.get(kernel)!;
      const [x, width] = [start / end * 100, ns / end * 100];
      const number = row.rank <= 9 && width > 4
        ? `<text class="inside" x="${short(x + width / 2)}%" y="${height / 2}">${row.rank}</text>`
        : "";
      return `<rect class="mark ${row.family}" data-k="${row.rank - 1}" x="${short(x)}%" y="4" ` +
        `width="${short(Math.max(width, 0.05))}%" height="${height - 8}"/>${number}`;
    }),
  ].join("");
  const label = `The ${word} call: ${kernels.length} kernels in ${timeText(end)}`;
  return chart({ height, label, className: "time", body });
}

/** What is alive in the arenas at each step, with the sums of everything else that is held. */
export function memoryTimeline(memory: MemoryReport | null, rows: PlanRows): string {
  if (!memory) return `<p class="soft">The interpreter plans no memory.</p>`;
  const { timeline, arenaBytes, lowerBound } = memory;
  const facts = memoryFacts(memory)
    .map(([word, text]) => `<dt>${word}</dt><dd>${escaped(text)}</dd>`).join("");
  const list = `<dl class="facts">${facts}</dl>`;
  if (arenaBytes === 0) {
    return `<p class="soft">Nothing lives between kernels: values go from arguments and ` +
      `constants straight to results.</p>${list}`;
  }
  const height = 150;
  const most = arenaBytes * 1.05;
  const y = (bytes: number) => height - bytes / most * height;
  const width = 100 / timeline.length;
  const gap = timeline.length > 120 ? 1 : 0.86;
  const level = (name: string, bytes: number) =>
    `<line class="level ${name}" x1="0" x2="100%" y1="${short(y(bytes))}" y2="${
      short(y(bytes))
    }"/>`;
  const body = [
    ...ticks(most, 3).map((bytes) => rowLine(y(bytes), bytes ? bytesText(bytes) : "0")),
    ...timeline.map(({ liveBytes }, i) => {
      const row = rows.get(i)!;
      return `<rect class="mark ${row.family}" data-k="${row.rank - 1}" data-live="${liveBytes}" ` +
        `x="${short((i + (1 - gap) / 2) * width)}%" width="${short(width * gap)}%" ` +
        `y="${short(y(liveBytes))}" height="${short(height - y(liveBytes))}"/>`;
    }),
    level("held", arenaBytes),
    level("least", lowerBound),
    ...[0, timeline.length - 1].map((i) =>
      `<text class="axis below ${i ? "end" : "begin"}" x="${i ? 100 : 0}%" y="${height + 16}">` +
      `${i ? `step ${i + 1}` : "step 1"}</text>`
    ).slice(0, timeline.length > 1 ? 2 : 1),
  ].join("");
  const label = `Memory: at most ${bytesText(arenaBytes)} in arenas over ${timeline.length} steps`;
  return `<p class="legend"><span><i class="held"></i>arenas</span>` +
    `<span><i class="least"></i>the least possible</span></p>${
      chart({ height, label, className: "memory", body })
    }${list}`;
}

/** What a plan holds, as words and texts. */
function memoryFacts(memory: MemoryReport): readonly (readonly [string, string])[] {
  const { peakBytes, arenaBytes, lowerBound, constantBytes, argumentBytes, resultBytes } = memory;
  return [
    ["Peak", bytesText(peakBytes)],
    [
      "Arenas",
      `${bytesText(arenaBytes)}, at least ${bytesText(lowerBound)} whatever the placement`,
    ],
    ["Constants", bytesText(constantBytes)],
    ["Arguments", bytesText(argumentBytes)],
    ["Results", bytesText(resultBytes)],
  ];
}
