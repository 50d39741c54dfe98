/** Instances beside those that run: one that takes over without a gap, one more for a busy site, one less for a quiet one. */
import { poll } from '../lib/deadline.ts';
import { linkedSocket } from '../lib/connectable.ts';
import { failpoint } from '../lib/failpoint.ts';
import { Phases } from '../lib/phases.ts';
import type { LifecycleDeps } from './deps.ts';
import { end, upstreamsOf, untilIdle } from './end.ts';
import type { Live } from './live.ts';
import type { LiveTable } from './live-table.ts';
import { tellOwner } from './owner-hook.ts';
import type { Waker } from './waker.ts';

/** Until the kernel has let go of a connection that both sides have closed. */
const OWN_CONNECTION_MS = 1_000;

/** What came of replacing an instance: `kept` where it was not to be; `failed` where the next could not be started. */
export type Recycling = 'replaced' | 'kept' | 'failed';

/** Each method is called under the role's lock. */
export class Beside {
  readonly #deps: LifecycleDeps;
  readonly #table: LiveTable;
  readonly #waker: Waker;

  constructor(deps: LifecycleDeps, table: LiveTable, waker: Waker) {
    this.#deps = deps;
    this.#table = table;
    this.#waker = waker;
  }

  /** Starts the next instance, warms it, routes all requests to it, and drains and ends the old one. Where it is not replaced, it goes on. */
  async recycle(old: Live, cause: string): Promise<Recycling> {
    const { routes, cmdb, settings, emit } = this.#deps;
    if (!this.#table.ofSameRole(old).includes(old) || old.isFrozen) return 'kept';
    const phases = new Phases();
    const next = await this.#start(old, { cause, phases });
    if (next === undefined) return 'failed';
    const lives = this.#table.ofSameRole(old);
    try {
      await cmdb.putInstance(next.instance);
      await failpoint('recycle.started');
      await routes.setUpstreams(next.site.domain, next.role, upstreamsOf([next, ...lives.filter((live) => live !== old)]));
      await failpoint('recycle.routed');
    } catch (error) {
      await this.#giveUp(next, lives);
      throw error;
    }
    this.#table.remove(old);
    this.#table.add(next);
    phases.mark('route');
    // Requests, and what somebody began in it just now, are cut when they go on for longer than this.
    await untilIdle([old], this.#deps, settings.drainDeadline);
    await poll(() => !old.isWorkedIn, { timeoutMs: settings.drainDeadline, everyMs: 10 });
    phases.mark('drain');
    await end(old, this.#deps);
    await failpoint('recycle.ended');
    phases.mark('end');
    const facts = { role: next.role, old: old.instance.id, image: next.instance.image, ms: phases.totalMs, phases: phases.toJSON() };
    emit({ type: 'instance.recycled', site: next.site.domain, instance: next.instance.id, cause, facts });
    void tellOwner(next, ['ready'], this.#deps);
    return 'replaced';
  }

  /** Starts one more. False when the site has as many as it may, or when none could be started. */
  async add(live: Live, cause: string): Promise<boolean> {
    const { routes, cmdb, emit } = this.#deps;
    const lives = this.#table.ofSameRole(live);
    if (!lives.includes(live) || lives.length >= live.site.settings.maxInstances || live.isFrozen) return false;
    const phases = new Phases();
    const next = await this.#start(live, { cause, phases });
    if (next === undefined) return false;
    try {
      await cmdb.putInstance(next.instance);
      await failpoint('add.started');
      await routes.setUpstreams(next.site.domain, next.role, upstreamsOf([...lives, next]));
      await failpoint('add.routed');
    } catch (error) {
      await this.#giveUp(next, lives);
      throw error;
    }
    this.#table.add(next);
    phases.mark('route');
    const facts = { role: next.role, instances: lives.length + 1, ms: phases.totalMs, phases: phases.toJSON() };
    emit({ type: 'instance.added', site: next.site.domain, instance: next.instance.id, cause, facts });
    void tellOwner(next, ['ready'], this.#deps);
    return true;
  }

  /** Drains and ends one of several. False when it is the last one, or when its requests do not end in time; then it stays. */
  async drop(live: Live, cause: string): Promise<boolean> {
    const { routes, settings, emit } = this.#deps;
    const lives = this.#table.ofSameRole(live);
    const others = lives.filter((one) => one !== live);
    if (others.length === 0 || others.length === lives.length) return false;
    await routes.setUpstreams(live.site.domain, live.role, upstreamsOf(others));
    if (!(await untilIdle([live], this.#deps, settings.drainDeadline))) {
      await routes.setUpstreams(live.site.domain, live.role, upstreamsOf(lives));
      return false;
    }
    await end(live, this.#deps);
    this.#table.remove(live);
    emit({ type: 'instance.ended', site: live.site.domain, instance: live.instance.id, cause, facts: { role: live.role, instances: others.length } });
    return true;
  }

  /** Before the admin role rests, it makes a visitor's page: what the owner changed is compiled by that, and the public role, which may not write, finds it compiled. */
  async leaveCompiled(live: Live): Promise<void> {
    if (live.role !== 'admin' || live.isFrozen) return;
    await this.#warm(live).catch(() => undefined); // visitors compile it themselves then
    // Its own connection must not count as somebody's.
    await untilIdle([live], this.#deps, OWN_CONNECTION_MS);
  }

  async #start(old: Live, { cause, phases }: { cause: string; phases: Phases }): Promise<Live | undefined> {
    const site = (await this.#deps.cmdb.site(old.site.id)) ?? old.site;
    try {
      const { live: next } = await this.#waker.start(site, old.role, phases);
      try {
        await next.stack.seal(next.context);
        await this.#warm(next);
      } catch (error) {
        await end(next, this.#deps);
        throw error;
      }
      phases.mark('warm');
      next.usedAt = old.usedAt;
      next.cause = cause;
      return next;
    } catch (error) {
      this.#deps.emit({ type: 'instance.wake-failed', site: site.domain, cause: `beside: ${String(error)}` });
      return undefined;
    }
  }

  /** Routes all requests to the earlier instances again, and ends the new one. */
  async #giveUp(next: Live, lives: readonly Live[]): Promise<void> {
    try {
      await this.#deps.routes.setUpstreams(next.site.domain, next.role, upstreamsOf(lives));
    } finally {
      await end(next, this.#deps);
    }
  }

  /** Asks for the first page, which is the slowest, before a visitor does. */
  async #warm(live: Live): Promise<void> {
    const { upstream } = live;
    if (live.stack.warmUp === undefined || !('socket' in upstream)) return;
    await using socket = await linkedSocket(this.#deps.askDir, upstream);
    await live.stack.warmUp(live.context, socket.path).catch(() => undefined); // a page that fails is the owner's; visitors see it as it is
  }
}
