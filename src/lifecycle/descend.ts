/** Down the ladder: what is done with a site's instances once nobody is led to them. */
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import { isOfOwner } from '../domain/site.ts';
import type { RestingState, State } from '../domain/state.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Phases } from '../lib/phases.ts';
import type { Backoff } from './backoff.ts';
import { checkpointApp } from './checkpoint-app.ts';
import { hasCompanions } from './companions.ts';
import type { LifecycleDeps } from './deps.ts';
import { end, upstreamsOf } from './end.ts';
import type { Live } from './live.ts';
import type { LiveTable } from './live-table.ts';
import type { Transition } from './transition.ts';
import { whyDied } from './why-died.ts';

interface Descent {
  readonly from: State;
  readonly to: RestingState;
  readonly cause: string;
  readonly phases: Phases;
  /** A checkpoint that is there stays: the platform only stops. */
  readonly keepCheckpoint?: boolean;
}

/** An instance that dies sooner than this after its boot died young. */
const HEALTHY_AFTER_MS = 10_000;

/** Called under the site's lock. */
export class Descender {
  readonly #deps: LifecycleDeps;
  readonly #table: LiveTable;
  readonly #backoff: Backoff;

  constructor(deps: LifecycleDeps, table: LiveTable, backoff: Backoff) {
    this.#deps = deps;
    this.#table = table;
    this.#backoff = backoff;
  }

  /** The instances must be drained. One is frozen or checkpointed; the others, of a site that had much to do, end. */
  async descend(lives: readonly Live[], descent: Descent): Promise<Transition> {
    const { from, to, cause, phases } = descent;
    const { ownCheckpoints, emit } = this.#deps;
    const [first, ...others] = lives;
    if (first === undefined) throw new TypeError('nothing to put to sleep');
    for (const live of others) await this.#end(live);
    if (to === 'frozen') await this.#freeze(first, cause);
    const why = to === 'frozen' ? undefined : await this.#leaveMemory(first, descent);
    phases.mark(to === 'frozen' ? 'freeze' : 'end');
    await this.#restCompanions(first, { to, phases });
    this.#backoff.forget(first.key);
    const reached = to === 'checkpointed' && !(first.role === 'public' && ownCheckpoints.has(first.site.id)) ? 'cold' : to;
    const transition: Transition = { from, to: reached, ms: phases.totalMs, phases: phases.toJSON(), ...(why === undefined ? {} : { why }) };
    if (to !== 'frozen') this.#table.noteWhyGone(first, cause);
    const facts = { role: first.role, from, to: reached, ms: transition.ms, phases: transition.phases };
    emit({ type: 'instance.slept', site: first.site.domain, instance: first.instance.id, cause, facts });
    return transition;
  }

  /** Nobody asks them for anything now. What goes wrong costs memory, and is put right by the next move. */
  async #restCompanions({ site, instance }: Live, { to, phases }: Pick<Descent, 'to' | 'phases'>): Promise<void> {
    const { companions, emit } = this.#deps;
    if (!hasCompanions(site)) return;
    try {
      await failpoint('companions.resting');
      await (to === 'frozen' ? companions.freeze(site) : companions.end(site));
      await failpoint('companions.rested');
    } catch (error) {
      emit({ type: 'instance.neglected', site: site.domain, instance: instance.id, cause: `its companions: ${asSubakoError(error).message}` });
    }
    phases.mark('companions');
  }

  /** Removes what is left of an instance that died, and leads to those that are left of its site. */
  async bury(live: Live): Promise<void> {
    const { runtime, routes, now, emit } = this.#deps;
    const facts = await whyDied(live, runtime);
    const others = this.#table.ofSameRole(live).filter((one) => one !== live && !one.isFrozen);
    await routes.setUpstreams(live.site.domain, live.role, upstreamsOf(others));
    await this.#end(live);
    if (this.#table.ofSameRole(live).length === 0) this.#table.noteWhyGone(live, facts.cause);
    if (now() - live.instance.bootedAt < HEALTHY_AFTER_MS) this.#backoff.diedYoung(live.key);
    else this.#backoff.forget(live.key);
    emit({ type: 'instance.died', site: live.site.domain, instance: live.instance.id, cause: facts.cause, facts: { role: live.role, ...facts } });
  }

  /** A request that connected between the look and the freeze would hang: looked for once more, and then everything goes on as before. */
  async #freeze(live: Live, cause: string): Promise<void> {
    const { runtime, cmdb, routes, now } = this.#deps;
    if (live.isFrozen) return;
    await runtime.freeze(live.instance.id);
    try {
      await failpoint('freeze.frozen');
      if (live.inFlightOf(await this.#deps.connections.to([live])) > 0)
        throw new SubakoError('busy', `a request for ${live.site.domain} came in`, { hint: 'try again in a moment' });
    } catch (error) {
      await runtime.thaw(live.instance.id);
      await routes.setUpstreams(live.site.domain, live.role, upstreamsOf([live]));
      throw error;
    }
    live.cause = cause;
    live.instance = { ...live.instance, state: 'frozen', since: now() };
    await cmdb.putInstance(live.instance);
    await failpoint('freeze.recorded');
  }

  /** Why it has no checkpoint, where it was to have one. */
  async #leaveMemory(live: Live, { to, cause, phases, keepCheckpoint }: Descent): Promise<string | undefined> {
    // Of the admin role none is kept: what people who were logged in left in its memory does not belong on a disk.
    const isPublic = live.role === 'public';
    const bytes = await this.#bytesOf(live);
    const why = to === 'checkpointed' && isPublic ? await this.#checkpoint(live, phases) : undefined;
    await this.#end(live, bytes);
    if (to === 'cold' && isPublic && keepCheckpoint !== true) await this.#deps.ownCheckpoints.discard(live.site.id, cause);
    return why;
  }

  /** What CRIU cannot dump simply ends: the site wakes from the template, or boots. */
  async #checkpoint(live: Live, phases: Phases): Promise<string | undefined> {
    const { runtime, ownCheckpoints, emit } = this.#deps;
    try {
      await runtime.thaw(live.instance.id);
      await (isOfOwner(live.site) ? checkpointApp(live, this.#deps) : ownCheckpoints.take(live));
      return undefined;
    } catch (error) {
      const cause = asSubakoError(error).message;
      emit({ type: 'checkpoint.failed', site: live.site.domain, instance: live.instance.id, cause });
      return cause;
    } finally {
      phases.mark('checkpoint');
    }
  }

  /** What it has in memory. */
  async #bytesOf({ instance }: Live): Promise<number> {
    return (await this.#deps.runtime.usage(instance.id))?.memoryBytes ?? 0;
  }

  /** @param bytes that it had before a dump ended its processes; where not given, what it has now */
  async #end(live: Live, bytes?: number): Promise<void> {
    this.#deps.metrics.reclaimed(bytes ?? (await this.#bytesOf(live)));
    await end(live, this.#deps);
    this.#table.remove(live);
  }
}
