"""How a report looks: light and dark, on a screen and on paper. Right is blue, wrong is orange."""

from __future__ import annotations

__all__ = ["STYLE"]

# Blue and orange can be told apart with any colour vision, and on paper by their place in the picture.
STYLE = """
:root {
  --page: #ffffff; --card: #f6f7f9; --ink: #1b2330; --quiet: #5b6573; --rule: #dfe3e9;
  --right: #2a6fbb; --wrong: #d2691e; --chosen: #b3006b; --band: #2a6fbb22; --amount: #9fb3c8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --ink: #e6eaf0; --quiet: #9aa5b4; --rule: #313a47;
    --right: #6cabf0; --wrong: #f39a57; --chosen: #ff7ac3; --band: #6cabf033; --amount: #52657a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p.made { margin: 0; color: var(--quiet); }
pre { margin: .75rem 0 0; padding: .6rem .8rem; background: var(--card); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .85rem; }
section { margin: 1.75rem 0 0; }
ul { margin: 0; padding-left: 1.2rem; }
li { margin: .2rem 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; }
.figures div { background: var(--card); border-radius: 8px; padding: .7rem .9rem; display: flex; flex-direction: column; }
.figures .name { color: var(--quiet); font-size: .85rem; }
.figures .value { font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures .interval, .figures .meaning { color: var(--quiet); font-size: .8rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1.5rem; }
figure { margin: 0; padding: 1rem; background: var(--card); border-radius: 8px; break-inside: avoid; min-width: 0; }
figure svg[role=img] { display: block; width: 100%; height: auto; }
figure.wide { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: start; }
figure.wide h2, figure.wide figcaption { flex: 1 0 100%; margin: 0; }
figure.wide svg[role=img] { flex: 3 1 27rem; width: auto; }
figure.wide table { flex: 2 1 20rem; width: auto; margin: 0; font-size: .8rem; }
figcaption { color: var(--quiet); font-size: .85rem; margin-top: .5rem; overflow-wrap: anywhere; }
details { margin-top: .5rem; color: var(--ink); }
summary { cursor: pointer; color: var(--quiet); }
table { border-collapse: collapse; margin-top: .4rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; border-bottom: 1px solid var(--rule); overflow-wrap: break-word; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
svg text { font-size: 12px; fill: var(--ink); }
svg .tick, svg .label, svg .note { fill: var(--quiet); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--quiet); stroke-width: 1; }
svg polyline { fill: none; }
svg .curve { stroke: var(--right); stroke-width: 2; stroke-linejoin: round; }
svg .thin { stroke-width: 1.25; opacity: .6; }
svg .diagonal { stroke: var(--quiet); stroke-dasharray: 4 4; }
svg .whisker { stroke: var(--right); stroke-width: 1.5; opacity: .55; }
svg .band { fill: var(--band); stroke: none; }
svg .dot { fill: var(--right); }
svg .amount { fill: var(--amount); }
svg .right { fill: var(--right); }
svg .wrong { fill: var(--wrong); }
svg .right-text { fill: var(--right); font-weight: 600; }
svg .wrong-text { fill: var(--wrong); font-weight: 600; }
svg .target { stroke: var(--wrong); stroke-width: 1.5; stroke-dasharray: 6 4; }
svg .target-text { fill: var(--wrong); }
svg .threshold { stroke: var(--chosen); stroke-width: 1.5; stroke-dasharray: 3 3; }
svg .chosen { fill: var(--chosen); stroke: var(--card); stroke-width: 2; }
svg .chosen-text { fill: var(--chosen); font-weight: 600; }
svg .alone { fill: var(--card); stroke: var(--ink); stroke-width: 1.75; }
svg .cell { stroke: var(--rule); stroke-width: 1; }
svg .hit { fill: var(--right); }
svg .miss { fill: var(--wrong); }
svg .number { font-size: 11px; }
svg .strong { fill: var(--page); font-weight: 600; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --rule: #ccc;
    --right: #2a6fbb; --wrong: #d2691e; --chosen: #b3006b; --band: #2a6fbb22; --amount: #9fb3c8; }
  body { max-width: none; padding: 0; font-size: 11px; }
  figure, .figures div { border: 1px solid var(--rule); }
  .charts { grid-template-columns: 1fr 1fr; gap: .75rem; }
  details::details-content { display: block; content-visibility: visible; height: auto; }
  summary { display: none; }
}
"""
