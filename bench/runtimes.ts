/** One WordPress under each runtime: how it starts, what it holds in memory, what a system call costs. */
import { ALLOWED_SYSCALLS } from '../src/runtime/bundle/seccomp.ts';
import { RUNTIME_NAMES } from '../src/domain/runtime-name.ts';
import type { RuntimeName } from '../src/domain/runtime-name.ts';
import type { RestingState } from '../src/domain/state.ts';
import { formatSize } from '../src/lib/units.ts';
import { markdownTable, median, writeSection } from './report.ts';
import { createSites, endStand, NO_POLICY, startStand, untilTemplate, visit } from './stand.ts';
import type { BenchSite, Stand } from './stand.ts';

const ROUNDS = 10;
const WARM_PAGES = 10;
const CALLS = 50_000;
/** Nanoseconds for each: asking the kernel for nothing much, and looking at a file that is there. */
const MEASURE_CALLS = `$n = ${CALLS};
  $t = hrtime(true); for ($i = 0; $i < $n; $i++) posix_getppid(); $bare = (hrtime(true) - $t) / $n;
  $t = hrtime(true); for ($i = 0; $i < $n / 10; $i++) { clearstatcache(); fileperms("/srv/wordpress/index.php"); } $file = (hrtime(true) - $t) / ($n / 10);
  echo json_encode([$bare, $file]);`;

interface Figures {
  readonly start: number[];
  readonly cold: number[];
  readonly frozen: number[];
  readonly warm: number[];
  readonly memory: number[];
  readonly getppid: number[];
  readonly stat: number[];
}

export async function run(rounds = ROUNDS): Promise<void> {
  const figures = new Map<RuntimeName, Figures>();
  const booting = await startStand({ ...NO_POLICY, checkpoints: false });
  try {
    const sites = await createSites(booting, RUNTIME_NAMES.length, 'runtime');
    const places = RUNTIME_NAMES.map((runtime, index) => ({ runtime, site: sites[index] })).filter((place): place is Place => place.site !== undefined);
    for (const { runtime, site } of places) {
      await booting.platform.set(site.domain, `runtime=${runtime}`);
      figures.set(runtime, { start: [], cold: [], frozen: [], warm: [], memory: [], getppid: [], stat: [] });
    }
    for (let round = -1; round < rounds; round += 1) {
      console.log(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
      for (const place of places) await aRound(booting, place, round < 0 ? undefined : figures.get(place.runtime));
    }
  } finally {
    await endStand(booting);
  }
  await report(figures, await fromTemplate(rounds), rounds);
}

interface Place {
  readonly runtime: RuntimeName;
  readonly site: BenchSite;
}

async function aRound(stand: Stand, { site }: Place, into: Figures | undefined): Promise<void> {
  await rest(stand, site, 'cold');
  const { phases } = await stand.platform.wake(site.domain);
  into?.start.push((phases['start'] ?? 0) + (phases['listen'] ?? 0));
  await rest(stand, site, 'cold');
  into?.cold.push(await pageMs(stand, site));
  await pageMs(stand, site);
  await rest(stand, site, 'frozen');
  into?.frozen.push(await pageMs(stand, site));
  for (let page = 0; page < WARM_PAGES; page += 1) into?.warm.push(await pageMs(stand, site));
  into?.memory.push((await stand.platform.row(site.domain)).memoryBytes ?? 0);
  const [getppid, stat] = await callsOf(stand, site);
  into?.getppid.push(getppid);
  into?.stat.push(stat);
}

/** Nanoseconds for a system call, and for a look at a file. */
async function callsOf({ platform }: Stand, { domain }: BenchSite): Promise<readonly [getppid: number, stat: number]> {
  const argv = ['php8.4', '-n', '-d', 'extension=posix', '-r', MEASURE_CALLS];
  const { stdout, stderr } = await platform.inside(domain, argv, { role: 'public' });
  if (stdout === '') throw new Error(`no figures of system calls: ${stderr}`);
  return JSON.parse(stdout) as [number, number];
}

/** What the default runtime does instead of a boot. */
async function fromTemplate(rounds: number): Promise<number[]> {
  const stand = await startStand(NO_POLICY);
  try {
    const [site] = await createSites(stand, 1, 'template');
    if (site === undefined) return [];
    await untilTemplate(stand);
    const pages: number[] = [];
    for (let round = -1; round < rounds; round += 1) {
      await rest(stand, site, 'cold');
      const ms = await pageMs(stand, site);
      if (round >= 0) pages.push(ms);
    }
    return pages;
  } finally {
    await endStand(stand);
  }
}

async function rest({ platform }: Stand, { domain }: BenchSite, to: RestingState): Promise<void> {
  if ((await platform.row(domain)).state !== to) await platform.sleep(domain, to, 'public');
}

async function pageMs(stand: Stand, site: BenchSite): Promise<number> {
  const { ms, fault } = await visit(stand, site);
  if (fault !== undefined) throw new Error(`${site.domain}: ${fault}`);
  return ms;
}

async function report(figures: ReadonlyMap<RuntimeName, Figures>, template: readonly number[], rounds: number): Promise<void> {
  const base = figures.get('crun');
  const ms = (values: readonly number[]): string => `${median(values).toFixed(0)} ms`;
  const nanoseconds = (values: readonly number[]): string => `${median(values).toFixed(0)} ns`;
  const row = (title: string, cell: (of: Figures) => string): string[] => [title, ...[...figures.values()].map(cell)];
  const times = (value: number, of: number | undefined): string => (of === undefined || of === 0 ? '' : ` (${(value / of).toFixed(1)}×)`);
  const rows = [
    row('start, until it listens', (of) => ms(of.start) + times(median(of.start), base && median(base.start))),
    row('first page of a cold site, by a boot', (of) => ms(of.cold) + times(median(of.cold), median(of.warm))),
    ['the same, from the template', ms(template), '–', '–'],
    row('first page of a frozen site', (of) => ms(of.frozen) + times(median(of.frozen), median(of.warm))),
    row('warm page', (of) => ms(of.warm) + times(median(of.warm), base && median(base.warm))),
    row('memory of a warm site', (of) => formatSize(median(of.memory)) + times(median(of.memory), base && median(base.memory))),
    row('a system call (getppid)', (of) => nanoseconds(of.getppid) + times(median(of.getppid), base && median(base.getppid))),
    row('a look at a file (stat)', (of) => nanoseconds(of.stat) + times(median(of.stat), base && median(base.stat))),
    [
      'system calls of the machine’s kernel that a site reaches',
      `${ALLOWED_SYSCALLS.length}, by the filter`,
      `${ALLOWED_SYSCALLS.length}, by the filter`,
      'none: gVisor answers',
    ],
  ];
  await writeSection(
    'runtimes',
    `## runtimes: one WordPress under each\n\n${markdownTable(['what', ...figures.keys()], rows)}\n\nMedians of ${rounds} rounds, all three in turns. In brackets: pages of cold and frozen sites over the runtime’s own warm page; the rest over crun’s. Pages past the page cache. Memory: of the container’s cgroup, after its pages. System calls of runsc: a core that is free waits for the next one, and it is quick; where there is none, each costs a change of process.`,
    { keep: rounds >= ROUNDS },
  );
}
