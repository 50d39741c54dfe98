/** The first page of a sleeping nginx, Node app and Rails app from every rung that apps have, beside podman's ways to start the same files. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sitePath } from '../src/cli/client.ts';
import { wakePhases } from '../src/cli/tour.ts';
import { exec } from '../src/lib/exec.ts';
import { fetchPage, fetchWholePage } from '../src/lib/timed-page.ts';
import { tellApps } from './apps-report.ts';
import { APP_PORT, APP_USER, appRootfs, BENCH_APPS } from './app-images.ts';
import type { BenchApp } from './app-images.ts';
import { untilFirstPage } from './first-page.ts';
import { PODMAN_LIMITS, PodmanStore } from './podman-store.ts';
import { writeSection } from './report.ts';
import { endStand, NO_POLICY, startStand, untilTemplate } from './stand.ts';
import type { Stand } from './stand.ts';
import { push } from './wake-report.ts';
import type { Series, WakeFigures } from './wake-report.ts';

const RUNGS = ['frozen', 'checkpointed', 'cold'] as const;
const ROUNDS = 20;
const WARM_UP_ROUNDS = 2;
const WARM_PAGES_A_ROUND = 8;
const PEER_PORT_OFFSET = 1;
/** What the way before left to be cleared away should not slow the next one. */
const CALM_MS = 150;
/** While a network is made a packet may vanish, and the kernel sends the next one only after a second. */
const CONNECT_WITHIN_MS = 10;

interface Stands {
  readonly ours: Stand;
  readonly peer: PodmanStore;
  readonly peerPort: number;
}

export async function run(rounds = ROUNDS): Promise<void> {
  // No spare is made beside, of WordPress.
  const ours = await startStand({ ...NO_POLICY, spares: 0 });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(ours));
  await untilTemplate(ours);
  const peer = await PodmanStore.open(join(ours.platform.dir, 'podman'));
  undo.defer(() => peer.dispose());
  const stands: Stands = { ours, peer, peerPort: ours.platform.http + PEER_PORT_OFFSET };
  for (const app of BENCH_APPS) await prepare(stands, app);

  const figures = new Map<string, WakeFigures>(BENCH_APPS.map(({ name }) => [name, { series: {}, phases: {} }]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    console.log(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
    for (const app of BENCH_APPS) await oneRound(stands, app, (round < 0 ? undefined : figures.get(app.name)) ?? { series: {}, phases: {} });
  }
  await writeSection('apps', tellApps(figures, await peer.version()), { keep: rounds >= ROUNDS });
}

const domainOf = ({ name }: BenchApp): string => `${name}.localhost`;
const imageOf = ({ name }: BenchApp): string => `localhost/subako-bench-${name}:1`;

/** The same files and the same command on both sides. */
async function prepare({ ours, peer }: Stands, app: BenchApp): Promise<void> {
  const rootfs = await appRootfs(app);
  await peer.importTree(rootfs, imageOf(app));
  const file = join(ours.platform.dir, `${app.name}.tar`);
  await exec(['tar', '-C', rootfs, '--exclude=./dev/*', '-cf', file, '.'], { timeoutMs: 300_000 });
  const config = { entrypoint: [], cmd: app.command, exposedPorts: [`${APP_PORT}/tcp`], user: APP_USER, workingDir: '/' };
  await ours.api.work('/v1/images/import', { file, name: imageOf(app), format: 'rootfs', config }, () => undefined);
  await exec(['rm', file]);
  await ours.api.post('/v1/apps', { domain: domainOf(app), image: imageOf(app) });
}

/** Each way once, one after the other, so that a slow minute of the machine is slow for all. */
async function oneRound(stands: Stands, app: BenchApp, figures: WakeFigures): Promise<void> {
  const { platform, api } = stands.ours;
  const domain = domainOf(app);
  await fetchWholePage(domain, platform.http);
  for (let index = 0; index < WARM_PAGES_A_ROUND; index += 1) push(figures.series, 'warm', (await fetchWholePage(domain, platform.http)).ms);
  await sleep(CALM_MS);
  push(figures.series, 'paused', (await fetchWholePage(domain, platform.http)).ms);
  for (const rung of RUNGS) await oneWake(stands.ours, { domain, rung }, figures);
  await api.post(sitePath(domain, '/sleep'), { to: 'cold' });
  await peerRound(stands, app, figures.series);
}

async function peerRound({ peer, peerPort }: Stands, app: BenchApp, series: Series): Promise<void> {
  const container = `bench-${app.name}`;
  const options = ['--name', container, ...PODMAN_LIMITS, '--log-driver', 'k8s-file', '--user', APP_USER, '-p', `127.0.0.1:${peerPort}:${APP_PORT}`];
  const asked = [...options, imageOf(app), ...app.command];
  const ask = (): Promise<boolean> => pageIsThere(domainOf(app), peerPort);
  await peer.run(['create', ...asked]);
  for (const [way, command] of [
    ['start', ['start', container]],
    ['run', ['run', '-d', ...asked]],
  ] as const) {
    await sleep(CALM_MS);
    push(series, way, await untilFirstPage(() => peer.run(command), ask));
    await peer.remove(container);
  }
}

async function oneWake(
  { platform, api }: Stand,
  { domain, rung }: { domain: string; rung: (typeof RUNGS)[number] },
  { series, phases }: WakeFigures,
): Promise<void> {
  await api.post(sitePath(domain, '/sleep'), { to: rung });
  await sleep(CALM_MS);
  const page = await fetchWholePage(domain, platform.http);
  if (!page.timing.includes(`desc="${rung}"`)) throw new Error(`${domain} did not wake from ${rung}: ${page.timing}`);
  push(series, rung, page.ms);
  const parts = wakePhases(page.timing);
  const ofWay = (phases[rung] ??= {});
  for (const [name, ms] of Object.entries(parts)) push(ofWay, name, ms);
  push(ofWay, 'page', page.ms - Object.values(parts).reduce((sum, ms) => sum + ms, 0));
}

async function pageIsThere(host: string, port: number): Promise<boolean> {
  if (!(await accepts(port))) return false;
  return fetchPage(host, port).then(
    ({ status }) => status === 200,
    () => false,
  );
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  const late = setTimeout(() => resolve(false), CONNECT_WITHIN_MS);
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => {
    clearTimeout(late);
    socket.destroy();
  });
}
