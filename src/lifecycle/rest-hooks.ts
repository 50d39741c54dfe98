/** Asks hooks before an instance steps down the ladder: the operator's, then the owner's. Never under the role's lock, so that no visitor waits for a hook. */
import { OWNER_HOOKS } from '../domain/site.ts';
import type { OwnerHook } from '../domain/site.ts';
import type { RestingState, State } from '../domain/state.ts';
import type { Step } from '../hooks/hook.ts';
import type { Asker, Told } from '../hooks/hooks.ts';
import type { Outcome } from '../hooks/run-hook.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Live } from './live.ts';
import { runOwnerHook } from './owner-hook.ts';

interface Leaving {
  readonly to: RestingState;
  readonly cause: string;
}

export interface RestHooksDeps extends Pick<LifecycleDeps, 'hooks' | 'runtime' | 'now'> {
  /** Thaws it and routes visitors to it. */
  readonly wake: (live: Live) => Promise<unknown>;
}

const STEPS_TO: Readonly<Record<RestingState, readonly Step[]>> = { frozen: ['freeze'], checkpointed: ['checkpoint', 'stop'], cold: ['stop'] };
const OWNERS_VETO_AT_MOST_MS = 3_600_000;
/** Why a sleeping site is woken for its owner's hook. */
const CAUSE = 'hook';

export class RestHooks {
  readonly #deps: RestHooksDeps;

  constructor(deps: RestHooksDeps) {
    this.#deps = deps;
  }

  /** Whether no hook objects. @param since when the rest became due; a veto holds for a time from then on. Default: the boot */
  async mayRest(live: Live, { to, cause, since = live.instance.bootedAt }: Leaving & { readonly since?: number | undefined }): Promise<boolean> {
    for (const step of STEPS_TO[to]) {
      const told = toldOf(live, step, cause);
      const why = await this.#deps.hooks.ask({ told, instance: live.instance.id, since, own: this.#own(live, told) });
      live.veto = why === undefined ? undefined : { at: this.#deps.now(), why: `not to ${step} yet: ${why}` };
      if (why !== undefined) return false;
    }
    return true;
  }

  /** Tells the hooks of a rest that nobody can veto, and waits for them. Owners' hooks are left out where it is frozen: they would have to wake it. */
  async announce(live: Live, { to, cause }: Leaving): Promise<void> {
    for (const step of STEPS_TO[to]) {
      const told = toldOf(live, step, cause);
      await this.#deps.hooks.announce({ told, own: live.isFrozen ? [] : this.#own(live, told) });
    }
  }

  /** As `announce`, without waiting and without owners' hooks: memory is short, or the site is removed. */
  tell(live: Live, { to, cause }: Leaving): void {
    for (const step of STEPS_TO[to]) this.#deps.hooks.tell(toldOf(live, step, cause));
  }

  #own(live: Live, told: Told): Asker[] {
    const hook = OWNER_HOOKS.find((one) => one === told.hook);
    const command = hook === undefined ? undefined : live.site.settings.hooks[hook];
    return hook === undefined || command === undefined
      ? []
      : [{ name: `hook.${hook}`, vetoAtMost: OWNERS_VETO_AT_MOST_MS, ask: () => this.#askOwner(live, { hook, command, told }) }];
  }

  async #askOwner(live: Live, { hook, command, told }: { hook: OwnerHook; command: string; told: Told }): Promise<Outcome> {
    const usedAt = live.usedAt;
    // A frozen container runs nothing.
    if (live.isFrozen) await this.#deps.wake(live).catch(() => undefined);
    const wokenAt = live.usedAt;
    live.holds += 1;
    const outcome = await runOwnerHook(live, { hook, command, cause: told.cause ?? CAUSE }, this.#deps.runtime);
    live.holds -= 1;
    // A hook is no visitor: it must not keep the site awake for longer.
    if (live.usedAt === wokenAt) live.usedAt = usedAt;
    if (outcome.kind === 'failed') this.#deps.hooks.failed(told, `hook.${hook}`, outcome.why);
    return outcome;
  }
}

function toldOf(live: Live, step: Step, cause: string): Told {
  const state: State = live.isFrozen ? 'frozen' : 'running';
  return { hook: `before-${step}`, site: live.site.domain, role: live.role, instance: live.instance.id, state, cause };
}
