/**
 * wp-cron by the platform's clock. Visitors never run it: it would make one of them wait, and a sleeping site has none.
 *
 * After a site was used, the time of its next work is read from its database, as its own database user, and kept in the CMDB. Every few seconds the
 * CMDB is asked which sites are due: one small question, however many sites sleep. A site that is due is woken, does its work, and goes back to the
 * state it was in.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type mysql from 'mysql2/promise';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { asUser } from '../database/root-access.ts';
import type { DatabaseAccess } from '../database/tenants.ts';
import type { EventSink, SubakoEvent } from '../domain/events.ts';
import type { Site } from '../domain/site.ts';
import type { State } from '../domain/state.ts';
import { poll } from '../lib/deadline.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { dueAt, HEAD_BYTES, intervalAfter, nextCron } from './next-cron.ts';
import { CRON_RUN } from './owner-types.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';
import type { SiteTools } from './site-tools.ts';

export interface CronClockDeps {
  readonly cmdb: Pick<Cmdb, 'site' | 'sites' | 'siteByDomain' | 'cron' | 'putCron' | 'dueCrons'>;
  readonly tools: SiteTools;
  readonly lifecycle: Pick<Lifecycle, 'live' | 'stateOf' | 'settle'>;
  readonly dirs: PlatformDirs;
  readonly databaseSocket: string;
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

const LOOK_EVERY_MS = 2_000;
/** A site in use is asked again no sooner. */
const READ_EVERY_MS = 15_000;
const READS_A_LOOK = 20;
/** Sites whose work is done at the same time. */
const AT_ONCE = 2;
const WORK_SECONDS = 240;
/** A failed run is tried again no sooner. */
const RETRY_MS = 15 * 60_000;
/** How long a site that slept before its work is tried to be put to rest again, and how often. */
const [REST_WITHIN_MS, REST_AGAIN_AFTER_MS] = [10_000, 1_000];
const ASLEEP: ReadonlySet<SubakoEvent['type']> = new Set(['instance.slept', 'site.created', 'site.changed']);

export class CronClock {
  readonly #deps: CronClockDeps;
  /** Sites whose plans may have changed, by id. */
  readonly #toRead = new Set<string>();
  /** Unix time in milliseconds of the last visit, by id of the site. */
  readonly #usedAt = new Map<string, number>();
  readonly #readAt = new Map<string, number>();
  /** How long the last run took, in milliseconds, by id of the site. Forgotten with the daemon: then each has one turn as if it were quick. */
  readonly #took = new Map<string, number>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #unfollow = (): void => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: CronClockDeps) {
    this.#deps = deps;
  }

  /** Reads every site's plans once, a few at a time: what was planned just before the last daemon ended is in no record. */
  async start(events: { follow(follower: (event: SubakoEvent) => void): () => void }): Promise<void> {
    this.#unfollow = events.follow((event) => this.#noteEvent(event));
    for (const site of await this.#deps.cmdb.sites()) if (site.phase === 'ready' && site.settings.cronEveryMs > 0) this.#toRead.add(site.id);
    this.#loop = this.#run();
  }

  /** Does not wait for work under way: its site goes to sleep with the platform. */
  async stop(): Promise<void> {
    this.#unfollow();
    this.#stopping.abort();
    await this.#loop;
    await Promise.all(this.#running.values());
  }

  /** Notes that the site was used: it may have planned something. It is told a moment later, so when it was is told too, in Unix time in milliseconds. */
  noteUse(siteId: string, at: number): void {
    this.#toRead.add(siteId);
    this.#usedAt.set(siteId, Math.max(at, this.#usedAt.get(siteId) ?? 0));
  }

  /** Some events mean that a site's plans should be read now. */
  #noteEvent({ type, site }: SubakoEvent): void {
    if (site === undefined || !ASLEEP.has(type)) return;
    void this.#deps.cmdb.siteByDomain(site).then((found) => {
      if (found?.phase !== 'ready') return;
      this.#readAt.delete(found.id);
      this.#toRead.add(found.id);
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().catch(() => undefined); // the database is down, perhaps; at the next look
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { cmdb, now } = this.#deps;
    const stale = [...this.#toRead].filter((id) => now() - (this.#readAt.get(id) ?? 0) >= READ_EVERY_MS).slice(0, READS_A_LOOK);
    for (const id of stale) await this.#readAnew(id);
    for (const { siteId } of await cmdb.dueCrons(now(), AT_ONCE * 2)) {
      if (this.#running.size >= AT_ONCE || this.#stopping.signal.aborted) return;
      if (this.#running.has(siteId)) continue;
      const work = this.#work(siteId).finally(() => this.#running.delete(siteId));
      this.#running.set(siteId, work);
    }
  }

  async #readAnew(siteId: string): Promise<void> {
    const { cmdb, now } = this.#deps;
    this.#readAt.set(siteId, now());
    this.#toRead.delete(siteId);
    const site = await cmdb.site(siteId);
    if (site?.phase !== 'ready') return this.#forget(siteId);
    // A new site has nothing urgent: it waits its time like all others.
    const ranAt = (await cmdb.cron(siteId))?.ranAt ?? site.createdAt;
    await this.#plan(site, ranAt).catch(() => undefined); // busy with its own connections, say; the next use notes it again
  }

  #forget(siteId: string): void {
    this.#readAt.delete(siteId);
    this.#usedAt.delete(siteId);
    this.#took.delete(siteId);
  }

  /** Least time between the beginnings of two runs. */
  #intervalOf({ id, settings }: Site): number {
    return intervalAfter(this.#took.get(id) ?? 0, settings.cronEveryMs);
  }

  async #plan(site: Site, ranAt: number): Promise<void> {
    const { cmdb, now, random } = this.#deps;
    const everyMs = this.#intervalOf(site);
    const wanted = site.settings.cronEveryMs === 0 || site.stack !== 'wordpress' ? undefined : await this.#wanted(site);
    await cmdb.putCron({ siteId: site.id, ranAt, dueAt: wanted === undefined ? null : dueAt(wanted, { ranAt, everyMs, now: now(), jitter: random() }) });
  }

  /** As the site's own user: what it asks for may be a view that the tenant made. */
  async #wanted(site: Site): Promise<number | undefined> {
    const { dirs, databaseSocket: socket } = this.#deps;
    const access = JSON.parse(await readFile(join(sitePaths(dirs, site.id).secrets, 'database.json'), 'utf8')) as DatabaseAccess;
    return asUser({ socket, database: access.database, ...access.reader }, async (own) => {
      const [rows] = await own.query<mysql.RowDataPacket[]>(
        "SET STATEMENT max_statement_time = 2 FOR SELECT LEFT(option_value, ?) AS head FROM wp_options WHERE option_name = 'cron' LIMIT 1",
        [HEAD_BYTES],
      );
      return nextCron(String(rows[0]?.['head'] ?? ''));
    });
  }

  async #work(siteId: string): Promise<void> {
    const { cmdb, tools, lifecycle, emit, now } = this.#deps;
    const site = await cmdb.site(siteId);
    if (site === undefined || site.phase !== 'ready') return;
    const began = now();
    if (site.settings.cronEveryMs === 0) return this.#plan(site, began);
    const from = lifecycle.stateOf(siteId, 'admin');
    try {
      const options = { input: { seconds: WORK_SECONDS }, timeoutMs: (WORK_SECONDS + 60) * 1000, cause: 'cron', quiet: true, signal: this.#stopping.signal };
      const { ran } = CRON_RUN.parse(await tools.run(site, 'cron', options));
      emit({ type: 'cron.ran', site: site.domain, facts: { ...this.#noteRun(site, began), hooks: ran.length, first: ran.slice(0, 5) } });
      await this.#plan(site, began);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      emit({ type: 'cron.failed', site: site.domain, cause: String(error), facts: this.#noteRun(site, began) });
      await cmdb.putCron({ siteId, ranAt: began, dueAt: Math.max(now() + Math.max(RETRY_MS, site.settings.cronEveryMs), began + this.#intervalOf(site)) });
    }
    await this.#backTo(siteId, from, began);
  }

  /** Notes how long a run took. What an event says of it: `restMs` where the site waits longer for its next turn than it is set to. */
  #noteRun(site: Site, began: number): { readonly ms: number; readonly restMs?: number } {
    const ms = this.#deps.now() - began;
    this.#took.set(site.id, ms);
    const restMs = this.#intervalOf(site);
    return restMs > site.settings.cronEveryMs ? { ms, restMs } : { ms };
  }

  /** Puts the site back into the state it was in, unless a visitor came meanwhile. */
  async #backTo(siteId: string, from: State, since: number): Promise<void> {
    const live = this.#deps.lifecycle.live(siteId, 'admin');
    if (live === undefined || from === 'running' || from === 'booting' || live.site.settings.keepAwake) return;
    const isDue = (): boolean => (this.#usedAt.get(siteId) ?? 0) < since;
    // What is in use just now, by a job say, is looked at again; later it is the reaper's.
    const rests = (): Promise<boolean> => this.#deps.lifecycle.settle(live, { to: from, cause: 'cron', isDue }).catch(() => true);
    await poll(async () => (await rests()) || !isDue(), { timeoutMs: REST_WITHIN_MS, everyMs: REST_AGAIN_AFTER_MS });
  }
}
