/** The style sheet of a report. Colours are variables, so that light and dark differ in one place. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16191d; --soft: #5b6470; --faint: #8a939f; --rule: #e3e6ea; --grid: #eceef1;
  --accent: #1f6feb; --good: #e3f4e6; --good-ink: #14692a; --bad: #fde7e7; --bad-ink: #b01f24; --add: #e2edff; --add-ink: #114c9f;
  --code: #f3f4f6; --shadow: 0 1px 2px rgb(16 24 40 / 6%), 0 1px 3px rgb(16 24 40 / 5%);
  --s0: #1f6feb; --s1: #d9660b; --s2: #0f8a6c; --s3: #b5278f; --s4: #7048d6; --s5: #0b7f9e; --s6: #9a6b00; --s7: #c92a3a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #161b22; --ink: #e8ebef; --soft: #a3adb9; --faint: #77818d; --rule: #2a313a; --grid: #232a33;
    --accent: #6aa6ff; --good: #16351f; --good-ink: #86d99a; --bad: #431a1d; --bad-ink: #ff9c9c; --add: #172f52; --add-ink: #9cc4ff;
    --code: #1d232c; --shadow: none;
    --s0: #6aa6ff; --s1: #ff9d4d; --s2: #3fcfa6; --s3: #f07ccf; --s4: #b39bff; --s5: #4ecbe6; --s6: #e0b23e; --s7: #ff7d85;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 18px; letter-spacing: -.005em; margin: 0 0 14px; }
.subtitle { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 6px; margin: 20px 0 28px; }
nav a { color: var(--soft); text-decoration: none; font-size: 13px; padding: 4px 11px; border: 1px solid var(--rule); border-radius: 999px; background: var(--card); }
nav a:hover, nav a:focus-visible { color: var(--accent); border-color: var(--accent); }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; box-shadow: var(--shadow); padding: 22px 24px; margin: 0 0 20px; scroll-margin-top: 16px; }
section.bare { background: none; border: 0; box-shadow: none; padding: 0; }
.note, .empty { color: var(--soft); margin: -6px 0 14px; max-width: 75ch; }
.empty { margin: 4px 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0; }
.figures > div { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; box-shadow: var(--shadow); padding: 14px 18px 13px; display: flex; flex-direction: column; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 0; }
.figures .value { font-size: 23px; line-height: 1.3; font-weight: 620; letter-spacing: -.02em; overflow-wrap: anywhere; }
.figures .value small { font-size: 15px; font-weight: 500; color: var(--soft); letter-spacing: 0; margin-left: 3px; }
.figures .hint { color: var(--faint); font-size: 12.5px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 26px 30px; }
figure { margin: 0; min-width: 0; }
.chart figcaption { display: flex; align-items: baseline; gap: 8px; margin-bottom: 4px; }
section > .chart > figcaption .chart-title { display: none; }
.chart-title { font-weight: 600; }
.unit { color: var(--soft); font-size: 13px; }
.chart-bar { display: flex; justify-content: space-between; gap: 12px; align-items: flex-start; margin-bottom: 4px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0; padding: 0; font-size: 13px; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.swatch { width: 22px; height: 8px; flex: none; }
.scales { display: flex; flex: none; border: 1px solid var(--rule); border-radius: 7px; overflow: hidden; font-size: 12px; color: var(--soft); }
.scales label { padding: 1px 9px; cursor: pointer; }
.scales label + label { border-left: 1px solid var(--rule); }
.scales input { position: absolute; opacity: 0; width: 0; height: 0; }
.scales label:has(:checked) { background: var(--code); color: var(--ink); }
.scales label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: -2px; }
.plot { position: relative; }
.plot > svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
.chart:has(.scales input[value=log]:checked) .plot > svg[data-scale=linear], .chart:has(.scales input[value=linear]:checked) .plot > svg[data-scale=log] { display: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.line.raw { opacity: .28; stroke-width: 1.2; }
.grid { stroke: var(--grid); vector-effect: non-scaling-stroke; }
.axis { stroke: var(--faint); vector-effect: non-scaling-stroke; }
.cursor[hidden] { display: none; }
.cursor { stroke: var(--faint); stroke-dasharray: 3 3; vector-effect: non-scaling-stroke; }
.tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.axis-label { fill: var(--soft); font-size: 12px; }
.dot { stroke: var(--card); stroke-width: 2; }
.tooltip { position: absolute; top: 8px; pointer-events: none; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; box-shadow: 0 4px 14px rgb(0 0 0 / 14%); padding: 7px 11px; font-size: 12.5px; white-space: nowrap; z-index: 2; }
.tooltip table { border-collapse: collapse; }
.tooltip td { padding: 0 0 0 10px; text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.tooltip th { text-align: left; font-weight: 400; color: var(--soft); padding: 0; }
.tooltip caption { text-align: left; color: var(--faint); padding-bottom: 2px; }
.tooltip i { display: inline-block; width: 9px; height: 3px; border-radius: 2px; margin-right: 7px; vertical-align: middle; }
.scroll { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
.data { border-collapse: collapse; width: 100%; font-size: 14px; }
.data th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; padding: 4px 26px 7px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
.data th button { all: unset; cursor: pointer; }
.data th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.data th[aria-sort=ascending] button::after { content: " \\2191"; }
.data th[aria-sort=descending] button::after { content: " \\2193"; }
.data td { padding: 6px 26px 6px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
.data tr:last-child td { border-bottom: 0; }
.data th:last-child, .data td:last-child { padding-right: 0; }
.data .number { text-align: right; font-variant-numeric: tabular-nums; }
pre { margin: 0; background: var(--code); border-radius: 8px; padding: 14px 16px; overflow-x: auto; font: 12.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; tab-size: 2; }
pre .key { color: var(--s0); }
pre .text { color: var(--s2); }
pre .literal { color: var(--s1); }
details summary { cursor: pointer; color: var(--soft); }
details[open] summary { margin-bottom: 10px; }
.media { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 18px; margin: 0; padding: 0; list-style: none; }
.media li { min-width: 0; }
.media .label { font-weight: 550; overflow-wrap: anywhere; }
.media p { margin: 2px 0 6px; color: var(--soft); overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; max-height: 340px; object-fit: fill; border-radius: 6px; margin: 6px 0; background: #04050f; }
audio { display: block; width: 100%; height: 36px; margin-top: 6px; }
.samples { list-style: none; margin: 0; padding: 0; }
.samples li { padding: 14px 0; border-top: 1px solid var(--grid); display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 22px; }
.samples li:first-child { border-top: 0; padding-top: 0; }
.samples li:last-child { padding-bottom: 0; }
.samples header { grid-column: 1 / -1; display: flex; justify-content: space-between; gap: 12px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.samples .side { width: 260px; }
.pairs { display: flex; flex-wrap: wrap; gap: 8px 6px; align-content: flex-start; }
.pairs.character { gap: 6px 0; }
.pair { display: inline-grid; grid-template-rows: auto auto; row-gap: 2px; }
.pair span { padding: 0 4px; border-radius: 4px; min-height: 1.55em; white-space: pre; }
.pairs.character .pair span { padding: 0; min-width: .5ch; text-align: center; }
.pair .hyp { color: var(--soft); }
.pair.wrong .ref { background: var(--good); color: var(--good-ink); }
.pair.wrong .hyp { background: var(--bad); color: var(--bad-ink); }
.pair.deletion .hyp::before { content: "\\2205"; opacity: .75; }
.pair.insertion .hyp { background: var(--add); color: var(--add-ink); text-decoration: underline; text-underline-offset: 3px; }
.pair.deletion .ref { text-decoration: line-through; text-decoration-thickness: 1px; }
.rows { align-self: start; display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: 12px; }
.rows .names { color: var(--faint); font-size: 12px; line-height: 1.94; }
.key-line { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--soft); font-size: 13px; margin: 0 0 14px; }
.key-line .pair { display: inline-block; }
.prose p { margin: 0 0 10px; max-width: 75ch; white-space: pre-line; overflow-wrap: anywhere; }
.prose p:last-child { margin-bottom: 0; }
footer { color: var(--faint); font-size: 12.5px; text-align: center; margin-top: 28px; }
@media (max-width: 700px) {
  .plot.whole { overflow-x: auto; }
  .plot.whole > svg { width: auto; min-width: 820px; }
  main { padding: 24px 14px 40px; }
  section { padding: 18px 16px; }
  .scroll { margin: 0 -16px; padding: 0 16px; }
  .samples li { grid-template-columns: minmax(0, 1fr); }
  .samples .side { width: auto; }
}
@media print {
  body { background: none; }
  nav, .scales, audio { display: none; }
  section, .figures > div { break-inside: avoid; box-shadow: none; }
}
`
