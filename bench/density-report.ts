/** What the density benchmark tells, and its picture. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { formatSize } from '../src/lib/units.ts';
import { renderChart } from './chart.ts';
import type { DensityWatch, Sample } from './density-watch.ts';
import type { DiskFigures, MemoryFigure } from './footprint.ts';
import { markdownTable, median, percentile } from './report.ts';
import { ONE_BY_ONE } from './stand.ts';
import type { BenchSite, Visit } from './stand.ts';

interface DensityFigures {
  readonly sites: readonly BenchSite[];
  readonly first: readonly Visit[];
  readonly tail: readonly Visit[];
  readonly memory: readonly MemoryFigure[];
  readonly disk: DiskFigures;
  readonly watch: DensityWatch;
  /** All sites went cold by themselves in the end. */
  readonly rested: boolean;
  readonly policy: { readonly freezeAfter: string; readonly idleTimeout: string };
  readonly visitors: number;
}

const PICTURE = fileURLToPath(new URL('../docs/density.svg', import.meta.url));
const SMALL_PICTURE = fileURLToPath(new URL('../test-results/density.svg', import.meta.url));
const GIB = 1024 ** 3;
const MAKING_SHOWN_S = 20;

export async function drawDensity({ watch }: DensityFigures, { keep }: { readonly keep: boolean }): Promise<void> {
  // Making the sites takes long and shows little: the picture begins at the end of it.
  const from = Math.max(0, (watch.phases[1]?.at ?? 0) - MAKING_SHOWN_S);
  const samples = watch.samples.filter(({ at }) => at >= from);
  const phases = watch.phases.map(({ title, at }) => ({ title, at: Math.max(0, at - from) }));
  const line = (value: (sample: Sample) => number | undefined) =>
    samples.map((sample) => ({ at: sample.at - from, value: value(sample) ?? -1 })).filter((point) => point.value >= 0);
  const text = renderChart({
    until: (samples.at(-1)?.at ?? 1) - from,
    marks: phases,
    panels: [
      {
        title: 'Memory used',
        unit: 'GiB',
        lines: [
          { name: 'the whole machine', color: 'a', points: line(({ usedBytes }) => usedBytes / GIB) },
          { name: 'the sites’ cgroups', color: 'b', points: line(({ memoryBytes }) => (memoryBytes.running + memoryBytes.frozen) / GIB) },
        ],
      },
      {
        title: 'Sites in memory',
        unit: 'sites',
        lines: [
          { name: 'running', color: 'a', points: line(({ instances }) => instances.running) },
          { name: 'frozen', color: 'c', points: line(({ instances }) => instances.frozen) },
        ],
      },
      {
        title: 'A visitor waits for the page',
        unit: 'ms',
        lines: [
          { name: 'median of two seconds', color: 'a', points: line(({ p50 }) => p50) },
          { name: 'p99 of two seconds', color: 'b', points: line(({ p99 }) => p99) },
        ],
      },
    ],
  });
  const path = keep ? PICTURE : SMALL_PICTURE;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

export function tellDensity(figures: DensityFigures): string {
  const { sites, first, tail, memory, disk, watch, rested, policy, visitors } = figures;
  const { samples } = watch;
  const creating = sites.slice(0, ONE_BY_ONE).map(({ createMs }) => createMs);
  const most = (value: (sample: Sample) => number): number => Math.max(...samples.map(value));
  const rows = [
    ['making a site, through the API', `median ${median(creating).toFixed(0)} ms, p99 ${percentile(creating, 0.99).toFixed(0)} ms`],
    ['on disk, a site', `${formatSize(disk.siteBytes)} of files, ${formatSize(disk.databaseBytes)} of database`],
    ['most sites in memory at once', `${most(({ instances }) => instances.running + instances.frozen)}`],
    ['most memory used, whole machine', formatSize(most(({ usedBytes }) => usedBytes))],
    ['memory used at the start, and at the end with all asleep', `${formatSize(samples[0]?.usedBytes ?? 0)}, ${formatSize(samples.at(-1)?.usedBytes ?? 0)}`],
    [
      'resident memory of the daemon at the end, and at most',
      `${formatSize(samples.at(-1)?.daemonBytes ?? 0)}, ${formatSize(most(({ daemonBytes }) => daemonBytes))}`,
    ],
    [
      'resident memory of MariaDB at the start, and at most',
      `${formatSize(samples[0]?.databaseBytes ?? 0)}, ${formatSize(most(({ databaseBytes }) => databaseBytes))}`,
    ],
    ['wrong answers', `**${faults(first) + faults(tail)}** of ${first.length + tail.length}`],
  ];
  const memoryRows = memory.map(({ state, cgroupBytes, machineBytes }) => [state, formatSize(cgroupBytes), mib(machineBytes)]);
  return `## density: ${sites.length} WordPress sites on one machine

Each made with a title of its own, visited once in random order, and then visited ${tail.length} times as the web is: the k-th most popular site gets 1/k of the first one’s visits, ${visitors} visitors at a time. Sites freeze ${policy.freezeAfter} and leave memory ${policy.idleTimeout} after their last visit${rested ? '' : '; not all had left it when the run ended'}. An answer is right when it is whole and holds its own site’s title and no other’s.

![memory and waiting over the run](density.svg)

${markdownTable(['what', 'figure'], rows)}

How long a visitor waited, by the state the site was found in:

${markdownTable(['phase', 'found', 'visits', 'median ms', 'p99 ms'], [...latencies('each once', first), ...latencies('long tail', tail)])}

What one site takes in memory (some sites, all in the same state; by their cgroups, and by what the machine has less available than with them cold):

${markdownTable(['state', 'its cgroup', 'the machine'], memoryRows)}`;
}

function latencies(phase: string, visits: readonly Visit[]): string[][] {
  const states = ['running', 'frozen', 'checkpointed', 'cold', 'unknown'].filter((state) => visits.some(({ from }) => from === state));
  const row = (found: string, some: readonly Visit[]): string[] => {
    const ms = some.map((one) => one.ms);
    return [phase, found, String(some.length), median(ms).toFixed(0), percentile(ms, 0.99).toFixed(0)];
  };
  const each = states.map((state) =>
    row(
      state,
      visits.filter(({ from }) => from === state),
    ),
  );
  return states.length > 1 ? [row('any', visits), ...each] : each;
}

function faults(visits: readonly Visit[]): number {
  return visits.filter(({ fault }) => fault !== undefined).length;
}

/** A difference may be below zero: noise. */
function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
