/** The first page of one WordPress from every rung of the ladder, beside podman's ways to start it; and the warm page beside a plain nginx. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_SITE_RANGE } from '../src/domain/uid-range.ts';
import { sitePath } from '../src/cli/client.ts';
import { wakePhases } from '../src/cli/tour.ts';
import type { RestingState } from '../src/domain/state.ts';
import { fetchPage, fetchWholePage } from '../src/lib/timed-page.ts';
import { untilFirstPage } from './first-page.ts';
import { PodmanPeer } from './podman.ts';
import { median, writeSection } from './report.ts';
import { createSites, endStand, NO_POLICY, SPARES, startStand, untilTemplate } from './stand.ts';
import type { BenchSite, Stand } from './stand.ts';
import { push, tellWakes } from './wake-report.ts';
import type { WakeFigures } from './wake-report.ts';

const SITE = 'bench.localhost';
const ROUNDS = 20;
const WARM_UP_ROUNDS = 2;
const WARM_PAGES_A_ROUND = 8;
const PAUSED_PAGES_A_ROUND = 2;
const WARM_PAGES_BESIDE = 60;
const PEER_PORT_OFFSET = 1;
/** What the way before left to be cleared away should not slow the next one. */
const CALM_MS = 150;

interface Stands {
  readonly ours: Stand;
  /** The same without checkpoints: what a cold site costs where there is no template. */
  readonly booting: Stand;
  /** The same where spares wait. */
  readonly sparing: Stand;
  readonly peer: PodmanPeer;
  readonly peerPort: number;
  /** Why podman cannot restore on this machine. */
  noRestore?: string;
}

export async function run(rounds = ROUNDS): Promise<void> {
  const ours = await startStand(NO_POLICY);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(ours));
  const booting = await startStand({ ...NO_POLICY, checkpoints: false });
  undo.defer(() => endStand(booting));
  const sparing = await startStand({ ...NO_POLICY, spares: SPARES });
  undo.defer(() => endStand(sparing));
  // Its uid range is the first one, which the peer takes too.
  const site = await ours.platform.createSite(SITE, '--title', 'Bench');
  await booting.platform.createSite(SITE, '--title', 'Bench');
  await sparing.platform.createSite(SITE, '--title', 'Bench');
  const fresh = await createSites(ours, WARM_UP_ROUNDS + rounds, 'new');
  const freshToo = await createSites(sparing, WARM_UP_ROUNDS + rounds, 'new');
  await untilTemplate(ours);
  const peer = await PodmanPeer.create(ours.platform, { id: site.id, uidRange: FIRST_SITE_RANGE });
  undo.defer(() => peer.dispose());
  const stands: Stands = { ours, booting, sparing, peer, peerPort: ours.platform.http + PEER_PORT_OFFSET };
  await preparePeer(stands);

  const counted: WakeFigures = { series: {}, phases: {} };
  for (const [round, one] of fresh.entries()) {
    const counts = round >= WARM_UP_ROUNDS;
    console.log(counts ? `round ${round - WARM_UP_ROUNDS + 1} of ${rounds}` : 'warming up');
    const figures = counts ? counted : { series: {}, phases: {} };
    await oneRound(stands, one, figures);
    await spareRound(stands, freshToo[round] ?? one, figures);
  }
  const warm = await warmBeside(stands);
  const { noRestore } = stands;
  const text = tellWakes({ ...counted, warm, podman: await peer.version(), warmPages: WARM_PAGES_BESIDE, ...(noRestore === undefined ? {} : { noRestore }) });
  await writeSection('wake', text, { keep: rounds >= ROUNDS });
}

/** Podman's image, the plain nginx, and a container that was visited and then checkpointed. */
async function preparePeer(stands: Stands): Promise<void> {
  const { peer, peerPort } = stands;
  console.log('preparing podman');
  await peer.prepare();
  await peer.startNginx(peerPort);
  try {
    await peer.learnToRestore();
    await untilPage(stands, () => peer.run('saved', 'none'));
    for (let index = 0; index < WARM_PAGES_A_ROUND; index += 1) await fetchWholePage(SITE, peerPort);
    await peer.checkpoint('saved');
    await untilPage(stands, () => peer.restore('saved'));
    await peer.checkpoint('saved');
  } catch (error) {
    stands.noRestore = String(error).split('\n')[0] ?? '';
    console.log(`podman cannot restore here: ${stands.noRestore}`);
    await peer.remove('saved').catch(() => undefined);
  }
}

/** Each way once, one after the other, so that a slow minute of the machine is slow for all. */
async function oneRound(stands: Stands, fresh: BenchSite, figures: WakeFigures): Promise<void> {
  const { ours, booting, peer } = stands;
  await fetchWholePage(SITE, ours.platform.http);
  for (let index = 0; index < WARM_PAGES_A_ROUND; index += 1) push(figures.series, 'warm', (await fetchWholePage(SITE, ours.platform.http)).ms);
  for (let index = 0; index < PAUSED_PAGES_A_ROUND; index += 1) {
    await sleep(CALM_MS);
    push(figures.series, 'paused', (await fetchWholePage(SITE, ours.platform.http)).ms);
  }
  for (const rung of ['frozen', 'checkpointed', 'cold'] as const) await oneWake(ours, { domain: SITE, rung, way: rung }, figures);
  await oneWake(ours, { domain: fresh.domain, rung: undefined, way: 'never' }, figures);
  for (const domain of [SITE, fresh.domain]) await ours.api.post(sitePath(domain, '/sleep'), { to: 'cold' });
  await oneWake(booting, { domain: SITE, rung: 'cold', way: 'boot' }, figures);
  await booting.api.post(sitePath(SITE, '/sleep'), { to: 'cold' });

  const timed = async (way: string, start: () => Promise<void>): Promise<void> => {
    await sleep(CALM_MS);
    push(figures.series, way, await untilPage(stands, start));
  };
  await timed('run-none', () => peer.run('wp', 'none'));
  await peer.remove('wp');
  await peer.create('wp');
  await timed('start-none', () => peer.start('wp'));
  await peer.remove('wp');
  await timed('run-bridge', () => peer.run('wp', 'bridge'));
  await peer.remove('wp');
  if (stands.noRestore !== undefined) return;
  await timed('restore', () => peer.restore('saved'));
  await peer.checkpoint('saved');
}

/** With as many spares as should wait, and nothing being made. */
async function spareRound({ sparing }: Stands, fresh: BenchSite, figures: WakeFigures): Promise<void> {
  for (const [domain, rung, way] of [
    [SITE, 'cold', 'spare'],
    [fresh.domain, undefined, 'spare-never'],
  ] as const) {
    if (rung !== undefined) await sparing.api.post(sitePath(domain, '/sleep'), { to: rung });
    await sparing.platform.untilSpares(SPARES);
    await oneWake(sparing, { domain, rung, way }, figures);
  }
  await sparing.api.post(sitePath(fresh.domain, '/sleep'), { to: 'cold' });
}

interface OneWake {
  readonly domain: string;
  /** Where it is put first; where it is not given, the site was never visited. */
  readonly rung: RestingState | undefined;
  readonly way: string;
}

/** The phase that shows how the processes came to be. */
const ORIGIN: Readonly<Record<string, string>> = {
  frozen: 'thaw',
  checkpointed: 'restore',
  cold: 'restore',
  never: 'restore',
  boot: 'start',
  spare: 'hand',
  'spare-never': 'hand',
};

async function oneWake({ platform, api }: Stand, { domain, rung, way }: OneWake, { series, phases }: WakeFigures): Promise<void> {
  if (rung !== undefined) await api.post(sitePath(domain, '/sleep'), { to: rung });
  await sleep(CALM_MS);
  const page = await fetchWholePage(domain, platform.http);
  const parts = wakePhases(page.timing);
  const from = rung ?? 'cold';
  if (!page.timing.includes(`desc="${from}"`) || !((ORIGIN[way] ?? '') in parts) || 'failed-restore' in parts) {
    throw new Error(`${domain} did not wake as ${way}: ${page.timing}`);
  }
  push(series, way, page.ms);
  const ofWay = (phases[way] ??= {});
  for (const [name, ms] of Object.entries(parts)) push(ofWay, name, ms);
  push(ofWay, 'page', page.ms - Object.values(parts).reduce((sum, ms) => sum + ms, 0));
}

function untilPage({ peerPort }: Stands, start: () => Promise<void>): Promise<number> {
  return untilFirstPage(start, async () => (await fetchPage(SITE, peerPort)).status === 200);
}

/** The warm page through the edge and through the plain nginx, in turns. */
async function warmBeside(stands: Stands): Promise<{ ours: number; plain: number }> {
  const { ours, peer, peerPort } = stands;
  await peer.run('warm', 'none');
  await fetchWholePage(SITE, ours.platform.http);
  await untilPage(stands, async () => undefined);
  const through: number[] = [];
  const plain: number[] = [];
  for (let index = 0; index < WARM_PAGES_BESIDE + 10; index += 1) {
    const [a, b] = [(await fetchWholePage(SITE, ours.platform.http)).ms, (await fetchWholePage(SITE, peerPort)).ms];
    if (index < 10) continue;
    through.push(a);
    plain.push(b);
  }
  await peer.remove('warm');
  return { ours: median(through), plain: median(plain) };
}
