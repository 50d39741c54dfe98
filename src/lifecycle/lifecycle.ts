/**
 * The heart: moves sites up and down the ladder.
 *
 * Each role of a site has a state of its own. Everything that changes it runs under the role's lock, so two changes never overlap. A wake is
 * single-flight: however many ask, one thaw, restore or boot runs, and all get its outcome.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import { DEPTH } from '../domain/state.ts';
import type { RestingState, State } from '../domain/state.ts';
import { isFilesAlone, limitsOf } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { ROLES, roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { Phases } from '../lib/phases.ts';
import { isAlive } from '../lib/proc.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { Backoff } from './backoff.ts';
import { Beside } from './beside.ts';
import type { Recycling } from './beside.ts';
import { hasCompanions } from './companions.ts';
import { Descender } from './descend.ts';
import { drain, upstreamsOf } from './end.ts';
import { RestHooks } from './rest-hooks.ts';
import type { LifecycleDeps } from './deps.ts';
import { whyNoCheckpoints } from './no-checkpoints.ts';
import type { Live } from './live.ts';
import { LiveTable } from './live-table.ts';
import type { Transition } from './transition.ts';
import { Waker } from './waker.ts';

export type { Transition } from './transition.ts';

export interface Settling {
  readonly to: RestingState;
  readonly cause: string;
  /** Whether the rest is still due when its turn has come. Default: it is. */
  readonly isDue?: () => boolean;
  /** When it became due, in Unix time in milliseconds. Default: when the instance booted. */
  readonly since?: number;
  /** Memory is short: hooks are told, not asked. */
  readonly must?: boolean;
}

/** How many roles go to sleep at the same time when the platform stops. */
const SLEEPS_AT_ONCE = 8;
const LET_IN_MS = 100;
const QUIET_AFTER_MS = 1_000;

export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #table: LiveTable;
  readonly #waker: Waker;
  readonly #descender: Descender;
  readonly #beside: Beside;
  readonly #restHooks: RestHooks;
  readonly #lock = new KeyedLock();
  readonly #flights = new SingleFlight<Transition>();
  #waking = 0;
  #wokenAt = 0;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.#table = new LiveTable();
    // Not the time of day, which may be set back by an hour.
    const backoff = new Backoff(() => performance.now());
    this.#descender = new Descender(deps, this.#table, backoff);
    this.#waker = new Waker(deps, { table: this.#table, backoff, descender: this.#descender });
    this.#beside = new Beside(deps, this.#table, this.#waker);
    this.#restHooks = new RestHooks({ ...deps, wake: (live) => this.wake(live.site, live.role, 'hook') });
  }

  /**
   * Any state → running. Returns when an instance listens and has its route. Calls for the same role share one wake and its outcome.
   *
   * @param cause why, for events and `ps`: `request`, `command` …
   * @throws SubakoError `backing_off` when it failed a moment ago (facts.retryAfterMs), `wake_overflow` when too many starts wait, `busy` when the
   *   platform is stopping, `wake_failed` and others when the start fails; then nothing of it is left
   */
  wake(site: Site, role: Role, cause: string): Promise<Transition> {
    const key = roleKey(site.id, role);
    return this.#flights.run(key, async () => {
      this.#waking += 1;
      try {
        return await this.#lock.run(key, () => this.#waker.wake(site, role, cause));
      } finally {
        this.#waking -= 1;
        this.#wokenAt = this.#deps.now();
      }
    });
  }

  /**
   * Down to a resting state, because somebody ordered it: no hook can veto. Running requests have until the drain deadline; then they are cut.
   * @throws SubakoError `conflict` when the role rests deeper already, or when this site cannot be checkpointed; `host_unfit` where the machine cannot
   */
  async sleep(site: Site, role: Role, { to, cause }: { to: RestingState; cause: string }): Promise<Transition> {
    const live = this.live(site.id, role);
    if (live !== undefined && DEPTH[to] > DEPTH[this.stateOf(site.id, role)]) await this.#restHooks.announce(live, { to, cause });
    return this.#lock.run(roleKey(site.id, role), async () => {
      const lives = this.#table.of(site.id, role);
      await this.#letIn(lives);
      const phases = new Phases();
      const from = this.stateOf(site.id, role);
      refuseUpwards(site, from, to);
      if (to === 'checkpointed') this.#refuseWithoutCheckpoints(site);
      if (lives.length === 0) return this.#sinkFurther(site, role, { from, to, cause, phases });
      await drain(lives, this.#deps, this.#deps.settings.drainDeadline);
      phases.mark('drain');
      return this.#descender.descend(lives, { from, to, cause, phases });
    });
  }

  /**
   * As `sleep`, but only if no hook objects, the rest is still due when its turn comes, and nobody uses the role: a request that slipped in
   * keeps it awake. False when it stayed awake.
   */
  async settle(live: Live, { to, cause, isDue = () => true, since, must = false }: Settling): Promise<boolean> {
    if (must) this.#restHooks.tell(live, { to, cause });
    else if (!(await this.#restHooks.mayRest(live, { to, cause, since }))) return false;
    return this.#lock.run(live.key, async () => {
      const lives = this.#table.ofSameRole(live);
      const held = (): boolean => lives.some((one) => one.holds > 0);
      if (!lives.includes(live) || held() || !isDue()) return false;
      await this.#beside.leaveCompiled(live);
      const phases = new Phases();
      const from = this.stateOf(live.site.id, live.role);
      if (from !== 'frozen' && (!(await drain(lives, this.#deps, 0)) || held())) {
        await this.#deps.routes.setUpstreams(live.site.domain, live.role, upstreamsOf(lives));
        this.touch(live.site.id, live.role);
        return false;
      }
      phases.mark('drain');
      try {
        await this.#descender.descend(lives, { from, to, cause, phases });
        return true;
      } catch (error) {
        if (asSubakoError(error).code !== 'busy') throw error;
        this.touch(live.site.id, live.role);
        return false;
      }
    });
  }

  /** Wakes a frozen instance in whose backlog a request was found. That should not happen, and the request would wait for ever. */
  async thawStray(live: Live): Promise<void> {
    await this.wake(live.site, live.role, 'a request slipped in');
  }

  /** Clears away an instance whose first process is gone. */
  async bury(live: Live): Promise<void> {
    await this.#lock.run(live.key, async () => {
      if (!this.#table.ofSameRole(live).includes(live) || isAlive(live.process)) return;
      await this.#descender.bury(live);
      if (hasCompanions(live.site) && this.#table.ofSameRole(live).length === 0) await this.#deps.companions.end(live.site);
    });
  }

  /** Replaces an instance without a gap (see `Beside.recycle`). `kept` when a hook objects, or it is asleep by now; `failed` when the next could not be started. */
  async recycle(live: Live, cause: string): Promise<Recycling> {
    if (!(await this.#restHooks.mayRest(live, { to: 'cold', cause }))) return 'kept';
    return this.#lock.run(live.key, () => this.#beside.recycle(live, cause));
  }

  /** Starts one more instance of a busy role. False when it has as many as it may, or when none could be started. */
  addInstance(live: Live, cause: string): Promise<boolean> {
    return this.#lock.run(live.key, () => this.#beside.add(live, cause));
  }

  /** Ends one of several instances. False when a hook objects, it is the last one, or its requests do not end. */
  async dropInstance(live: Live, cause: string): Promise<boolean> {
    if (!(await this.#restHooks.mayRest(live, { to: 'cold', cause }))) return false;
    return this.#lock.run(live.key, () => this.#beside.drop(live, cause));
  }

  /** Refuses wakes from now on, and puts every site to sleep, a few at a time. Checkpoints that are there stay; none is made. */
  async sleepAll(cause: string): Promise<void> {
    this.close();
    await this.#flights.settled();
    const few = new Semaphore(SLEEPS_AT_ONCE);
    const places = new Map(this.allLive().map((live) => [live.key, live]));
    await Promise.all([...places.values()].map(({ site, role }) => few.run(() => this.#endPolitely(site, role, cause))));
  }

  /** For a site that is to be removed: ends every instance, and returns when its checkpoint is overwritten. */
  async endAll(site: Site, cause: string): Promise<void> {
    for (const live of this.#allOf(site.id)) this.#restHooks.tell(live, { to: 'cold', cause });
    for (const role of ROLES) await this.#end(site, role, cause);
    await this.#deps.ownCheckpoints.discard(site.id, cause);
    await this.#deps.ownCheckpoints.shredded(site.id);
    await this.#deps.trials.forget(site.id);
    this.#table.forget(site.id);
  }

  /** Runs work while nothing else can change the state of any role of the site. It must not wake or put to sleep the same site: it would wait for itself. */
  exclusively<T>(siteId: string, work: () => Promise<T>): Promise<T> {
    return this.#lock.run(roleKey(siteId, 'public'), () => this.#lock.run(roleKey(siteId, 'admin'), work));
  }

  /** Takes over an instance that outlived an earlier daemon. */
  adopt(live: Live): void {
    this.#table.add(live);
  }

  /** Notes a use of the role: its idle time begins anew. */
  touch(siteId: string, role: Role): void {
    for (const live of this.#table.of(siteId, role)) live.usedAt = this.#deps.now();
  }

  /** Gives the running instances of a site other limits. @throws SubakoError `conflict` when one uses more than it may have from now on; then all keep theirs */
  async setLimits(site: Site, settings: SiteSettings): Promise<void> {
    const lives = this.#allOf(site.id);
    const set = ({ instance, role }: Live, to: SiteSettings): Promise<void> => this.#deps.runtime.setLimits(instance.id, limitsOf(to, role));
    try {
      for (const live of lives) await set(live, settings);
    } catch (error) {
      for (const live of lives) await set(live, site.settings).catch(() => undefined);
      throw new SubakoError('conflict', `${site.domain} uses more than that right now`, {
        hint: `subako sleep ${site.domain} first, then set it`,
        cause: error,
      });
    }
  }

  /** Settings changed: they count at once. */
  async siteChanged(site: Site): Promise<void> {
    for (const live of this.#allOf(site.id)) live.site = site;
    if (site.settings.keepAwake && !isFilesAlone(site) && this.live(site.id, 'public')?.isFrozen !== false) await this.wake(site, 'public', 'kept awake');
    if (site.settings.checkpoint === 'never') await this.#deps.ownCheckpoints.discard(site.id, 'the site is set to have none');
    if (site.settings.runtime !== DEFAULT_RUNTIME) await this.#deps.ownCheckpoints.discard(site.id, `it is to run under ${site.settings.runtime}`);
  }

  /** Discards the site's own checkpoint, which is of no use any more. */
  dropCheckpoint(site: Site, cause: string): Promise<void> {
    return this.exclusively(site.id, () => this.#deps.ownCheckpoints.discard(site.id, cause));
  }

  stateOf(siteId: string, role: Role): State {
    const [live] = this.#table.of(siteId, role);
    if (live !== undefined) return live.isFrozen ? 'frozen' : 'running';
    if (this.#flights.has(roleKey(siteId, role))) return 'booting';
    return role === 'public' && this.#deps.ownCheckpoints.has(siteId) ? 'checkpointed' : 'cold';
  }

  /** The state of the role that is most awake. */
  stateOfSite(siteId: string): State {
    const states = ROLES.map((role) => this.stateOf(siteId, role));
    return states.reduce((most, state) => (DEPTH[state] < DEPTH[most] ? state : most));
  }

  /** Why a role that is not in memory is not, since the daemon started. */
  whyGone(siteId: string, role: Role): string | undefined {
    return this.#table.whyGone(siteId, role);
  }

  /** The first instance of a role, where it has any. */
  live(siteId: string, role: Role): Live | undefined {
    return this.#table.of(siteId, role)[0];
  }

  livesOf(siteId: string, role: Role): readonly Live[] {
    return this.#table.of(siteId, role);
  }

  allLive(): Live[] {
    return this.#table.all();
  }

  get queuedBoots(): number {
    return this.#waker.queued;
  }

  /** No site is being woken, and the last wake was a second ago: its visitor's page is made by now. */
  get isQuiet(): boolean {
    return this.#waking === 0 && Math.abs(this.#deps.now() - this.#wokenAt) >= QUIET_AFTER_MS;
  }

  /** Refuses wakes from now on. */
  close(): void {
    this.#waker.close();
  }

  /** Waits a moment after a wake: the requests that it was for are still on their way to the socket. */
  async #letIn(lives: readonly Live[]): Promise<void> {
    const usedAt = Math.max(0, ...lives.map((live) => live.usedAt));
    await delay(Math.max(0, Math.min(usedAt + LET_IN_MS - this.#deps.now(), LET_IN_MS)));
  }

  #refuseWithoutCheckpoints(site: Site): void {
    const no = whyNoCheckpoints(site, this.#deps.runtime);
    if (no !== undefined) throw new SubakoError(no.code, `${site.domain} cannot be checkpointed: ${no.why}`, { hint: no.hint });
  }

  #allOf(siteId: string): Live[] {
    return ROLES.flatMap((role) => this.#table.of(siteId, role));
  }

  async #endPolitely(site: Site, role: Role, cause: string): Promise<void> {
    const live = this.live(site.id, role);
    if (live !== undefined) await this.#restHooks.announce(live, { to: 'cold', cause });
    await this.#end(site, role, cause);
  }

  async #end(site: Site, role: Role, cause: string): Promise<void> {
    await this.#lock.run(roleKey(site.id, role), async () => {
      const lives = this.#table.of(site.id, role);
      if (lives.length === 0) return;
      const phases = new Phases();
      const from = this.stateOf(site.id, role);
      await drain(lives, this.#deps, this.#deps.settings.drainDeadline);
      phases.mark('drain');
      await this.#descender.descend(lives, { from, to: 'cold', cause, phases, keepCheckpoint: true });
    });
  }

  /** Nothing runs: a checkpoint is all that can be given up. */
  async #sinkFurther(site: Site, role: Role, step: { from: State; to: RestingState; cause: string; phases: Phases }): Promise<Transition> {
    const { from, to, cause, phases } = step;
    if (role === 'public' && from === 'checkpointed' && to === 'cold') await this.#deps.ownCheckpoints.discard(site.id, cause);
    phases.mark('discard');
    return { from, to, ms: phases.totalMs, phases: phases.toJSON() };
  }
}

function refuseUpwards(site: Site, from: State, to: RestingState): void {
  if (DEPTH[from] <= DEPTH[to]) return;
  throw new SubakoError('conflict', `${site.domain} is ${from}, which is deeper than ${to}`, { hint: `subako wake ${site.domain} first` });
}
