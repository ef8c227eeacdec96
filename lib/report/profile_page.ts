/**
 * The page of a profile: the times of a call, its kernels by time as a table to sort, the roofline,
 * and for each plan a call along time and the memory step by step.
 * @module
 */
import type { Profile, ProfiledPlan } from "../trace/profile.ts";
import { bytesText, countText, digits, ofThem, percentText, timeText } from "./amount.ts";
import { escaped } from "./escape.ts";
import type { Family } from "./family.ts";
import { callTimeline, memoryTimeline, type PlanRows } from "./plan_charts.ts";
import {
  clockText,
  familyWords,
  type KernelRow,
  kernelRows,
  placeEnd,
  planTimes,
} from "./profile_data.ts";
import { profileScript } from "./profile_script.ts";
import { profileStyle } from "./profile_style.ts";
import { roofline } from "./roofline.ts";
import type { ReportOptions } from "./page.ts";
import { pageHtml } from "./shell.ts";

/** Plans that are drawn; those with most time. */
const mostPlans = 8;

/** The page of a profile. */
export async function profilePage(profile: Profile, options: ReportOptions = {}): Promise<string> {
  const { title = "profile", facts = [] } = options;
  const rows = kernelRows(profile);
  return await pageHtml({
    title,
    style: profileStyle(),
    body: bodyOf(profile, rows, title, facts),
    script: profileScript(),
    data: rows.map((row) => ({
      title: `${row.rank}. ${row.operation}`,
      lines: [
        `${timeText(row.medianNs)}, ${percentText(row.part)} of the time`,
        `${digits(row.rate.gbps)} GB/s, ${percentText(row.share.bandwidth)} of the measured`,
        `${digits(row.rate.gflops)} GF/s, ${percentText(row.share.arithmetic)} of the measured`,
        ...(row.place ? [row.place] : []),
      ],
      sort: {
        rank: row.rank,
        name: row.operation,
        time: -row.medianNs,
        part: -row.part,
        gbps: -row.rate.gbps,
        gflops: -row.rate.gflops,
        bytes: -row.bytes,
        flops: -row.flops,
      },
    })),
  });
}

function bodyOf(
  profile: Profile,
  rows: readonly KernelRow[],
  title: string,
  facts: NonNullable<ReportOptions["facts"]>,
): string {
  const { device, plans } = profile;
  const about = [["Ran on", `${device.name}: ${device.description}`], ...facts]
    .map(([word, text]) => `<dt>${escaped(word)}</dt><dd>${escaped(text)}</dd>`).join("");
  const timeOf = (i: number) => rows.reduce((n, row) => row.plan === i ? n + row.part : n, 0);
  const order = [...plans.keys()].sort((a, b) => timeOf(b) - timeOf(a));
  const hidden = order.length - mostPlans;
  return `<header><h1>${escaped(title)}</h1>
<dl class="facts">${about}</dl>
<p class="soft">${escaped(clockText(profile))}</p></header>
<main>
${order.slice(0, mostPlans).map((i) => planHead(plans, rows, i)).join("\n")}
${hidden > 0 ? `<p class="soft">${ofThem(hidden, "further plan")} took less time.</p>` : ""}
<div class="columns"><section class="table"><h2>Kernels by time</h2>${
    table(rows, plans.length > 1)
  }</section>
<div><section class="roof"><h2>Roofline</h2>${roofline(rows, profile.peak)}${legend(rows)}</section>
${order.slice(0, mostPlans).map((i) => memorySection(plans, rows, i)).join("\n")}
</div></div></main>
<div id="tip" role="status" hidden></div>`;
}

function rowsOf(rows: readonly KernelRow[], plan: number): PlanRows {
  return new Map(rows.filter((row) => row.plan === plan).map((row) => [row.kernel, row]));
}

/** What a plan is called where there are several. */
function planName(plans: readonly ProfiledPlan[], i: number): string {
  return plans.length > 1 ? `Plan ${i + 1}: ${plans[i].key}` : "";
}

function planHead(plans: readonly ProfiledPlan[], rows: readonly KernelRow[], i: number): string {
  const plan = plans[i];
  const { call, kernels, readback } = planTimes(plan);
  const ms = (x: number) => timeText(x * 1e6);
  const tiles = [
    ["Call", ms(call), `median of ${countText(plan.calls.length)}`],
    ["Kernels", ms(kernels), ofThem(plan.kernels.length, "kernel")],
    ["Readback", ms(readback), "a call"],
    ...(plan.memory ? [["Memory", bytesText(plan.memory.peakBytes), "at most"]] : []),
    ["Plan", ms(plan.ms.plan), "once"],
    ["Compile", ms(plan.ms.compile), "once"],
    ["Upload", ms(plan.ms.upload), "once"],
  ].map(([word, value, note]) =>
    `<li><span class="soft">${word}</span><b>${value}</b><span class="soft">${note}</span></li>`
  ).join("");
  const name = planName(plans, i);
  return `<section class="plan">${name ? `<h2 class="key">${escaped(name)}</h2>` : ""}` +
    `<ul class="tiles">${tiles}</ul><h2>A call along time</h2>` +
    `${callTimeline(plan, rowsOf(rows, i), i)}</section>`;
}

function memorySection(
  plans: readonly ProfiledPlan[],
  rows: readonly KernelRow[],
  i: number,
): string {
  const name = planName(plans, i);
  return `<section class="memory"><h2>Memory, step by step</h2>${
    name ? `<p class="key soft">${escaped(name)}</p>` : ""
  }${memoryTimeline(plans[i].memory, rowsOf(rows, i))}</section>`;
}

function legend(rows: readonly KernelRow[]): string {
  const seen = new Set(rows.map(({ family }) => family));
  return `<p class="legend">${
    (Object.entries(familyWords) as [Family, string][]).filter(([family]) => seen.has(family))
      .map(([family, word]) => `<span><i class="dot ${family}"></i>${word}</span>`).join("")
  }</p>`;
}

const columns = [
  ["rank", "#", "number"],
  ["name", "Kernel", ""],
  ["time", "Time", "number"],
  ["part", "Share", "number"],
  ["gbps", "GB/s", "number wide"],
  ["gflops", "GF/s", "number wide"],
  ["bytes", "Moves", "number wide"],
  ["flops", "Computes", "number wide"],
] as const;

function table(rows: readonly KernelRow[], several: boolean): string {
  const heads = columns.map(([key, word, name]) =>
    `<th scope="col" class="${name}"${key === "rank" ? ' aria-sort="ascending"' : ""}>` +
    `<button type="button" data-sort="${key}">${word}</button></th>`
  ).join("");
  const choices = columns.filter(([key]) => key !== "rank")
    .map(([key, word]) => `<option value="${key}">${word}</option>`).join("");
  return `<label class="order">Sorted by <select id="order">` +
    `<option value="rank">Time of all runs</option>${choices}</select></label>
<table><thead><tr>${heads}</tr></thead>
<tbody>${rows.map((row) => tableRow(row, several, rows[0].part)).join("\n")}</tbody></table>`;
}

function tableRow(row: KernelRow, several: boolean, most: number): string {
  const { rank, operation, place, family, medianNs, part, rate, share, bytes, flops } = row;
  const k = rank - 1;
  const cell = (text: string, name = "") => `<td class="number ${name}">${text}</td>`;
  const rated = (x: number, of: number) =>
    cell(`${digits(x)}<span class="soft">${percentText(of)}</span>`, "wide");
  const bar = `<svg class="bar" width="56" height="8" aria-hidden="true"><rect class="back" ` +
    `width="56" height="8" rx="2"/><rect class="mark ${family}" width="${
      Math.max(1, 56 * part / (most || 1)).toFixed(1)
    }" height="8" rx="2"/></svg>`;
  return `<tr data-k="${k}"><td class="number soft">${rank}</td>` +
    `<td class="what"><button type="button" aria-expanded="false" aria-controls="more${k}">${
      escaped(operation).replaceAll("+", "+<wbr>")
    }</button>${place ? `<span class="place soft">${escaped(placeEnd(place))}</span>` : ""}</td>` +
    cell(timeText(medianNs)) +
    `<td class="number part">${bar}<span>${percentText(part)}</span></td>` +
    rated(rate.gbps, share.bandwidth) + rated(rate.gflops, share.arithmetic) +
    cell(bytesText(bytes), "wide") + cell(flopsText(flops), "wide") +
    `</tr><tr class="more" id="more${k}" hidden><td colspan="8">${details(row, several)}</td></tr>`;
}

function details(row: KernelRow, several: boolean): string {
  const times = row.ns.filter((ns) => ns !== null);
  const [least, most] = times.reduce(([a, b], ns) => [Math.min(a, ns), Math.max(b, ns)], [
    ...[Infinity, -Infinity],
  ]);
  const code = (texts: readonly string[]) => texts.map((t) => `<code>${escaped(t)}</code>`);
  const facts: readonly (readonly [string, string])[] = [
    ...(several ? [["Plan", `${row.plan + 1}, kernel ${row.kernel + 1}`] as const] : []),
    ["Written at", row.place ? code([row.place])[0] : ""],
    ["Kind", row.kind + (row.variant ? `, ${escaped(row.variant)}` : "")],
    ["Reads", code(row.ins).join(" ")],
    ["Writes", code(row.outs).join(" ")],
    ["Dispatch", row.dispatch ? row.dispatch.map(countText).join(" × ") : ""],
    [
      "Moves",
      `${bytesText(row.bytes)}, ${digits(row.rate.gbps)} GB/s, ` +
      `${percentText(row.share.bandwidth)} of the measured bandwidth`,
    ],
    [
      "Computes",
      `${flopsText(row.flops)}, ${digits(row.rate.gflops)} GF/s, ` +
      `${percentText(row.share.arithmetic)} of the measured rate`,
    ],
    [
      "Time",
      times.length
        ? `${timeText(least)} … ${timeText(most)} in ${ofThem(times.length, "run")}`
        : "it had nothing to do",
    ],
  ];
  return `<dl class="facts">${
    facts.filter(([, text]) => text !== "").map(([word, text]) =>
      `<dt>${word}</dt><dd>${text}</dd>`
    )
      .join("")
  }</dl>`;
}

/** Arithmetic operations, as in `1.23 MF`. */
function flopsText(flops: number): string {
  return bytesText(flops).replace(/B$/, "F");
}
