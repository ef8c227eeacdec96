/**
 * The style of a profile's page: one column on narrow screens, two on wide ones.
 * @module
 */
import { familyWords } from "./profile_data.ts";

/** The rules. */
export function profileStyle(): string {
  return frameStyle() + chartStyle() + tableStyle() + narrowStyle();
}

function frameStyle(): string {
  return `
body { padding-bottom: 32px; }
header { padding: 16px 24px 12px; background: var(--panel); border-bottom: 1px solid var(--line); }
header h1 { font-size: 18px; overflow-wrap: anywhere; }
header .facts { margin: 6px 0; }
main { display: grid; gap: 16px; padding: 16px 24px; max-width: 1560px; margin: 0 auto; }
main > *, .columns > * { min-width: 0; }
.columns {
  display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; align-items: start;
}
.columns > div { display: grid; gap: 16px; }
section {
  background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 14px 18px;
  min-width: 0;
}
section h2 { font-size: 14px; margin-bottom: 8px; }
.key { overflow-wrap: anywhere; font-weight: 400; }
.tiles { display: flex; flex-wrap: wrap; gap: 8px 32px; margin-bottom: 14px; }
.tiles li { display: grid; }
.tiles b { font-size: 18px; font-weight: 650; font-variant-numeric: tabular-nums; }
.tiles .soft, .legend, .unit { font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; color: var(--soft); }
.legend span { display: flex; gap: 6px; align-items: center; }
.legend i { width: 16px; height: 0; border-top: 2px solid var(--family); }
.legend .dot { width: 10px; height: 10px; border: 0; border-radius: 3px; background: var(--family); }
.chart + .legend, .unit + .legend, .soft + .legend { margin-top: 8px; }
.unit { color: var(--soft); margin: 8px 0 4px; }
.unit.below { text-align: right; margin: 0 0 8px; }
#tip {
  position: fixed; z-index: 5; max-width: min(340px, calc(100vw - 24px)); padding: 8px 11px;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; font-size: 12px;
  box-shadow: 0 6px 24px rgb(0 0 0 / 0.22); pointer-events: none; overflow-wrap: anywhere;
}
#tip[hidden] { display: none; }
#tip b { display: block; font-weight: 650; }
`;
}

function chartStyle(): string {
  const families = Object.keys(familyWords)
    .map((family) => `.${family} { --family: var(--${family}); }`).join("\n");
  const lanes = [0, 1, 2, 3].map((i) => `.p${i}:checked ~ .l${i}`).join(", ");
  const picked = [0, 1, 2, 3].map((i) => `.p${i}:focus-visible + label`).join(", ");
  return `
.chart svg { display: block; overflow: visible; touch-action: pan-y; }
.chart.roofline { padding-left: 44px; }
.chart.memory { padding-left: 58px; margin-bottom: 10px; }
.grid { stroke: var(--line); }
.axis { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.axis.left { text-anchor: end; dominant-baseline: central; }
.axis.below { text-anchor: middle; }
.axis.below.begin { text-anchor: start; }
.axis.below.end { text-anchor: end; }
svg .mark { fill: var(--family); cursor: pointer; }
svg circle.mark { fill-opacity: 0.8; stroke: var(--panel); }
.chart .chosen { stroke: var(--ink); stroke-width: 2; }
.number, .inside { font-size: 11px; font-variant-numeric: tabular-nums; }
text.number { fill: var(--ink); dominant-baseline: central; pointer-events: none; }
.inside { fill: var(--panel); font-weight: 650; text-anchor: middle; dominant-baseline: central; pointer-events: none; }
.roof.memory, .roof.compute { stroke: var(--family); stroke-width: 2; }
line.memory, i.memory { --family: var(--accent); }
line.compute, i.compute { --family: var(--hit); }
line.level { stroke: var(--family); stroke-width: 1.5; stroke-dasharray: 5 4; }
.held { --family: var(--hit); }
.least { --family: var(--accent); }
.legend .held, .legend .least { border-top-style: dashed; }
.calls { position: relative; }
.calls input { position: absolute; opacity: 0; pointer-events: none; }
.calls label {
  display: inline-block; padding: 3px 10px; margin: 0 6px 10px 0; border: 1px solid var(--line);
  border-radius: 99px; font-size: 13px; cursor: pointer;
}
.calls input:checked + label { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
${picked} { outline: 2px solid var(--accent); outline-offset: 2px; }
.lane { display: none; }
${lanes} { display: block; }
${families}
`;
}

function tableStyle(): string {
  return `
table { width: 100%; border-collapse: collapse; font-size: 13px; }
th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--line); padding: 4px 6px; }
th button { color: var(--soft); font-size: 12px; }
th[aria-sort] button { color: var(--ink); font-weight: 650; }
th[aria-sort] button::after { content: " ↓"; }
th[aria-sort="ascending"] button::after { content: " ↑"; }
td { padding: 5px 6px; border-bottom: 1px solid var(--line); vertical-align: top; }
th.number, td.number { text-align: right; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number .soft { display: block; font-size: 11px; }
.what { overflow-wrap: anywhere; min-width: 120px; }
.what button { font-weight: 550; }
.place { display: block; font-size: 11px; }
.bar { display: inline-block; margin-right: 8px; vertical-align: baseline; }
.bar .back { fill: var(--wash); }
tbody tr:not(.more) { cursor: pointer; }
tbody tr:not(.more):hover, tr.chosen { background: var(--wash); }
tr.more td { padding: 6px 6px 12px 28px; background: var(--wash); }
tr.more[hidden] { display: none; }
.order { display: none; }
`;
}

function narrowStyle(): string {
  return `
@media (max-width: 1080px) {
  .columns { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 620px) {
  header { padding: 12px 14px 10px; }
  main { padding: 10px 8px; }
  main, .columns, .columns > div { gap: 10px; }
  section { padding: 12px; }
  .wide, .part .bar { display: none; }
  td, th { padding: 8px 4px; }
  tr.more td { padding-left: 8px; }
  .what { min-width: 0; }
  .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 12px 8px; }
  .tiles b { font-size: 16px; }
  .order { display: block; margin-bottom: 6px; font-size: 13px; color: var(--soft); }
  .order select { font: inherit; font-size: 16px; color: var(--ink); background: var(--card);
    border: 1px solid var(--line); border-radius: 6px; padding: 4px; }
  .calls label { padding: 7px 12px; }
}
`;
}
