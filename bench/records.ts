/** Ten thousand registered sites: what records alone cost the daemon, however many of them sleep. */
import { request } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PsRow } from '../src/api/types.ts';
import type { NewSite } from '../src/cmdb/cmdb.ts';
import { SqliteCmdb } from '../src/cmdb/sqlite/sqlite-cmdb.ts';
import { newId } from '../src/domain/ids.ts';
import type { Site } from '../src/domain/site.ts';
import { FIRST_SITE_RANGE, LAST_SITE_RANGE } from '../src/domain/uid-range.ts';
import { edgePaths } from '../src/edge/edge-service.ts';
import { formatSize } from '../src/lib/units.ts';
import { platformPaths } from '../src/main/paths.ts';
import type { TestPlatform } from '../test/helpers/platform.ts';
import { markdownTable, median, percentile, writeSection } from './report.ts';
import { createSites, endStand, NO_POLICY, residentBytes, startStand, visit } from './stand.ts';
import type { BenchSite, Stand } from './stand.ts';

const RECORDS = 10_000;
const FEW = 10;
const LOOKUPS = 2_000;
const TIMES = 5;

interface Figures {
  readonly sites: number;
  /** Daemon, database and edge. */
  readonly startMs: number;
  /** The daemon alone: the database and the edge went on, and it takes them over. */
  readonly restartMs: number;
  readonly psApiMs: number;
  readonly psCommandMs: number;
  readonly lookups: readonly number[];
  readonly daemonBytes: number;
  readonly daemonBytesAfter: number;
}

export async function run(count = RECORDS): Promise<void> {
  const stand = await startStand({ ...NO_POLICY, checkpoints: false });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(stand));
  const [real] = await createSites(stand, 1, 'real');
  if (real === undefined) return;
  await must(stand.platform, 'down');
  await register(stand.platform, FEW);
  const few = await figuresOf(stand, real);
  await must(stand.platform, 'down');
  const insertMs = await register(stand.platform, count);
  const many = await figuresOf(stand, real);
  await writeSection('records', tell({ few, many, insertMs }), { keep: count >= RECORDS });
}

async function figuresOf(stand: Stand, real: BenchSite): Promise<Figures> {
  const { platform, api } = stand;
  const command = platform.cli.bind(platform);
  console.log('starting');
  const startMs = await timed(() => platform.up());
  await must(platform, 'down', '--keep');
  const restartMs = await timed(() => platform.up());
  const pid = await platform.daemonPid();
  await sleep(2_000);
  const daemonBytes = await residentBytes(pid);
  const sites = (await api.get<PsRow[]>('/v1/ps')).length;
  const psApiMs = median(await repeated(TIMES, () => api.get('/v1/ps')));
  const psCommandMs = median(await repeated(TIMES, () => command(['ps', '--json'])));
  const { fault } = await visit(stand, real);
  if (fault !== undefined) throw new Error(`${real.domain}: ${fault}`);
  const socket = edgePaths(platform).wakeSocket;
  await repeated(LOOKUPS / 10, () => askAwake(socket, real.domain));
  const lookups = await repeated(LOOKUPS, () => askAwake(socket, real.domain));
  return { sites, startMs, restartMs, psApiMs, psCommandMs, lookups, daemonBytes, daemonBytesAfter: await residentBytes(pid) };
}

/** How many sites the machine has uid ranges for. */
const ROOM = LAST_SITE_RANGE - FIRST_SITE_RANGE + 1;

/** Fills the CMDB up to so many records, like the site that is there. Returns how long the last one took. */
async function register(platform: TestPlatform, count: number): Promise<number> {
  const path = platformPaths(platform).cmdb;
  await using cmdb = new SqliteCmdb(path);
  const sites = await cmdb.sites();
  const [model] = sites;
  if (model === undefined) throw new Error('there is no site to take after');
  let lastMs = 0;
  for (let index = sites.length; index < Math.min(count, ROOM); index += 1) {
    if (index % 1_000 === 0) console.log(`registering: ${index} of ${count}`);
    lastMs = await timed(() => cmdb.insertSite(like(model, index)));
  }
  if (count > ROOM) writeBeyond(path, model, count);
  return lastMs;
}

/** Records that no uid range is left for: rows as the CMDB writes them, past its check. Such a site could not run; its record costs the same. */
function writeBeyond(path: string, model: Site, count: number): void {
  using db = new DatabaseSync(path);
  const row = db.prepare('INSERT INTO sites (id, domain, stack, phase, image, uid_range, node, settings, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  db.exec('BEGIN');
  for (let index = ROOM; index < count; index += 1) {
    const { id, domain, stack, phase, image, node, settings, createdAt } = like(model, index);
    row.run(id, domain, stack, phase, image, FIRST_SITE_RANGE + index, node, JSON.stringify(settings), createdAt);
  }
  db.exec('COMMIT');
}

function like({ stack, phase, image, node, settings, createdAt }: Site, index: number): NewSite {
  return { id: newId(), domain: `record-${String(index).padStart(5, '0')}.localhost`, stack, phase, image, node, settings, createdAt };
}

/** What the edge asks when it does not find a site's socket; this one is awake, so that nothing but the answer is timed. */
async function askAwake(socketPath: string, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request({ socketPath, path: '/wake', headers: { 'x-subako-host': host }, agent: false }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode ?? 0));
  });
  sent.on('error', reject);
  sent.end();
  const status = await promise;
  if (status !== 204) throw new Error(`the dispatcher answered ${status}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function repeated(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let index = 0; index < times; index += 1) took.push(await timed(work));
  return took;
}

async function must(platform: TestPlatform, ...args: string[]): Promise<void> {
  const result = await platform.cli(args);
  if (result.code !== 0) throw new Error(`subako ${args.join(' ')}: ${result.stderr}`);
}

function tell({ few, many, insertMs }: { few: Figures; many: Figures; insertMs: number }): string {
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const row = (what: string, of: (figures: Figures) => string, target = ''): string[] => [what, of(few), of(many), target];
  const rows = [
    row('start: daemon, database and edge', ({ startMs }) => ms(startMs)),
    row('start of the daemon alone, the rest goes on', ({ restartMs }) => ms(restartMs), '≤ 3000 ms'),
    row('`ps`, through the API', ({ psApiMs }) => ms(psApiMs)),
    row('`ps --json`, the whole command', ({ psCommandMs }) => ms(psCommandMs), '≤ 1000 ms'),
    row('the dispatcher’s answer about one site, median', ({ lookups }) => `${(median(lookups) * 1000).toFixed(0)} µs`, 'does not grow'),
    row('the same, p99', ({ lookups }) => `${(percentile(lookups, 0.99) * 1000).toFixed(0)} µs`),
    row('resident memory of the daemon after its start', ({ daemonBytes }) => formatSize(daemonBytes), '≤ 300 MiB'),
    row('the same, after all of the above', ({ daemonBytesAfter }) => formatSize(daemonBytesAfter), '≤ 300 MiB'),
  ];
  return `## records: ${many.sites} registered sites

One site is there with all it has; the others are records like its own and their routes: what the daemon keeps of a site that nobody visits.

${markdownTable(['what', `${few.sites} sites`, `${many.sites} sites`, 'target'], rows)}

The last record took ${insertMs.toFixed(1)} ms to insert, on disk.${many.sites > ROOM ? ` A machine has uid ranges for ${ROOM} sites: the records above that could not run.` : ''}`;
}
