/** Many visitors in the same second: each at a cold site of their own, and then all at one checkpointed site. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sitePath } from '../src/cli/client.ts';
import type { SubakoEvent } from '../src/domain/events.ts';
import { formatSize } from '../src/lib/units.ts';
import { memoryState } from '../src/lifecycle/pressure.ts';
import { markdownTable, median, percentile, writeSection } from './report.ts';
import { createSites, endStand, NO_POLICY, shuffled, startStand, untilTemplate, visit } from './stand.ts';
import type { BenchSite, Stand, Visit } from './stand.ts';

/** What wakes stays awake; a crowded site may have as many containers as any. */
const { maxInstances: _, ...ALWAYS_UP } = NO_POLICY;
const SITES = 200;
const CLIENTS = 500;
const WITHIN_MS = 1_000;
const NEWEST_EVENTS = 20_000;

interface Storm {
  readonly visits: readonly Visit[];
  /** From the first request to the last answer. */
  readonly ms: number;
  /** By type, from the event log. */
  readonly events: ReadonlyMap<string, number>;
  /** How much less memory the machine had available at the end. */
  readonly memoryBytes: number;
}

export async function run(count = SITES): Promise<void> {
  const stand = await startStand(ALWAYS_UP);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(stand));
  await untilTemplate(stand);
  const sites = await createSites(stand, count, 'storm');
  const [crowded] = sites;
  if (crowded === undefined) return;
  await visit(stand, crowded);
  await stand.api.post(sitePath(crowded.domain, '/sleep'), { to: 'cold' });

  console.log(`${count} cold sites within ${WITHIN_MS} ms`);
  const many = await storm(stand, shuffled(sites), WITHIN_MS);
  const awake = await storm(stand, shuffled(sites), WITHIN_MS);
  for (const { domain } of sites) await stand.api.post(sitePath(domain, '/sleep'), { to: 'cold' });
  await visit(stand, crowded);
  await stand.api.post(sitePath(crowded.domain, '/sleep'), { to: 'checkpointed' });
  console.log(`${CLIENTS} clients at one checkpointed site`);
  const one = await storm(
    stand,
    Array.from({ length: CLIENTS }, () => crowded),
    0,
  );
  await writeSection('storm', tell({ count, many, awake, one }), { keep: count >= SITES });
  for (const { fault } of [...many.visits, ...awake.visits, ...one.visits].filter((visit) => visit.fault !== undefined).slice(0, 10))
    console.error(`fault: ${fault}`);
}

/** One request for each of the list, spread evenly over the time. */
async function storm(stand: Stand, sites: readonly BenchSite[], withinMs: number): Promise<Storm> {
  const [before, available] = [await lastEvent(stand), (await memoryState()).availableBytes];
  const began = performance.now();
  const visits = await Promise.all(
    sites.map(async (site, index) => {
      await sleep((index * withinMs) / sites.length);
      return visit(stand, site);
    }),
  );
  const ms = performance.now() - began;
  const memoryBytes = available - (await memoryState()).availableBytes;
  await sleep(1_000); // events are written a moment later
  const events = new Map<string, number>();
  for (const { seq, type } of await eventsOf(stand, NEWEST_EVENTS)) if (seq > before) events.set(type, (events.get(type) ?? 0) + 1);
  return { visits, ms, events, memoryBytes };
}

async function lastEvent(stand: Stand): Promise<number> {
  return (await eventsOf(stand, 1)).at(-1)?.seq ?? 0;
}

async function eventsOf({ api }: Stand, limit: number): Promise<SubakoEvent[]> {
  const lines = (await api.text(`/v1/events?limit=${limit}`)).split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as SubakoEvent);
}

function tell({ count, many, awake, one }: { count: number; many: Storm; awake: Storm; one: Storm }): string {
  const perSecond = (wakes(many) / many.ms) * 1000;
  const rows = [
    row(`${count} cold sites, one request each within ${WITHIN_MS / 1000} s`, many),
    row('the same once more, all awake now: what PHP alone takes', awake),
    row(`${CLIENTS} clients at once at one checkpointed site`, one),
  ];
  return `## storm: many visitors in the same second

${markdownTable(['storm', 'requests', 'errors', 'wakes', 'median ms', 'p99 ms', 'until the last answer', 'memory taken'], rows)}

That is **${perSecond.toFixed(1)} wakes a second**, pages included. Wakes are counted in the event log, and an answer that is not whole, or not its own site’s, is an error. The visitors run on the same machine and take their part of it. Other events meanwhile: ${others(many, awake, one)}.`;
}

function row(title: string, storm: Storm): string[] {
  const ms = storm.visits.map((visit) => visit.ms);
  const errors = storm.visits.filter(({ fault }) => fault !== undefined).length;
  return [
    title,
    String(ms.length),
    `**${errors}**`,
    String(wakes(storm)),
    median(ms).toFixed(0),
    percentile(ms, 0.99).toFixed(0),
    `${(storm.ms / 1000).toFixed(1)} s`,
    formatSize(Math.max(0, storm.memoryBytes)),
  ];
}

function wakes({ events }: Storm): number {
  return events.get('instance.woken') ?? 0;
}

function others(...storms: readonly Storm[]): string {
  const found = storms.flatMap(({ events }) => [...events]).filter(([type]) => type !== 'instance.woken');
  return found.length === 0 ? 'none' : found.map(([type, times]) => `${type} ${times}`).join(', ');
}
