/**
 * The heart: moves sites up and down the ladder.
 *
 * Everything that changes a site's state runs under the site's lock, so two changes never overlap. A wake is
 * single-flight: however many ask, one boot runs, and all get its outcome.
 */
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { RestingState, State } from '../domain/state.ts';
import type { Site } from '../domain/site.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { Phases } from '../lib/phases.ts';
import { isAlive } from '../lib/proc.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { Backoff } from './backoff.ts';
import { boot } from './boot.ts';
import { whyDied } from './why-died.ts';
import type { LifecycleDeps } from './deps.ts';
import { drain, end } from './end.ts';
import type { Live } from './live.ts';

export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly ms: number;
  /** Named phases in milliseconds; they add up to `ms` but for rounding. */
  readonly phases: Readonly<Record<string, number>>;
}

/** An instance that dies sooner than this after its boot died young. */
const HEALTHY_AFTER_MS = 10_000;
const SLEEPS_AT_ONCE = 8;

export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #live = new Map<string, Live>();
  readonly #lock = new KeyedLock();
  readonly #flights = new SingleFlight<Transition>();
  readonly #boots: Semaphore;
  readonly #backoff: Backoff;
  #closing = false;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.#boots = new Semaphore(deps.settings.maxBoots, deps.settings.maxQueuedBoots);
    this.#backoff = new Backoff(deps.now);
  }

  /**
   * Any state → running. Returns when the site's container listens and is routed.
   *
   * @throws SubakoError `backing_off` when it failed a moment ago (facts.retryAfterMs), `wake_overflow` when too many boots wait,
   *   `wake_failed` and others when the boot fails; then nothing of it is left
   */
  wake(site: Site, cause: string): Promise<Transition> {
    return this.#flights.run(site.id, () => this.#lock.run(site.id, () => this.#wake(site, cause)));
  }

  /** Down to a resting state. Running requests end first, for up to the drain deadline; then they are cut. */
  async sleep(site: Site, to: RestingState, cause: string): Promise<Transition> {
    if (to !== 'cold') throw new SubakoError('bad_usage', `a site cannot be ${to} yet`, { hint: 'use --to cold' });
    return this.#lock.run(site.id, async () => {
      const phases = new Phases();
      const live = this.#live.get(site.id);
      if (live === undefined) return { from: 'cold', to, ms: 0, phases: {} };
      await drain(live, this.#deps, this.#deps.settings.drainDeadline);
      phases.mark('drain');
      return this.#end(live, cause, phases);
    });
  }

  /**
   * As `sleep`, but only if it is still due when its turn comes and nobody uses the site: a request that slipped in keeps it awake.
   * False when it was kept.
   */
  async settle(live: Live, cause: string, isDue: () => boolean): Promise<boolean> {
    return this.#lock.run(live.site.id, async () => {
      if (this.#live.get(live.site.id) !== live || live.holds > 0 || !isDue()) return false;
      const phases = new Phases();
      if (!(await drain(live, this.#deps, 0)) || live.holds > 0) {
        await this.#deps.routes.setUpstream(live.site.domain, live.socket, live.socketOwner);
        this.touch(live.site.id);
        return false;
      }
      phases.mark('drain');
      await this.#end(live, cause, phases);
      return true;
    });
  }

  /** Clears away an instance whose process is gone. */
  async bury(live: Live): Promise<void> {
    await this.#lock.run(live.site.id, async () => {
      if (this.#live.get(live.site.id) === live && !isAlive(live.process)) await this.#bury(live);
    });
  }

  /** No more wakes from now on, and every site down to cold, a few at a time. */
  async sleepAll(cause: string): Promise<void> {
    this.close();
    await this.#flights.settled();
    const few = new Semaphore(SLEEPS_AT_ONCE);
    await Promise.all(this.allLive().map((live) => few.run(() => this.sleep(live.site, 'cold', cause))));
  }

  /** Runs work on a site while nothing else can change its state. */
  exclusively<T>(siteId: string, work: () => Promise<T>): Promise<T> {
    return this.#lock.run(siteId, work);
  }

  /** Takes over an instance that outlived an earlier daemon. */
  adopt(live: Live): void {
    this.#live.set(live.site.id, live);
  }

  /** A request ended, or something else used the site. */
  touch(siteId: string): void {
    const live = this.#live.get(siteId);
    if (live !== undefined) live.usedAt = this.#deps.now();
  }

  /** Settings changed: policy takes them at once, limits at the next boot. */
  siteChanged(site: Site): void {
    const live = this.#live.get(site.id);
    if (live !== undefined) live.site = site;
  }

  stateOf(siteId: string): State {
    if (this.#live.has(siteId)) return 'running';
    return this.#flights.has(siteId) ? 'booting' : 'cold';
  }

  live(siteId: string): Live | undefined {
    return this.#live.get(siteId);
  }

  allLive(): Live[] {
    return [...this.#live.values()];
  }

  get queuedBoots(): number {
    return this.#boots.waiting;
  }

  /** No more wakes from now on. */
  close(): void {
    this.#closing = true;
  }

  async #wake(asked: Site, cause: string): Promise<Transition> {
    const phases = new Phases();
    // Read again under the lock: it may have been changed or removed while this wake waited for its turn.
    const site = await this.#deps.cmdb.site(asked.id);
    if (site?.phase !== 'ready') throw new SubakoError('unknown_host', `there is no site ${asked.domain}`);
    const live = this.#live.get(site.id);
    if (live !== undefined && isAlive(live.process)) return this.#keepAwake(live, phases);
    if (live !== undefined) await this.#bury(live);
    this.#refuseIfUnwise(site);
    try {
      const booted = await this.#boots.run(() => {
        phases.mark('queue');
        this.#refuseIfClosing();
        return boot(site, this.#deps, phases);
      });
      return await this.#woken(booted, cause, phases);
    } catch (error) {
      throw this.#wakeFailed(site, cause, error);
    }
  }

  /** Alive already; its route may be missing if an earlier daemon died between two steps. */
  async #keepAwake(live: Live, phases: Phases): Promise<Transition> {
    const { routes } = this.#deps;
    if (!(await routes.hasUpstream(live.site.domain))) await routes.setUpstream(live.site.domain, live.socket, live.socketOwner);
    this.touch(live.site.id);
    return { from: 'running', to: 'running', ms: phases.totalMs, phases: {} };
  }

  #refuseIfClosing(): void {
    if (this.#closing) throw new SubakoError('busy', 'the platform is stopping', { facts: { retryAfterMs: 10_000 } });
  }

  #refuseIfUnwise(site: Site): void {
    this.#refuseIfClosing();
    const waitMs = this.#backoff.waitMs(site.id);
    if (waitMs > 0) {
      throw new SubakoError('backing_off', `${site.domain} failed to start a moment ago`, {
        hint: `it is tried again in ${Math.ceil(waitMs / 1000)} s; subako logs ${site.domain} shows what it said`,
        facts: { retryAfterMs: waitMs },
      });
    }
    if (this.#boots.isFull) throw new SubakoError('wake_overflow', 'too many sites are waiting to boot', { facts: { retryAfterMs: 5_000 } });
  }

  async #woken(live: Live, cause: string, phases: Phases): Promise<Transition> {
    const { site, instance } = live;
    this.#live.set(site.id, live);
    // Settings that changed while it booted.
    live.site = (await this.#deps.cmdb.site(site.id)) ?? site;
    const transition: Transition = { from: 'cold', to: 'running', ms: phases.totalMs, phases: phases.toJSON() };
    await this.#deps.cmdb.countWake(site.id, { from: 'cold', ms: transition.ms, at: this.#deps.now() });
    this.#deps.emit({
      type: 'instance.woken',
      site: site.domain,
      instance: instance.id,
      cause,
      facts: { from: 'cold', ms: transition.ms, phases: transition.phases },
    });
    return transition;
  }

  #wakeFailed(site: Site, cause: string, thrown: unknown): SubakoError {
    const error = asSubakoError(thrown);
    const retryAfterMs = this.#backoff.failed(site.id);
    this.#deps.emit({
      type: 'instance.wake-failed',
      site: site.domain,
      cause,
      facts: { code: error.code, message: error.message, ...error.facts, retryAfterMs },
    });
    return new SubakoError(error.code, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      facts: { ...error.facts, retryAfterMs },
      cause: thrown,
    });
  }

  async #end(live: Live, cause: string, phases: Phases): Promise<Transition> {
    await end(live, this.#deps);
    this.#live.delete(live.site.id);
    this.#backoff.forget(live.site.id);
    phases.mark('end');
    const transition: Transition = { from: 'running', to: 'cold', ms: phases.totalMs, phases: phases.toJSON() };
    this.#deps.emit({
      type: 'instance.slept',
      site: live.site.domain,
      instance: live.instance.id,
      cause,
      facts: { to: 'cold', ms: transition.ms, phases: transition.phases },
    });
    return transition;
  }

  async #bury(live: Live): Promise<void> {
    const facts = await whyDied(live, this.#deps.runtime);
    await end(live, this.#deps);
    this.#live.delete(live.site.id);
    if (this.#deps.now() - live.instance.bootedAt < HEALTHY_AFTER_MS) this.#backoff.diedYoung(live.site.id);
    else this.#backoff.forget(live.site.id);
    this.#deps.emit({ type: 'instance.died', site: live.site.domain, instance: live.instance.id, cause: facts.cause, facts });
  }
}
