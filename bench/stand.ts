/** A platform for a benchmark: its own settings, its sites, and the API beside the command line. */
import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import type { CreatedSiteReply, TemplateReply } from '../src/api/types.ts';
import { Client } from '../src/cli/client.ts';
import { platformPaths } from '../src/main/paths.ts';
import { poll } from '../src/lib/deadline.ts';
import { TestPlatform } from '../test/helpers/platform.ts';

/** Awake sites stay awake, and no second container is started beside one. */
export const NO_POLICY = { freezeAfter: 'never', idleTimeout: 'never', coldAfter: 'never', lifetime: 'never', maxInstances: 1 } as const;

/** As by default. */
export const SPARES = 2;

export interface Stand {
  readonly platform: TestPlatform;
  readonly api: Client;
}

export interface BenchSite {
  readonly id: string;
  readonly domain: string;
  /** No other site has it, and no page of another holds it. */
  readonly title: string;
  readonly createMs: number;
}

export interface Visit {
  readonly ms: number;
  readonly status: number;
  /** The state it was found in. */
  readonly from: string;
  readonly timing: string;
  /** What was wrong with the answer, if anything. */
  readonly fault?: string;
}

/** @param settings keys of `config.json` */
export async function startStand(settings: Readonly<Record<string, unknown>> = {}): Promise<Stand> {
  const platform = await TestPlatform.create();
  await platform.configure(settings);
  await platform.up();
  return { platform, api: new Client(platformPaths(platform).api) };
}

export async function endStand({ platform }: Stand): Promise<void> {
  const left = await platform.stop();
  if (left.length > 0) console.error(left.join('\n'));
}

export async function untilTemplate({ api }: Stand): Promise<void> {
  const made = await poll(async () => (await api.get<TemplateReply[]>('/v1/templates')).length > 0, { timeoutMs: 120_000, everyMs: 250 });
  if (made !== true) throw new Error('no template was made; subako doctor may say why');
}

/** One after the other, each timed. */
/** So many sites are made one after the other, which is how long one takes; the rest two at a time. */
export const ONE_BY_ONE = 100;

export async function createSites({ api }: Stand, count: number, prefix: string): Promise<BenchSite[]> {
  const sites: BenchSite[] = [];
  const create = async (index: number): Promise<void> => {
    if (index % 50 === 0) console.log(`creating sites: ${index} of ${count}`);
    const number = String(index).padStart(4, '0');
    const title = `Hive ${number} ${randomBytes(4).toString('hex')}`;
    const domain = `${prefix}-${number}.localhost`;
    const began = performance.now();
    const { id } = await api.post<CreatedSiteReply>('/v1/sites', { domain, title });
    sites.push({ id, domain, title, createMs: performance.now() - began });
  };
  for (let index = 0; index < Math.min(count, ONE_BY_ONE); index += 1) await create(index);
  const left = Array.from({ length: Math.max(0, count - ONE_BY_ONE) }, (_, index) => ONE_BY_ONE + index);
  const worker = async (): Promise<void> => {
    for (let index = left.shift(); index !== undefined; index = left.shift()) await create(index);
  };
  await Promise.all([worker(), worker()]);
  return sites;
}

/** A page that must be whole and must be this site's own. Never throws: what went wrong is part of the figures. */
export async function visit({ platform }: Stand, { domain, title }: Pick<BenchSite, 'domain' | 'title'>): Promise<Visit> {
  const began = performance.now();
  try {
    const { status, text, headers } = await platform.fetch(domain, '/');
    const ms = performance.now() - began;
    const timing = String(headers['server-timing'] ?? '');
    const fault = faultOf(status, text, title);
    return { ms, status, from: /wake;desc="([a-z]+)"/u.exec(timing)?.[1] ?? 'running', timing, ...(fault === undefined ? {} : { fault }) };
  } catch (error) {
    return { ms: performance.now() - began, status: 0, from: 'unknown', timing: '', fault: String(error) };
  }
}

function faultOf(status: number, text: string, title: string): string | undefined {
  if (status !== 200) return `status ${status}`;
  const titles = new Set(text.match(/Hive \d{4} [0-9a-f]{8}/gu));
  if (!titles.has(title)) return 'its own title is missing';
  if (titles.size > 1) return 'it holds the title of another site';
  return text.includes('</html>') ? undefined : 'it is not whole';
}

export async function residentBytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/mu.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Every item, at most so many at a time, in order. */
export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
