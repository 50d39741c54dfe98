/**
 * Looks at every instance once a second, and has done what is due: idle ones go down the ladder, stale ones are replaced, dead ones cleared away,
 * busy ones get help, and some leave when memory is short. It decides; the moves themselves are `Lifecycle`'s.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { limitsOf } from '../domain/site.ts';
import type { RestingState } from '../domain/state.ts';
import { rotateIfLarger } from '../lib/bounded-log.ts';
import { isAlive } from '../lib/proc.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { canCheckpoint } from './no-checkpoints.ts';
import { Crowd } from './crowd.ts';
import type { LifecycleDeps } from './deps.ts';
import { keepHouse } from './housekeeping.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Connections } from './connections.ts';
import type { Live } from './live.ts';
import { isShort, leastMissed, memoryState } from './pressure.ts';
import type { MemoryState } from './pressure.ts';
import { dueRest } from './policy.ts';
import { Renewals } from './renewals.ts';
import type { Verdicts } from './way-verdicts.ts';

const LOOK_EVERY_MS = 1_000;
/** How many leave memory at each look while memory is short. */
const EVICTED_AT_ONCE = 8;
/** Programs may take long to end, and the others must be looked at. */
const LEAVING_WAITED_FOR_MS = 3_000;
const HOUSE_EVERY_LOOKS = 60;

export class Reaper {
  readonly #lifecycle: Lifecycle;
  readonly #deps: LifecycleDeps;
  readonly #verdicts: Verdicts;
  readonly #crowd: Crowd;
  readonly #stopping = new AbortController();
  /** What is being worked on, by the key that `#once` was given. */
  readonly #busy = new Set<string>();
  readonly #renewals: Renewals;
  readonly #house = new SingleFlight<void>();
  #looks = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(lifecycle: Lifecycle, deps: LifecycleDeps, verdicts: Verdicts) {
    this.#lifecycle = lifecycle;
    this.#deps = deps;
    this.#verdicts = verdicts;
    this.#crowd = new Crowd(deps.settings.targetInFlight);
    this.#renewals = new Renewals({ lifecycle, now: deps.now, elapsed: () => performance.now() });
  }

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#house.settled();
  }

  /** One look at every instance. */
  async look(): Promise<void> {
    const connections = await this.#deps.connections.to(this.#lifecycle.allLive());
    await Promise.all(this.#lifecycle.allLive().map((live) => this.#lookAfter(live, connections)));
    this.#lookAtCrowds(connections);
    const memory = await memoryState();
    const short = isShort(memory, this.#deps.settings.memoryReserve);
    void this.#deps.spares.tend({ short, isQuiet: () => this.#lifecycle.isQuiet }).catch(() => undefined); // at the next look, perhaps
    if (short) await Promise.race([this.#relieve(connections, memory), sleep(LEAVING_WAITED_FOR_MS)]);
    this.#looks += 1;
    // Not waited for: a new template takes seconds.
    if (this.#looks % HOUSE_EVERY_LOOKS === 1) void this.#house.run('house', () => keepHouse(this.#lifecycle, this.#deps)).catch(() => undefined); // at the next look, perhaps
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look().catch(() => undefined); // /proc could not be read; at the next look, perhaps
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Waits for a second at most: one instance may drain for long, and the others must be looked at. */
  async #lookAfter(live: Live, connections: Connections): Promise<void> {
    await Promise.race([this.#once(live, () => this.#decide(live, connections)), sleep(LOOK_EVERY_MS)]);
  }

  /** Does the work unless work under the same key goes on. Never throws: what goes wrong becomes an event, and the next look tries again. */
  async #once(live: Live, work: () => Promise<unknown>, key = live.instance.id): Promise<void> {
    const { id } = live.instance;
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    try {
      await work();
    } catch (error) {
      this.#deps.emit({ type: 'instance.neglected', site: live.site.domain, instance: id, cause: String(error) });
    } finally {
      this.#busy.delete(key);
    }
  }

  async #decide(live: Live, connections: Connections): Promise<void> {
    if (!isAlive(live.process)) return this.#lifecycle.bury(live);
    if (live.isFrozen) return this.#lookAfterFrozen(live, connections);
    await this.#tellOfMemory(live);
    await rotateIfLarger(live.logPath, this.#deps.settings.logSize);
    // Also where the time of day was set back since.
    if (live.inFlightOf(connections) > 0 || live.holds > 0 || live.usedAt > this.#deps.now()) live.usedAt = this.#deps.now();
    const stale = await this.#staleness(live);
    if (stale !== undefined) return this.#renewals.look(live, stale);
    return this.#rest(live, 'idle');
  }

  async #lookAfterFrozen(live: Live, connections: Connections): Promise<void> {
    // Counted again: when all were counted, it may have been awake, and have had the last request before it was frozen.
    if (live.inFlightOf(connections) > 0 && live.inFlightOf(await this.#deps.connections.to([live])) > 0) return this.#lifecycle.thawStray(live);
    const stale = await this.#staleness(live);
    if (stale !== undefined) return void (await this.#lifecycle.settle(live, { to: 'cold', cause: stale }));
    return this.#rest(live, 'idle');
  }

  /** Puts it to rest as deep as its settings and its idle time say, if that is deeper than it is. */
  async #rest(live: Live, cause: string): Promise<void> {
    const due = (): RestingState | undefined => dueRest(live, { now: this.#deps.now(), checkpoints: this.#mayCheckpoint(live) }, this.#verdicts);
    const to = due();
    if (to !== undefined && this.#isDeeper(live, to)) await this.#lifecycle.settle(live, { to, cause, isDue: () => due() === to, since: live.usedAt });
  }

  /** What was tried with what its owner brought, and did not work, is not tried again by ourselves. */
  #mayCheckpoint({ site }: Live): boolean {
    const { runtime, trials } = this.#deps;
    return canCheckpoint(site, runtime) && (site.settings.checkpoint === 'always' || trials.whyNot(site) === undefined);
  }

  #isDeeper(live: Live, to: RestingState): boolean {
    return !(live.isFrozen && to === 'frozen');
  }

  /** Why an instance should be replaced by a new one; undefined where it should not. */
  async #staleness(live: Live): Promise<string | undefined> {
    const { lifetimeMs } = live.site.settings;
    if (lifetimeMs > 0 && this.#deps.now() - live.instance.bootedAt >= lifetimeMs) return 'lifetime';
    const site = await this.#deps.cmdb.site(live.site.id);
    if (site === undefined) return undefined;
    if (site.image !== live.instance.image) return 'a new image';
    if (site.code?.version !== live.instance.codeVersion) return 'a new release';
    return site.settings.runtime === this.#deps.runtime.runtimeOf(live.instance.id) ? undefined : 'another runtime';
  }

  #lookAtCrowds(connections: Connections): void {
    const places = new Map(this.#lifecycle.allLive().map((live) => [live.key, live]));
    const looked = new Set<string>();
    for (const [key, { site, role }] of places) {
      const lives = this.#lifecycle.livesOf(site.id, role);
      const [first] = lives;
      const last = lives.at(-1);
      if (first === undefined || last === undefined || first.isFrozen) continue;
      if (lives.length < 2 && first.site.settings.maxInstances < 2) continue;
      const inFlight = lives.reduce((sum, live) => sum + live.inFlightOf(connections), 0);
      // The setting may have been lowered since they were started.
      const isOver = lives.length > first.site.settings.maxInstances;
      const verdict = isOver ? 'fewer' : this.#crowd.look(key, { inFlight, instances: lives.length });
      if (verdict === 'more') void this.#once(first, () => this.#lifecycle.addInstance(first, `${inFlight} requests at once`), `crowd of ${key}`);
      if (verdict === 'fewer') void this.#once(last, () => this.#lifecycle.dropInstance(last, 'less to do'), `crowd of ${key}`);
      looked.add(key);
    }
    this.#crowd.forgetOthers(looked);
  }

  /** Puts those to sleep that are missed least, before the kernel has to kill some. */
  async #relieve(connections: Connections, state: MemoryState): Promise<void> {
    const leaving = leastMissed(this.#lifecycle.allLive(), (live) => live.inFlightOf(connections)).slice(0, EVICTED_AT_ONCE);
    if (leaving.length === 0) return;
    this.#deps.emit({ type: 'memory.pressure', facts: { ...state, leaving: leaving.length } });
    await Promise.all(leaving.map((live) => this.#once(live, () => this.#lifecycle.settle(live, { to: 'cold', cause: 'memory pressure', must: true }))));
  }

  /** The kernel may have killed a worker and left the first process alive: an event tells. */
  async #tellOfMemory(live: Live): Promise<void> {
    const usage = await this.#deps.runtime.usage(live.instance.id);
    if (usage === undefined || usage.oomKills <= live.oomKills) return;
    const facts = {
      role: live.role,
      kills: usage.oomKills - live.oomKills,
      memoryBytes: usage.memoryBytes,
      limitBytes: limitsOf(live.site.settings, live.role).memoryBytes,
    };
    live.oomKills = usage.oomKills;
    this.#deps.emit({ type: 'instance.oom', site: live.site.domain, instance: live.instance.id, cause: 'out of memory', facts });
  }
}
