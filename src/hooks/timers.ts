/** Hooks by the clock: of the platform, counted from its start, and of instances, counted from theirs. Times are Unix time in milliseconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../domain/role.ts';
import { isMeant } from './hook.ts';
import type { Hook } from './hook.ts';
import type { Hooks } from './hooks.ts';

export interface Ticking {
  readonly site: string;
  readonly role: Role;
  readonly instance: string;
  readonly bootedAt: number;
  readonly isFrozen: boolean;
}

export interface TimersDeps {
  readonly hooks: readonly Hook[];
  readonly dispatch: Pick<Hooks, 'tell' | 'keepOnly'>;
  /** The instances that are up. */
  readonly lives: () => readonly Ticking[];
  readonly now: () => number;
}

const LOOK_EVERY_MS = 1_000;
/** Of the platform itself, which is no instance. */
const PLATFORM = '';

export class HookTimers {
  readonly #deps: TimersDeps;
  readonly #startedAt: number;
  readonly #stopping = new AbortController();
  /** By hook and instance: when it ran last. */
  readonly #ranAt = new Map<string, number>();
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: TimersDeps) {
    this.#deps = deps;
    this.#startedAt = deps.now();
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Tells the hooks that are due. A frozen instance has no time. */
  look(): void {
    const { hooks, dispatch, lives } = this.#deps;
    const all = lives();
    const there = new Set(all.map(({ instance }) => instance));
    dispatch.keepOnly(there);
    for (const key of this.#ranAt.keys()) if (!there.has(key.slice(key.indexOf(' ') + 1)) && !key.endsWith(' ')) this.#ranAt.delete(key);
    for (const hook of hooks) {
      if (hook.on !== 'timer') continue;
      if (hook.sites === undefined && hook.role === undefined) {
        if (this.#isDue(hook, PLATFORM, this.#startedAt)) dispatch.tell({ hook: 'timer', facts: factsOf(hook) }, (one) => one === hook);
        continue;
      }
      for (const { isFrozen, bootedAt, ...whose } of all) {
        if (isFrozen || !isMeant(hook, { hook: 'timer', ...whose })) continue;
        if (this.#isDue(hook, whose.instance, bootedAt)) {
          dispatch.tell({ hook: 'timer', ...whose, state: 'running', facts: factsOf(hook) }, (one) => one === hook);
        }
      }
    }
  }

  #isDue({ index, every, after }: Hook, instance: string, from: number): boolean {
    const key = `${index} ${instance}`;
    const ranAt = this.#ranAt.get(key);
    const { now } = this.#deps;
    const isDue = every === undefined ? ranAt === undefined && now() - from >= (after ?? 0) : now() - (ranAt ?? Math.max(from, this.#startedAt)) >= every;
    if (isDue) this.#ranAt.set(key, now());
    return isDue;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.look();
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function factsOf({ every, after }: Hook): Record<string, number> {
  return every === undefined ? { after: after ?? 0 } : { every };
}
