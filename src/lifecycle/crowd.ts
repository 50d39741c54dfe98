/** When a site gets another instance, and when one is taken back. */

/** Looks (one a second) in a row above the target until another instance is started. */
const LOOKS_UP = 3;
/** Looks in a row in which one instance less would do, with room to spare, until one ends. */
const LOOKS_DOWN = 30;
/** One less must do with this part of the target: between that and the target nothing changes. */
const SPARE = 0.5;

export type CrowdVerdict = 'more' | 'fewer' | 'enough';

interface Streak {
  above: number;
  below: number;
}

/**
 * Counts in a row, so that neither a short rush nor a short lull changes anything: up after 3 looks above the target for each instance,
 * down after 30 looks in which the others would be at most half busy.
 */
export class Crowd {
  readonly #target: number;
  readonly #streaks = new Map<string, Streak>();

  /** @param target requests at once for each instance */
  constructor(target: number) {
    this.#target = target;
  }

  /** One look at a site's requests that run or wait. */
  look(siteId: string, seen: { readonly inFlight: number; readonly instances: number }): CrowdVerdict {
    const { inFlight, instances } = seen;
    const before = this.#streaks.get(siteId) ?? { above: 0, below: 0 };
    const above = inFlight > this.#target * instances ? before.above + 1 : 0;
    const below = instances > 1 && inFlight <= this.#target * SPARE * (instances - 1) ? before.below + 1 : 0;
    const verdict = above >= LOOKS_UP ? 'more' : below >= LOOKS_DOWN ? 'fewer' : 'enough';
    if (verdict === 'enough' && (above > 0 || below > 0)) this.#streaks.set(siteId, { above, below });
    else this.#streaks.delete(siteId);
    return verdict;
  }

  /** Those that were not looked at sleep, or are gone: they begin anew. */
  forgetOthers(siteIds: ReadonlySet<string>): void {
    for (const siteId of this.#streaks.keys()) if (!siteIds.has(siteId)) this.#streaks.delete(siteId);
  }
}
