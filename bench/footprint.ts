/** What a site costs in memory, by state, and on disk. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PsRow } from '../src/api/types.ts';
import { sitePath } from '../src/cli/client.ts';
import { databaseNames } from '../src/database/tenants.ts';
import type { RestingState } from '../src/domain/state.ts';
import { exec } from '../src/lib/exec.ts';
import { memoryState } from '../src/lifecycle/pressure.ts';
import { median } from './report.ts';
import { visit } from './stand.ts';
import type { BenchSite, Stand } from './stand.ts';

export interface MemoryFigure {
  readonly state: string;
  /** What the cgroups of the sites say, for each site. */
  readonly cgroupBytes: number;
  /** By how much less memory the machine has available than with all of them cold, for each site. */
  readonly machineBytes: number;
}

export interface DiskFigures {
  readonly siteBytes: number;
  readonly databaseBytes: number;
}

const SETTLE_MS = 1_000;

/** Some sites, all in one state after the other. They are cold before and after. */
export async function memoryByState(stand: Stand, sites: readonly BenchSite[]): Promise<MemoryFigure[]> {
  await settle(stand, sites, 'cold');
  const before = await availableBytes();
  const figures: MemoryFigure[] = [];
  const measure = async (state: string): Promise<void> => {
    const machineBytes = (before - (await availableBytes())) / sites.length;
    const rows = await stand.api.get<PsRow[]>('/v1/ps');
    const ids = new Set(sites.map(({ id }) => id));
    const known = rows.filter((row) => ids.has(row.id));
    const odd = known.find((row) => row.state !== state);
    if (odd !== undefined) console.error(`${odd.site} is ${odd.state}, not ${state}: the figure counts it all the same`);
    figures.push({ state, machineBytes, cgroupBytes: known.reduce((sum, row) => sum + (row.memoryBytes ?? 0), 0) / sites.length });
  };
  for (const site of sites) await visit(stand, site);
  await measure('running');
  for (const rung of ['frozen', 'checkpointed', 'cold'] as const) {
    await settle(stand, sites, rung);
    await measure(rung);
  }
  return figures;
}

export async function diskFigures({ platform }: Stand, sites: readonly BenchSite[]): Promise<DiskFigures> {
  const root = (id: string): string => join(platform.state, 'sites', id);
  const database = (id: string): string => join(platform.state, 'database/data', databaseNames(id).database);
  return {
    siteBytes: median(await Promise.all(sites.map(({ id }) => bytesBelow(root(id))))),
    databaseBytes: median(await Promise.all(sites.map(({ id }) => bytesIn(database(id))))),
  };
}

async function settle({ api }: Stand, sites: readonly BenchSite[], to: RestingState): Promise<void> {
  for (const { domain } of sites) await api.post(sitePath(domain, '/sleep'), { to });
  await sleep(SETTLE_MS);
}

async function availableBytes(): Promise<number> {
  return (await memoryState()).availableBytes;
}

/** What `du` counts: blocks, and each file once. */
async function bytesBelow(dir: string): Promise<number> {
  return Number((await exec(['du', '-s', '--block-size=1', '--', dir])).stdout.split('\t')[0]);
}

async function bytesIn(dir: string): Promise<number> {
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).blocks * 512));
  return sizes.reduce((sum, size) => sum + size, 0);
}
