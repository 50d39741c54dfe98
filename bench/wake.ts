/** The first page of one WordPress: warm, from a cold boot, and from podman; and the warm page beside a plain nginx. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_SITE_RANGE } from '../src/domain/uid-range.ts';
import { wakePhases } from '../src/cli/tour.ts';
import { TestPlatform } from '../test/helpers/platform.ts';
import { fetchPage, fetchWholePage } from '../src/lib/timed-page.ts';
import { PodmanPeer } from './podman.ts';
import { markdownTable, median, percentile, writeSection } from './report.ts';

const SITE = 'bench.localhost';
const ROUNDS = 12;
const WARM_UP_ROUNDS = 2;
const WARM_PAGES = 60;
const PEER_PORT_OFFSET = 1;

type Series = Record<string, number[]>;

export async function run(): Promise<void> {
  const platform = await TestPlatform.start();
  const site = await platform.createSite(SITE, '--title', 'Bench');
  await platform.json('site', 'set', SITE, 'idle=never', 'lifetime=never');
  const peer = new PodmanPeer(platform, { id: site.id, uidRange: FIRST_SITE_RANGE });
  const peerPort = platform.http + PEER_PORT_OFFSET;
  try {
    console.log('preparing podman');
    await peer.prepare();
    await peer.startNginx(peerPort);
    const series: Series = {};
    const phases: Series = {};
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
      const counted = round >= WARM_UP_ROUNDS;
      console.log(counted ? `round ${round - WARM_UP_ROUNDS + 1} of ${ROUNDS}` : 'warming up');
      await oneRound({ platform, peer, peerPort }, counted ? { series, phases } : { series: {}, phases: {} });
    }
    const warm = await warmBeside({ platform, peer, peerPort });
    await writeSection('wake', tell({ series, phases, warm, podman: await peer.version() }));
  } finally {
    await peer.dispose();
    const left = await platform.stop();
    if (left.length > 0) console.error(left.join('\n'));
  }
}

interface Stand {
  readonly platform: TestPlatform;
  readonly peer: PodmanPeer;
  readonly peerPort: number;
}

/** Each way once, one after the other, so that a slow minute of the machine is slow for all. */
async function oneRound(stand: Stand, { series, phases }: { series: Series; phases: Series }): Promise<void> {
  const { platform, peer } = stand;
  await platform.json('sleep', SITE, '--to', 'cold');
  const cold = await fetchWholePage(SITE, platform.http);
  push(series, 'cold', cold.ms);
  const parts = wakePhases(cold.timing);
  for (const [name, ms] of Object.entries(parts)) push(phases, name, ms);
  push(phases, 'page', cold.ms - Object.values(parts).reduce((sum, ms) => sum + ms, 0));
  for (let index = 0; index < 8; index += 1) push(series, 'warm', (await fetchWholePage(SITE, platform.http)).ms);
  await platform.json('sleep', SITE, '--to', 'cold');

  push(series, 'run-none', await untilPage(stand, () => peer.run('wp', 'none')));
  await peer.remove('wp');
  await peer.create('wp');
  push(series, 'start-none', await untilPage(stand, () => peer.start('wp')));
  await peer.remove('wp');
  push(series, 'run-bridge', await untilPage(stand, () => peer.run('wp', 'bridge')));
  await peer.remove('wp');
}

/** From the command to the last byte of the first whole page. */
async function untilPage({ peerPort }: Stand, start: () => Promise<void>): Promise<number> {
  const began = performance.now();
  const starting = start();
  let started = false;
  void starting.finally(() => {
    started = true;
  });
  for (;;) {
    const page = await fetchPage(SITE, peerPort);
    if (page.status === 200) break;
    if (started) await starting;
    await sleep(1);
    if (performance.now() - began > 60_000) throw new Error(`podman gave no page; the last answer was ${page.status}`);
  }
  const ms = performance.now() - began;
  await starting;
  return ms;
}

/** The warm page through the edge and through the plain nginx, in turns; and what the daemon used meanwhile. */
async function warmBeside({ platform, peer, peerPort }: Stand): Promise<{ ours: number; plain: number }> {
  await peer.run('warm', 'none');
  await fetchWholePage(SITE, platform.http);
  await untilPage({ platform, peer, peerPort }, async () => undefined);
  const ours: number[] = [];
  const plain: number[] = [];
  for (let index = 0; index < WARM_PAGES + 10; index += 1) {
    const [a, b] = [(await fetchWholePage(SITE, platform.http)).ms, (await fetchWholePage(SITE, peerPort)).ms];
    if (index < 10) continue;
    ours.push(a);
    plain.push(b);
  }
  await peer.remove('warm');
  return { ours: median(ours), plain: median(plain) };
}

function push(series: Series, name: string, ms: number): void {
  (series[name] ??= []).push(ms);
}

function tell({ series, phases, warm, podman }: { series: Series; phases: Series; warm: { ours: number; plain: number }; podman: string }): string {
  const of = (name: string): number => median(series[name] ?? []);
  const w = of('warm');
  const row = (title: string, name: string): string[] => {
    const values = series[name] ?? [];
    return [
      title,
      String(values.length),
      median(values).toFixed(0),
      percentile(values, 0.99).toFixed(0),
      (median(values) / w).toFixed(2),
      (median(values) / of('cold')).toFixed(2),
    ];
  };
  const rows = [
    row('warm page (W)', 'warm'),
    row('**cold boot, first page**', 'cold'),
    row('`podman start`, no network', 'start-none'),
    row('`podman run`, no network', 'run-none'),
    row('`podman run`, bridge network', 'run-bridge'),
  ];
  const parts = Object.entries(phases).map(([name, values]) => [PHASES[name] ?? name, median(values).toFixed(1)]);
  return `## wake: the first page of one WordPress

The same files, the same site, the same database, the same php.ini, in one run, in turns; from the request (ours) or the command (podman) to the last byte of the page.

${markdownTable(['way', 'times', 'median ms', 'p99 ms', 'over W', 'over cold boot'], rows)}

Where the milliseconds of a cold boot go (medians):

${markdownTable(['phase', 'ms'], parts)}

The warm page, ${WARM_PAGES} times in turns: through the edge ${warm.ours.toFixed(1)} ms, through a plain nginx with php-fpm on the same files ${warm.plain.toFixed(1)} ms, ratio **${(warm.ours / warm.plain).toFixed(3)}**.

The peer: podman ${podman} with crun, overlay storage, the image already there, cgroupfs, k8s-file log, the site's own user namespace, the page through a plain nginx that is already running; PHP with opcache as it is by default, without a file cache. Ours has the file cache that the image brings; that is part of what is compared.`;
}

const PHASES: Readonly<Record<string, string>> = {
  queue: 'queue: until it may boot',
  prepare: 'prepare: directories, record, bundle',
  start: 'start: crun makes the container',
  listen: 'listen: PHP-FPM starts, until it listens and is routed',
  page: 'page: WordPress makes the page, its code read from the file cache',
};
