/** Up the ladder. `wake` and `start` are called under the role's lock. */
import { isDeepStrictEqual } from 'node:util';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { State } from '../domain/state.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { isOfOwner, limitsOf } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { Phases } from '../lib/phases.ts';
import { isAlive } from '../lib/proc.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { Backoff } from './backoff.ts';
import { canCheckpoint } from './no-checkpoints.ts';
import { companionsUp, hasCompanions } from './companions.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Descender } from './descend.ts';
import { end, upstreamsOf } from './end.ts';
import type { Live, Origin } from './live.ts';
import type { LiveTable } from './live-table.ts';
import { tellOwner } from './owner-hook.ts';
import { startFromSpare } from './start-from-spare.ts';
import { startInstance } from './start-instance.ts';
import type { Started } from './start-instance.ts';
import type { Transition } from './transition.ts';

interface Wake {
  readonly site: Site;
  readonly role: Role;
  readonly cause: string;
}

export class Waker {
  readonly #deps: LifecycleDeps;
  readonly #backoff: Backoff;
  readonly #table: LiveTable;
  readonly #descender: Descender;
  readonly #starts: Semaphore;
  #closing = false;

  constructor(deps: LifecycleDeps, { table, backoff, descender }: { table: LiveTable; backoff: Backoff; descender: Descender }) {
    this.#deps = deps;
    this.#table = table;
    this.#backoff = backoff;
    this.#descender = descender;
    this.#starts = new Semaphore(deps.settings.maxBoots, deps.settings.maxQueuedBoots);
  }

  get queued(): number {
    return this.#starts.waiting;
  }

  close(): void {
    this.#closing = true;
  }

  async wake(asked: Site, role: Role, cause: string): Promise<Transition> {
    const phases = new Phases();
    // Read again under the lock: it may have been changed or removed while this wake waited for its turn.
    const site = await this.#deps.cmdb.site(asked.id);
    if (site?.phase !== 'ready') throw new SubakoError('unknown_host', `there is no site ${asked.domain}`);
    this.#refuseMissing(site, role);
    for (const live of this.#table.of(site.id, role)) if (!isAlive(live.process)) await this.#descender.bury(live);
    const lives = this.#table.of(site.id, role);
    const [first] = lives;
    if (first?.isFrozen === true) return this.#thaw(first, cause, phases);
    if (first !== undefined) return this.#keepAwake(lives, phases);
    this.#refuseIfUnwise(site, role);
    if (site.settings.runtime !== DEFAULT_RUNTIME) await this.#deps.ownCheckpoints.discard(site.id, `it runs under ${site.settings.runtime}`);
    try {
      return await this.#bringUp({ site, role, cause }, phases);
    } catch (error) {
      await this.#restCompanions(site, role);
      throw this.#wakeFailed({ site, role, cause }, error);
    }
  }

  /** Cold or checkpointed → running. When it fails, nothing of the instance is left. */
  async #bringUp({ site, role, cause }: Wake, phases: Phases): Promise<Transition> {
    const from: State = role === 'public' && this.#deps.ownCheckpoints.has(site.id) ? 'checkpointed' : 'cold';
    await this.#beforeBoot({ site, role, cause }, phases);
    const { live, origin } = await this.#startFirst(site, role, { phases, from });
    await this.#route(live);
    phases.mark('route');
    this.#table.add(live);
    this.#provideForNextWake(live, origin);
    return this.#woken(live, { from, cause, phases, origin });
  }

  /** Routes visitors to it and records it as running. @throws what went wrong; then it has ended and has no route */
  async #route(live: Live): Promise<void> {
    const { routes, cmdb } = this.#deps;
    try {
      await live.stack.seal(live.context);
      await routes.setUpstreams(live.site.domain, live.role, upstreamsOf([live]));
      await cmdb.putInstance(live.instance);
    } catch (error) {
      await routes.removeUpstreams(live.site.domain, live.role);
      await end(live, this.#deps);
      throw error;
    }
  }

  /** A boot for want of a template has one made; a checkpoint is used once. Neither is waited for. */
  #provideForNextWake({ site, role, stack, context }: Live, origin: Origin): void {
    const { runtime, templates, ownCheckpoints } = this.#deps;
    if (origin === 'boot' && stack.template !== undefined && canCheckpoint(site, runtime)) templates.want({ stack, image: context.image, role });
    if (origin === 'checkpoint') void ownCheckpoints.consume(site.id).catch(() => undefined); // it is not used again; what is left of it is seen to at the next start
  }

  /** Starts one more instance, once there is a place to start; it has no route yet. */
  async start(site: Site, role: Role, phases: Phases): Promise<Started> {
    await this.#beforeBoot({ site, role, cause: 'beside' }, phases);
    return this.#inTurn(site, phases, (leave) => startInstance({ site, role, leave, isFirst: false }, this.#deps, phases));
  }

  /** Starts once there is a place to start. @throws SubakoError `wake_overflow` when too many wait for one by now */
  #inTurn(site: Site, phases: Phases, begin: (leave: () => void) => Promise<Started>): Promise<Started> {
    this.#refuseIfFull();
    return this.#starts.run(async (leave) => {
      phases.mark('queue');
      this.#refuseIfClosing();
      await companionsUp(site, this.#deps.companions, { phases, isSlow: leave });
      return begin(leave);
    });
  }

  /** Ends the companions that came up for a site that did not. */
  async #restCompanions(site: Site, role: Role): Promise<void> {
    if (!hasCompanions(site) || this.#table.of(site.id, role).length > 0) return;
    await this.#deps.companions.end(site).catch(() => undefined); // the next start of the platform sees to it
  }

  async #beforeBoot({ site, role, cause }: Wake, phases: Phases): Promise<void> {
    if (!this.#deps.hooks.hasAny({ hook: 'before-boot', site: site.domain, role })) return;
    await this.#deps.hooks.beforeBoot({ site: site.domain, role, cause });
    phases.mark('hook');
  }

  /** Starts the first instance of a role: from a spare where the site is cold and one waits. */
  #startFirst(site: Site, role: Role, { phases, from }: { phases: Phases; from: State }): Promise<Started> {
    return this.#inTurn(site, phases, async (leave) => {
      const mayHaveSpare = from === 'cold' && role === 'public' && !isOfOwner(site) && canCheckpoint(site, this.#deps.runtime);
      const live = mayHaveSpare ? await startFromSpare(site, this.#deps, phases) : undefined;
      return live === undefined ? startInstance({ site, role, leave, isFirst: true }, this.#deps, phases) : { live, origin: 'spare' };
    });
  }

  /** Lets its processes go on, then routes requests to it. Does not wait for a place to start: a thaw costs next to nothing. */
  async #thaw(live: Live, cause: string, phases: Phases): Promise<Transition> {
    const { runtime, routes, cmdb, now, hooks } = this.#deps;
    this.#refuseIfClosing();
    hooks.tell({ hook: 'before-thaw', site: live.site.domain, role: live.role, instance: live.instance.id, state: 'frozen', cause });
    await companionsUp(live.site, this.#deps.companions, { phases, isSlow: () => undefined });
    await runtime.thaw(live.instance.id);
    phases.mark('thaw');
    live.instance = { ...live.instance, state: 'running', since: now() };
    await routes.setUpstreams(live.site.domain, live.role, upstreamsOf([live]));
    phases.mark('route');
    await failpoint('thaw.routed');
    await cmdb.putInstance(live.instance);
    return this.#woken(live, { from: 'frozen', cause, phases });
  }

  /** It is awake already. Its route may be missing, if an earlier daemon died between two steps. */
  async #keepAwake(lives: readonly Live[], phases: Phases): Promise<Transition> {
    const { routes, now } = this.#deps;
    for (const live of lives) {
      live.usedAt = now();
      if (!(await routes.hasUpstream(live.site.domain, live.role))) await routes.setUpstreams(live.site.domain, live.role, upstreamsOf(lives));
    }
    return { from: 'running', to: 'running', ms: phases.totalMs, phases: {} };
  }

  #refuseMissing(site: Site, role: Role): void {
    const { roles, name } = this.#deps.contexts.stackOf(site);
    if (roles.includes(role)) return;
    if (roles.length === 0)
      throw new SubakoError('conflict', `${site.domain} never wakes: nothing runs for a ${name} site`, { hint: 'the edge serves its files' });
    throw new SubakoError('conflict', `${site.domain} has one container for all: there is no ${role} role`, { hint: 'leave --role away' });
  }

  #refuseIfClosing(): void {
    if (this.#closing) throw new SubakoError('busy', 'the platform is stopping', { facts: { retryAfterMs: 10_000 } });
  }

  #refuseIfUnwise(site: Site, role: Role): void {
    this.#refuseIfClosing();
    const waitMs = this.#backoff.waitMs(roleKey(site.id, role));
    if (waitMs > 0) {
      throw new SubakoError('backing_off', `${site.domain} failed to start a moment ago`, {
        hint: `it is tried again in ${Math.ceil(waitMs / 1000)} s; subako logs ${site.domain} shows what it said`,
        facts: { retryAfterMs: waitMs },
      });
    }
    this.#refuseIfFull();
  }

  #refuseIfFull(): void {
    if (this.#starts.isFull) throw new SubakoError('wake_overflow', 'too many sites are waiting to boot', { facts: { retryAfterMs: 5_000 } });
  }

  async #woken(live: Live, woken: { from: State; cause: string; phases: Phases; origin?: Origin }): Promise<Transition> {
    const { cmdb, emit, now, metrics } = this.#deps;
    const { from, cause, phases, origin } = woken;
    const { site, instance } = live;
    live.cause = cause;
    live.usedAt = now();
    await this.#takeSettings(live);
    const transition: Transition = { from, to: 'running', ms: phases.totalMs, phases: phases.toJSON(), ...(origin === undefined ? {} : { origin }) };
    metrics.woken(transition);
    void cmdb.countWake(site.id, live.role, { from, ms: transition.ms, at: now() }).catch(() => undefined); // a figure for people; no visitor waits for it
    const facts = { role: live.role, from, ...(origin === undefined ? {} : { origin }), ms: transition.ms, phases: transition.phases };
    emit({ type: 'instance.woken', site: site.domain, instance: instance.id, cause, facts });
    void tellOwner(live, from === 'frozen' ? ['after-thaw', 'ready'] : ['ready'], this.#deps);
    return transition;
  }

  /** Those that changed while it started. */
  async #takeSettings(live: Live): Promise<void> {
    const { cmdb, runtime } = this.#deps;
    const [{ settings: before }, site] = [live.site, await cmdb.site(live.site.id)];
    if (site === undefined) return;
    live.site = site;
    const limits = limitsOf(site.settings, live.role);
    // It may use more by now than it may have: then it keeps what it has until its next start.
    if (!isDeepStrictEqual(limits, limitsOf(before, live.role))) await runtime.setLimits(live.instance.id, limits).catch(() => undefined);
  }

  #wakeFailed({ site, role, cause }: Wake, thrown: unknown): SubakoError {
    const error = asSubakoError(thrown);
    const retryAfterMs = this.#backoff.failed(roleKey(site.id, role));
    this.#deps.metrics.wakeFailed(error.code);
    this.#deps.emit({
      type: 'instance.wake-failed',
      site: site.domain,
      cause,
      facts: { role, code: error.code, message: error.message, ...error.facts, retryAfterMs },
    });
    return new SubakoError(error.code, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      facts: { ...error.facts, retryAfterMs },
      cause: thrown,
    });
  }
}
