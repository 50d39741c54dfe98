/** What the wake benchmark tells. */
import { markdownTable, median, percentile } from './report.ts';

export type Series = Record<string, number[]>;

export interface WakeFigures {
  readonly series: Series;
  /** By way, then by phase. */
  readonly phases: Record<string, Series>;
}

interface Told extends WakeFigures {
  readonly warm: { readonly ours: number; readonly plain: number };
  readonly warmPages: number;
  readonly podman: string;
  readonly noRestore?: string;
}

const OURS: Readonly<Record<string, string>> = {
  warm: 'warm page (W)',
  paused: 'warm page after a moment’s pause, as there is before each way below',
  frozen: '**frozen** → first page',
  checkpointed: '**checkpointed** → first page',
  spare: '**cold**, a spare waits → first page',
  'spare-never': '**cold**, never visited before, a spare waits',
  cold: '**cold**, by template → first page',
  never: '**cold**, by template, a site never visited before',
  boot: '**cold**, by boot (no checkpoints) → first page',
};

const PEERS: Readonly<Record<string, string>> = {
  restore: '`podman container restore`, no network',
  'start-none': '`podman start`, no network',
  'run-none': '`podman run`, no network',
  'run-bridge': '`podman run`, bridge network',
};

const PHASES: Readonly<Record<string, string>> = {
  queue: 'queue: until it may start',
  verify: 'verify: the files it comes from are in order',
  prepare: 'prepare: directories, record, bundle',
  restore: 'restore: CRIU brings the processes back',
  start: 'start: crun makes the container',
  listen: 'listen: PHP-FPM starts, until it listens',
  hand: 'hand: a spare gets the site’s mounts, limits, directories, log and record',
  thaw: 'thaw: the cgroup goes on',
  route: 'route: the edge is led to it',
  page: 'page: WordPress makes the page, and the way there and back',
};

export function tellWakes({ series, phases, warm, warmPages, podman, noRestore }: Told): string {
  const peers = Object.keys(PEERS).filter((name) => series[name] !== undefined);
  const titles = { ...OURS, ...PEERS };
  const beside = noRestore === undefined ? ['restore', 'start-none', 'run-none'] : ['start-none', 'run-none'];
  const rows = [...Object.keys(OURS), ...peers].map((name) => wayRow(name, { title: titles[name] ?? name, series, beside }));
  const head = [...WAY_HEAD, ...beside.map((name) => `\`podman ${name.replace('-none', '')}\` over it`)];
  const ways = Object.keys(OURS).filter((way) => phases[way] !== undefined);
  return `## wake: the first page of one WordPress

The same files, the same php.ini, in one run, in turns; from the request (ours) or the command (podman) to the last byte of the page.

${markdownTable(head, rows)}

Where the milliseconds go (medians):

${markdownTable(['phase', ...ways], phaseRows(phases, ways))}

The warm page, ${warmPages} times in turns: through the edge ${warm.ours.toFixed(1)} ms, through a plain nginx with php-fpm on the same files ${warm.plain.toFixed(1)} ms, ratio **${(warm.ours / warm.plain).toFixed(3)}**.

The peer: podman ${podman} with crun, overlay storage, the image already there, cgroupfs, k8s-file log, the site's own user namespace and database, the page through a plain nginx that is already running; PHP with opcache as it is by default, without a file cache. Ours has the file cache that the image brings; that is part of what is compared. A site that was never visited is a copy of one that made its first page. ${restoreFacts(noRestore)}`;
}

function restoreFacts(noRestore: string | undefined): string {
  if (noRestore !== undefined) return `\`podman container restore\` did not work on this machine, so there is no figure of it: ${noRestore}`;
  return '`podman container restore` brings back a container that was visited and then checkpointed; as Debian 12 has no runtime and no CRIU for it that work on this kernel, podman got crun, a stock CRIU and libcriu of Debian 13, `external mnt[]`, `empty-ns net` and `network-lock skip` in CRIU’s configuration, and readable dump files.';
}

export const WAY_HEAD = ['way', 'times', 'median ms', 'p99 ms', 'over W'] as const;

/** The cells below `WAY_HEAD`, and how many times as long each peer took. */
export function wayRow(name: string, { title, series, beside }: { title: string; series: Series; beside: readonly string[] }): string[] {
  const values = series[name] ?? [];
  const middle = median(values);
  const over = beside.map((peer) => (median(series[peer] ?? []) / middle).toFixed(1));
  return [title, String(values.length), inMs(middle), inMs(percentile(values, 0.99)), (middle / median(series['warm'] ?? [])).toFixed(2), ...over];
}

/** @param titles in place of those of WordPress */
export function phaseRows(phases: WakeFigures['phases'], ways: readonly string[], titles: Readonly<Record<string, string>> = {}): string[][] {
  return Object.entries({ ...PHASES, ...titles })
    .filter(([name]) => ways.some((way) => phases[way]?.[name] !== undefined))
    .map(([name, title]) => [title, ...ways.map((way) => phaseCell(phases[way]?.[name]))]);
}

export function push(series: Series, name: string, ms: number): void {
  (series[name] ??= []).push(ms);
}

function inMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 1 : 0);
}

function phaseCell(values: readonly number[] | undefined): string {
  return values === undefined ? '–' : median(values).toFixed(1);
}
