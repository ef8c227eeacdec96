/**
 * The style of a page that shows a graph: the picture, the search, the panel, on wide screens side
 * by side and on narrow ones as a sheet over the picture.
 * @module
 */
import { cardStyle } from "./cards.ts";
import { families } from "./family.ts";

/** The rules. */
export function graphStyle(): string {
  return frameStyle() + pictureStyle() + panelStyle() + narrowStyle();
}

function frameStyle(): string {
  return `
html, body { height: 100%; overflow: hidden; }
body {
  height: 100dvh; display: grid; grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) 352px;
  grid-template-areas: "head head" "stage panel";
}
header {
  grid-area: head; display: flex; align-items: center; gap: 20px; padding: 8px 16px; z-index: 3;
  background: var(--panel); border-bottom: 1px solid var(--line);
}
.name { flex: 1; min-width: 0; display: flex; gap: 12px; align-items: baseline; }
.name h1, .name p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.name h1 { flex: 0 1 auto; }
.name p { flex: 1 1 0; color: var(--soft); font-size: 13px; }
.search { position: relative; width: 320px; }
.search input {
  width: 100%; height: 36px; padding: 0 64px 0 12px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--ground); appearance: none;
}
.search input::placeholder { color: var(--soft); opacity: 1; }
.search input::-webkit-search-cancel-button { display: none; }
#found {
  position: absolute; right: 12px; top: 9px; font-size: 12px; color: var(--soft);
  pointer-events: none;
}
#hits {
  position: absolute; top: 42px; left: 0; right: 0; max-height: min(420px, 60dvh); overflow: auto;
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 4px;
  box-shadow: 0 8px 28px rgb(0 0 0 / 0.18); overscroll-behavior: contain;
}
#hits[hidden] { display: none; }
#hits li { padding: 6px 8px; border-radius: 5px; cursor: pointer; }
#hits li[aria-selected="true"], #hits li:hover { background: var(--wash); }
#hits .soft { font-size: 12px; overflow-wrap: anywhere; }
#hits div { overflow-wrap: anywhere; }
#stage { grid-area: stage; position: relative; overflow: hidden; touch-action: none; }
#tools {
  position: absolute; left: 16px; bottom: 16px; display: flex; border-radius: 8px; overflow: hidden;
  background: var(--panel); border: 1px solid var(--line);
}
#tools button { width: 40px; height: 40px; display: grid; place-items: center; }
#tools button + button { border-left: 1px solid var(--line); }
#tools button:hover { background: var(--wash); }
#tools button:focus-visible { outline-offset: -3px; }
#tools svg { width: 18px; height: 18px; fill: none; stroke: currentColor; stroke-width: 1.6; }
#overview {
  position: absolute; right: 16px; top: 16px; background: var(--panel); border-radius: 6px;
  border: 1px solid var(--line); overflow: hidden; touch-action: none; cursor: crosshair;
}
#overview[hidden] { display: none; }
#overview canvas { display: block; }
#frame {
  position: absolute; left: 0; top: 0; border: 1.5px solid var(--accent); border-radius: 2px;
  background: color-mix(in srgb, var(--accent) 12%, transparent);
}
`;
}

function pictureStyle(): string {
  const bars = Object.keys(families)
    .map((family) => `.${family} { --family: var(--${family}); }`).join("\n");
  return `
#picture {
  display: block; width: 100%; height: 100%; cursor: grab; user-select: none;
  -webkit-user-select: none;
}
#picture:focus-visible { outline-offset: -2px; }
#picture.dragging { cursor: grabbing; }
#world { transform-origin: 0 0; }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.25; marker-end: url(#tip); }
.edge.loose { stroke-dasharray: 3 3; }
#tip { fill: var(--edge); }
#near { fill: var(--accent); }
.picked #edges { opacity: 0.45; }
#front .edge.loose { stroke-dasharray: none; }
#front .edge { stroke: var(--accent); stroke-width: 2; marker-end: url(#near); }
.node { cursor: pointer; outline: none; }
.card { fill: var(--card); stroke: var(--line); }
.bar { fill: var(--family); }
.node text { fill: var(--ink); }
.title { font-size: ${cardStyle.title.size}px; font-weight: 600; }
.node .note { font-size: ${cardStyle.note.size}px; fill: var(--soft); text-anchor: end; }
.row {
  font: ${cardStyle.line.size}px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas,
    "DejaVu Sans Mono", monospace;
}
.node .attr, .node .number, .node .param { fill: var(--soft); }
.node .param:hover { fill: var(--accent); }
.node .row.chosen { fill: var(--accent); font-weight: 700; }
.node:hover .card { stroke: var(--family); }
.node.hit .card { stroke: var(--hit); stroke-width: 2.5; }
.node.near .card { stroke: var(--accent); stroke-width: 1.5; }
.node.chosen .card { stroke: var(--accent); stroke-width: 3; }
${bars}
.mid .row, .mid .note { display: none; }
.far text, .far .bar { display: none; }
.far #edges .loose { display: none; }
.far .edge, .far .card { vector-effect: non-scaling-stroke; }
.far .edge, .far #front .edge { marker-end: none; stroke-width: 1; }
.far #front .edge { stroke-width: 2; }
.far .card { fill: var(--family); stroke: none; }
.far.lit .node:not(.hit) .card { fill-opacity: 0.25; }
.far .node.chosen .card, .far .node.near .card, .far .node.hit .card { stroke-width: 3; }
`;
}

function panelStyle(): string {
  return `
#panel {
  grid-area: panel; background: var(--panel); border-left: 1px solid var(--line);
  display: flex; flex-direction: column; min-height: 0;
}
#content { overflow: auto; padding: 4px 20px 28px; overscroll-behavior: contain; }
#sheet { display: none; }
#content > h2 { margin-top: 14px; overflow-wrap: anywhere; }
#content > p { margin-top: 4px; }
#content .back { display: inline-block; margin-top: 12px; font-size: 13px; }
.tag { font-size: 12px; color: var(--soft); display: flex; align-items: center; gap: 7px; }
.dot { flex: none; width: 10px; height: 10px; border-radius: 3px; background: var(--family); }
.list li { display: flex; gap: 8px; align-items: baseline; padding: 3px 0; min-width: 0; }
.list a { overflow-wrap: anywhere; }
.list .end { margin-left: auto; flex: none; max-width: 60%; text-align: right; color: var(--soft); }
.list .end code { overflow-wrap: anywhere; }
.list .word { color: var(--soft); flex: none; }
.rows li { margin: 0 -8px; }
.rows button {
  display: flex; width: 100%; gap: 9px; align-items: center; padding: 4px 8px; border-radius: 5px;
}
.rows button:hover { background: var(--wash); }
.rows button[aria-pressed="true"] { background: var(--wash); font-weight: 600; }
.rows .end { margin-left: auto; color: var(--soft); font-variant-numeric: tabular-nums; }
.rows .label { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.rows .twist {
  flex: none; width: 22px; height: 26px; padding: 0; justify-content: center; color: var(--soft);
}
.rows .line { display: flex; align-items: center; }
.rows ul { padding-left: 14px; }
.rows .rows li { margin: 0; }
.rows ul[hidden] { display: none; }
`;
}

function narrowStyle(): string {
  return `
@media (max-width: 760px) {
  body { grid-template: auto minmax(0, 1fr) / minmax(0, 1fr); grid-template-areas: "head" "stage"; }
  header { flex-direction: column; align-items: stretch; gap: 6px; padding: 8px 12px; }
  .name p { display: none; }
  .search { width: auto; }
  .search input { height: 40px; font-size: 16px; }
  #found { top: 11px; }
  #hits { top: 46px; }
  #hits li { padding: 9px 10px; }
  #panel {
    position: fixed; inset: auto 0 0 0; max-height: 48dvh; border-left: 0; z-index: 2;
    border-top: 1px solid var(--line); border-radius: 12px 12px 0 0;
    box-shadow: 0 -6px 24px rgb(0 0 0 / 0.12); padding-bottom: env(safe-area-inset-bottom);
  }
  #sheet {
    display: flex; align-items: center; gap: 9px; min-height: 48px; padding: 0 16px; width: 100%;
    font-weight: 600;
  }
  #sheet .label { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  #sheet .chevron { margin-left: auto; flex: none; width: 18px; height: 18px; }
  #sheet .chevron path { fill: none; stroke: var(--soft); stroke-width: 1.8; }
  #panel.closed #content { display: none; }
  #panel:not(.closed) .chevron { transform: rotate(180deg); }
  #content { padding: 0 16px 20px; }
  #content > .back { margin: 0 0 4px; }
  #content > .tag, #content > h2 { display: none; }
  .list li { padding: 6px 0; }
  .rows button { padding: 8px; }
  .rows .twist { height: 36px; width: 30px; padding: 0; }
  #tools { left: auto; right: 12px; bottom: calc(var(--covered, 48px) + 12px); flex-direction: column; }
  #tools button { width: 44px; height: 44px; }
  #tools button + button { border-left: 0; border-top: 1px solid var(--line); }
  #overview { right: 12px; top: 12px; }
}
`;
}
