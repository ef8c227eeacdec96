/**
 * A profile as rows, as a page's text and as a trace for chrome://tracing and Perfetto.
 * @module
 */
import { chromeTrace, profileHtml, type TraceEvent } from "@weft/weft/report";
import { digits, percentText, timeText } from "../../lib/report/amount.ts";
import { powerText, ticks } from "../../lib/report/chart.ts";
import { kernelRows, placeEnd, planTimes, shownCalls } from "../../lib/report/profile_data.ts";
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "../std.ts";
import { emptyProfile, hostileProfile, madeProfile, networkProfile } from "./profiles.ts";

/** Spans of one thread, in order: each begins after the last one ended, or lies inside it. */
function assertNested(events: readonly TraceEvent[]): void {
  const open: TraceEvent[] = [];
  for (const event of events) {
    const within = (outer: TraceEvent) =>
      event.ts + event.dur! <= outer.ts + outer.dur! + 1e-6 && event.ts >= outer.ts;
    while (open.length && open.at(-1)!.ts + open.at(-1)!.dur! <= event.ts + 1e-6) open.pop();
    assert(open.length === 0 || within(open.at(-1)!), `${event.name} crosses ${open.at(-1)?.name}`);
    open.push(event);
  }
}

Deno.test("rows are all kernels by their time, and their parts make a whole", async () => {
  for (const profile of [await networkProfile(), madeProfile(3, 7)]) {
    const rows = kernelRows(profile);
    assertEquals(rows.map(({ rank }) => rank), rows.map((_, i) => i + 1));
    assertEquals(rows.length, profile.plans.reduce((n, { kernels }) => n + kernels.length, 0));
    assertAlmostEquals(rows.reduce((n, { part }) => n + part, 0), 1, 1e-9);
    rows.slice(1).forEach((row, i) => assert(row.part <= rows[i].part));
    for (const { plan, kernel, operation } of rows) {
      assertEquals(profile.plans[plan].kernels[kernel].operation, operation);
    }
  }
});

Deno.test("a plan's times are medians, and shown calls are each one of its calls", () => {
  const [plan] = madeProfile(1, 4).plans;
  const sum = plan.kernels.reduce((n, { medianNs }) => n + medianNs, 0);
  assertAlmostEquals(planTimes(plan).kernels, sum / 1e6, 1e-12);
  assertEquals(planTimes(plan).readback, 0.125);
  const shown = shownCalls(plan);
  assertEquals(shown.map(({ word }) => word), ["median", "fastest", "slowest"]);
  assert(shown.every(({ call }) => plan.calls.includes(call)));
  assertEquals(shown[1].call.kernels, []);
});

Deno.test("a trace has every call and kernel as spans that nest, and memory as counters", async () => {
  for (const profile of [await networkProfile(), madeProfile(2, 9), hostileProfile()]) {
    const { traceEvents, otherData } = JSON.parse(JSON.stringify(chromeTrace(profile))) as {
      traceEvents: TraceEvent[];
      otherData: Record<string, unknown>;
    };
    assertEquals(otherData.clock, profile.clock);
    const meta = traceEvents.filter(({ ph }) => ph === "M");
    const events = traceEvents.filter(({ ph }) => ph !== "M");
    assertEquals(traceEvents.slice(0, meta.length), meta, "names come first");
    assertEquals(meta.filter(({ name }) => name === "process_name").length, 1);
    const named = new Set(
      meta.filter(({ name }) => name === "thread_name").map(({ tid }) => tid),
    );
    let last = 0;
    for (const { ts, dur = 0, pid, tid, ph, args } of events) {
      assert(ts >= last && dur >= 0 && Number.isFinite(ts + dur), "in order of time, from 0 on");
      last = ts;
      assert(pid === 1 && named.has(tid), `thread ${tid} has a name`);
      if (ph === "C") assert(Object.values(args).every((x) => typeof x === "number"));
      else assertEquals(ph, "X");
    }
    for (const tid of named) {
      assertNested(events.filter((event) => event.tid === tid && event.ph === "X"));
    }
    const count = (cat: string) => events.filter((event) => event.cat === cat).length;
    const calls = profile.plans.flatMap((plan) => plan.calls);
    assertEquals(count("call"), 2 * calls.length);
    assertEquals(count("kernel"), calls.reduce((n, { kernels }) => n + kernels.length, 0));
    assertEquals(count("prepare"), 3 * profile.plans.length);
    const counters = events.filter(({ ph }) => ph === "C");
    const planned = profile.plans.filter(({ memory }) => memory);
    const marks = planned.flatMap((plan) =>
      plan.calls.map(({ kernels }) => kernels.length && kernels.length + 1)
    );
    assertEquals(counters.length, marks.reduce((a, b) => a + b, 0));
  }
});

Deno.test("kernels begin with their call, whatever clock they are by", () => {
  const profile = madeProfile(1, 3);
  const events = chromeTrace(profile).traceEvents;
  const call = events.find(({ name }) => name === "call 1")!;
  const kernel = events.find(({ cat }) => cat === "kernel")!;
  assertAlmostEquals(kernel.ts, call.ts, 1e-9);
  assertAlmostEquals(kernel.dur!, profile.plans[0].kernels[0].ns[0]! / 1000, 1e-9);
  assertEquals(kernel.args.ins, ["f32[8,128]", "f32[128,128]"]);
  assertAlmostEquals(call.ts, 57_000, 1e-6, "behind what was prepared");
});

Deno.test("calls that overlap lie on threads of their own", () => {
  const made = madeProfile(1, 4);
  const [plan] = made.plans;
  const calls = plan.calls.map((call, i) => ({ ...call, start: i / 100 }));
  const { traceEvents } = chromeTrace({ ...made, plans: [{ ...plan, calls }] });
  const threads = traceEvents.filter(({ name }) => /^call \d/.test(name)).map(({ tid }) => tid);
  assertEquals(new Set(threads).size, 3);
  const meta = traceEvents.filter(({ name }) => name === "thread_name");
  assertEquals(meta.map(({ args }) => args.name), [
    "prepare",
    ...[1, 2, 3].flatMap((i) => [`calls ${i}`, `kernels ${i} (device clock)`]),
  ]);
});

Deno.test("a trace and a page of nothing are whole", async () => {
  const { traceEvents } = chromeTrace(emptyProfile());
  assert(traceEvents.every(({ ph }) => ph === "M"));
  assertMatch(await profileHtml(emptyProfile()), /<h2>Kernels by time<\/h2>/);
});

Deno.test("the page loads nothing, and its policy allows its own style and script alone", async () => {
  const html = await profileHtml(madeProfile(2, 30));
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1];
  const hash = async (pattern: RegExp) => {
    const text = new TextEncoder().encode(pattern.exec(html)![1]);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    return `'sha256-${sum.toBase64()}'`;
  };
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    `style-src ${await hash(/<style>([^]*?)<\/style>/)}`,
    `script-src ${await hash(/<script>([^]*?)<\/script>/)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assertEquals(html.match(/\b(?:src|href|style)=/g), null);
  assertEquals(/\b(?:fetch|import|XMLHttpRequest|url)\s*\(/.exec(html), null);
  assertEquals(/https?:/.exec(html), null);
});

Deno.test("amounts have three digits, axes round numbers", () => {
  assertEquals([0, 0.4, 9.999, 1234, 999_600, 5.678e9].map(timeText), [
    ...["0 ns", "0.400 ns", "10.0 ns", "1.23 µs", "1.00 ms", "5.68 s"],
  ]);
  assertEquals([0, 1, 0.1234, 0.00001, 12.3].map(percentText), [
    ...["0 %", "100 %", "12.3 %", "< 0.1 %", "1,230 %"],
  ]);
  assertEquals([12345.6, 0.0001, 0.0456, 45.67].map((x) => digits(x)), [
    ...["12,346", "< 0.001", "0.046", "45.7"],
  ]);
  assertEquals(ticks(100, 4), [0, 50, 100]);
  assertEquals(ticks(0, 4), [0]);
  assertEquals([0.001, 1, 1000].map(powerText), ["0.001", "1", "1,000"]);
  assertEquals(placeEnd("/a/b/c.ts:1:2"), "b/c.ts:1:2");
  assertEquals(placeEnd("C:\\a\\b\\c.ts:1:2"), "b/c.ts:1:2");
});
