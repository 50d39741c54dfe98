/** Looks after the instances that are up: idle ones sleep, old ones end, dead ones are buried, logs stay small. */
import { setTimeout as sleep } from 'node:timers/promises';
import { rotateIfLarger } from '../lib/bounded-log.ts';
import { isAlive, unixConnections } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Live } from './live.ts';

type Connections = ReadonlyMap<string, number>;

const LOOK_EVERY_MS = 1_000;

export class Reaper {
  readonly #lifecycle: Lifecycle;
  readonly #deps: LifecycleDeps;
  readonly #stopping = new AbortController();
  readonly #busy = new Set<string>();
  #running: Promise<void> = Promise.resolve();

  constructor(lifecycle: Lifecycle, deps: LifecycleDeps) {
    this.#lifecycle = lifecycle;
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** One look at every instance. */
  async look(): Promise<void> {
    const connections = await unixConnections();
    await Promise.all(this.#lifecycle.allLive().map((live) => this.#lookAfter(live, connections)));
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look().catch(() => undefined); // /proc could not be read; at the next look, perhaps
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One instance may be draining for long; the others are not kept waiting by it. */
  async #lookAfter(live: Live, connections: Connections): Promise<void> {
    const { id } = live.instance;
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    const work = this.#decide(live, connections)
      .catch((error: unknown) =>
        this.#deps.emit({ type: 'instance.died', site: live.site.domain, instance: id, cause: `could not be looked after: ${String(error)}` }),
      )
      .finally(() => this.#busy.delete(id));
    await Promise.race([work, sleep(LOOK_EVERY_MS)]);
  }

  async #decide(live: Live, connections: Connections): Promise<void> {
    if (!isAlive(live.process)) return this.#lifecycle.bury(live);
    await this.#tellOfMemory(live);
    await rotateIfLarger(live.logPath, this.#deps.settings.logSize);
    const { idleTimeoutMs, lifetimeMs } = live.site.settings;
    const now = this.#deps.now();
    if (live.inFlightOf(connections) > 0 || live.holds > 0) live.usedAt = now;
    const isOld = lifetimeMs > 0 && now - live.instance.bootedAt >= lifetimeMs;
    if (isOld) return this.#endOld(live, now);
    const isIdle = (): boolean => idleTimeoutMs > 0 && this.#deps.now() - live.usedAt >= idleTimeoutMs;
    if (isIdle()) await this.#lifecycle.settle(live, 'idle', isIdle);
    return undefined;
  }

  /** Gently at first; a site that is never without a request is drained in the end. */
  async #endOld(live: Live, now: number): Promise<void> {
    const overdueMs = now - live.instance.bootedAt - live.site.settings.lifetimeMs;
    if (await this.#lifecycle.settle(live, 'lifetime', () => true)) return;
    if (overdueMs > this.#deps.settings.drainDeadline) await this.#lifecycle.sleep(live.site, 'cold', 'lifetime');
  }

  /** The kernel may kill a worker and leave the first process alive; somebody should know. */
  async #tellOfMemory(live: Live): Promise<void> {
    const usage = await this.#deps.runtime.usage(live.instance.id);
    if (usage === undefined || usage.oomKills <= live.oomKills) return;
    const facts = { kills: usage.oomKills - live.oomKills, memoryBytes: usage.memoryBytes, limitBytes: live.site.settings.memoryBytes };
    live.oomKills = usage.oomKills;
    this.#deps.emit({ type: 'instance.oom', site: live.site.domain, instance: live.instance.id, cause: 'out of memory', facts });
  }
}
