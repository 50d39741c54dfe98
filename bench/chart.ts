/** A line chart over time as plain SVG, readable on light and on dark pages. */

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

interface Line {
  readonly name: string;
  /** Of the style sheet below. */
  readonly color: 'a' | 'b' | 'c';
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

export interface Chart {
  readonly panels: readonly Panel[];
  /** Moments at which something new began. */
  readonly marks: readonly { readonly at: number; readonly title: string }[];
  /** Seconds. */
  readonly until: number;
}

const WIDTH = 860;
const PANEL = { height: 200, gap: 46, left: 56, right: 16, top: 66 } as const;
const INNER = WIDTH - PANEL.left - PANEL.right;
const TICKS = 4;
/** Titles of marks take turns, so that those of short times do not overlap. */
const MARK_ROWS = 3;
const STYLE = `text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.small{font-size:11px}
.grid{stroke:#ccc}.mark{stroke:#888;stroke-dasharray:3 3}path{fill:none;stroke-width:1.6;stroke-linejoin:round}
.a{stroke:#0b62c4}.b{stroke:#c2410c}.c{stroke:#15803d}text.a{fill:#0b62c4;stroke:none}text.b{fill:#c2410c;stroke:none}text.c{fill:#15803d;stroke:none}
@media (prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.mark{stroke:#999}
.a{stroke:#6cb0ff}.b{stroke:#ff9b63}.c{stroke:#5fd38a}text.a{fill:#6cb0ff}text.b{fill:#ff9b63}text.c{fill:#5fd38a}}`;

export function renderChart({ panels, marks, until }: Chart): string {
  const height = PANEL.top + panels.length * (PANEL.height + PANEL.gap);
  const x = (at: number): number => PANEL.left + (at / until) * INNER;
  const body = panels.map((panel, index) => renderPanel(panel, { top: PANEL.top + index * (PANEL.height + PANEL.gap), x }));
  const bottom = height - PANEL.gap;
  const markLines = marks.map(({ at, title }, index) => {
    const [left, row] = [x(at), 12 + (index % MARK_ROWS) * 13];
    const [anchor, shift] = left > WIDTH * 0.85 ? ['end', -4] : ['start', 4];
    const line = `<line class="mark" x1="${left.toFixed(1)}" x2="${left.toFixed(1)}" y1="${row + 2}" y2="${bottom}"/>`;
    return `${line}<text class="small" text-anchor="${anchor}" x="${(left + shift).toFixed(1)}" y="${row}">${escaped(title)}</text>`;
  });
  const minutes = Array.from({ length: TICKS + 1 }, (_, index) => (until * index) / TICKS);
  const times = minutes.map((at) => `<text class="small" text-anchor="middle" x="${x(at).toFixed(1)}" y="${bottom + 16}">${clock(at)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">\n<style>${STYLE}</style>\n${[...body, ...markLines, ...times].join('\n')}\n</svg>\n`;
}

function renderPanel({ title, unit, lines }: Panel, { top, x }: { top: number; x: (at: number) => number }): string {
  const highest = Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const limit = niceLimit(highest);
  const y = (value: number): number => top + PANEL.height - (value / limit) * PANEL.height;
  const grid = Array.from({ length: TICKS + 1 }, (_, index) => {
    const value = (limit * index) / TICKS;
    const at = y(value).toFixed(1);
    return `<line class="grid" x1="${PANEL.left}" x2="${WIDTH - PANEL.right}" y1="${at}" y2="${at}"/><text class="small" text-anchor="end" x="${PANEL.left - 6}" y="${Number(at) + 4}">${value}</text>`;
  });
  const paths = lines.map(({ points, color }) => {
    const steps = points.map(({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    return `<path class="${color}" d="${steps.join('')}"/>`;
  });
  const names = lines.map(
    ({ name, color }, index) => `<text class="${color} small" x="${PANEL.left + 300 + index * 170}" y="${top - 7}">${escaped(name)}</text>`,
  );
  return [`<text class="title" x="${PANEL.left}" y="${top - 7}">${escaped(`${title}, ${unit}`)}</text>`, ...names, ...grid, ...paths].join('\n');
}

/** The next of 1, 2, 4, 6, 8 times a power of ten: four even steps fit below it. */
function niceLimit(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest));
  return ([1, 2, 4, 6, 8].find((step) => step * power >= highest) ?? 10) * power;
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
