/** Keeps a site that cannot start from being booted at every request. Keys are those of `roleKey`. */

const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;
const YOUNG_DEATHS_FORGIVEN = 3;

/** Milliseconds from so many failures in a row to the next try: 2 seconds, twice as long each time, to 5 minutes. */
export function pauseAfter(failures: number): number {
  return Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
}

export class Backoff {
  readonly #now: () => number;
  readonly #youngDeaths = new Map<string, number>();
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until the key may be tried again; 0 when it may be tried now. */
  waitMs(key: string): number {
    return Math.max(0, (this.#failures.get(key)?.until ?? 0) - this.#now());
  }

  /** Doubles the pause, from 2 seconds to 5 minutes; returns it. */
  failed(key: string): number {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const pause = pauseAfter(count);
    this.#failures.set(key, { count, until: this.#now() + pause });
    return pause;
  }

  /** It started, and died soon after. That may be bad luck: only from the third time in a row on it counts as a failure. */
  diedYoung(key: string): void {
    const deaths = (this.#youngDeaths.get(key) ?? 0) + 1;
    this.#youngDeaths.set(key, deaths);
    if (deaths >= YOUNG_DEATHS_FORGIVEN) this.failed(key);
  }

  /** It proved healthy: the next failure begins anew. */
  forget(key: string): void {
    this.#failures.delete(key);
    this.#youngDeaths.delete(key);
  }
}
