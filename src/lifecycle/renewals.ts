/** Replaces instances that are stale: at the end of their lifetime, or made of an older image or release. */
import { pauseAfter } from './backoff.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Live } from './live.ts';

interface RenewalsDeps {
  readonly lifecycle: Pick<Lifecycle, 'recycle' | 'settle'>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since some moment; not the time of day, which may be set. */
  readonly elapsed: () => number;
}

interface Renewal {
  /** How often in a row the next one could not be started. */
  readonly failures: number;
  /** When it may be tried again. */
  readonly nextAt: number;
  /** Since when somebody's work in it has been waited for. */
  readonly waitedSince?: number;
}

const IDLE_AFTER_MS = 5_000;
/** How often, over some ten minutes, until one is ended that could not be replaced: perhaps two of it cannot run at once. */
const TRIED = 9;
const WORK_WAITED_FOR_MS = 3_600_000;

export class Renewals {
  readonly #deps: RenewalsDeps;
  readonly #renewals = new WeakMap<Live, Renewal>();

  constructor(deps: RenewalsDeps) {
    this.#deps = deps;
  }

  /**
   * One look at an instance that is stale. One that is idle goes to sleep, and its next wake is the renewal; for one in use, the next is started beside
   * it. Where that fails, the old one goes on, and it is tried again: visitors would have none.
   */
  async look(live: Live, cause: string): Promise<void> {
    const { lifecycle, elapsed } = this.#deps;
    const { failures, nextAt } = this.#of(live);
    if (elapsed() < nextAt || this.#isWorkedIn(live)) return;
    if (this.#maySleep(live, failures) && (await lifecycle.settle(live, { to: 'cold', cause }))) return;
    if ((await lifecycle.recycle(live, cause)) !== 'failed') return;
    this.#renewals.set(live, { ...this.#of(live), failures: failures + 1, nextAt: elapsed() + pauseAfter(failures + 1) });
  }

  #maySleep({ site, role, usedAt }: Live, failures: number): boolean {
    const isKept = site.settings.keepAwake && role === 'public';
    return !isKept && (failures === 0 || failures >= TRIED) && this.#deps.now() - usedAt > IDLE_AFTER_MS;
  }

  /** `exec`, `wp`, a job that comes to an end: they are waited for, but not for ever. */
  #isWorkedIn(live: Live): boolean {
    const now = this.#deps.elapsed();
    const { waitedSince = now, ...rest } = this.#of(live);
    this.#renewals.set(live, live.isWorkedIn ? { ...rest, waitedSince } : rest);
    return live.isWorkedIn && now - waitedSince < WORK_WAITED_FOR_MS;
  }

  #of(live: Live): Renewal {
    return this.#renewals.get(live) ?? { failures: 0, nextAt: 0 };
  }
}
