/**
 * The port of companions: the other services of a site's project, without which the site is of no use. They come up before it and rest after it.
 *
 * Every method is idempotent: called again, whatever came of the call before, it does what is left to do. For a site without companions nothing happens.
 */
import type { Site } from '../domain/site.ts';
import type { Phases } from '../lib/phases.ts';

export interface Companions {
  /**
   * Thaws each companion, or starts it once what it depends on is there. Returns when all are up.
   * @throws SubakoError `wake_failed` naming the one that is not; `busy` while the project is being changed
   */
  up(site: Site): Promise<void>;
  /** Every process stops where it is and keeps its memory. */
  freeze(site: Site): Promise<void>;
  /** Ends each; a companion ends before those that it depends on. */
  end(site: Site): Promise<void>;
  /** Removes them with all that they had, except their volumes. */
  remove(site: Site): Promise<void>;
}

/** Whether a site has any. Asks nobody, so it may be called while a visitor waits. */
export function hasCompanions({ app }: Pick<Site, 'app'>): boolean {
  return app?.pod !== undefined;
}

/** @param isSlow called once if it takes longer than a second */
export async function companionsUp(site: Site, companions: Companions, { phases, isSlow }: { phases: Phases; isSlow: () => void }): Promise<void> {
  if (!hasCompanions(site)) return;
  const timer = setTimeout(isSlow, SLOW_AFTER_MS);
  try {
    await companions.up(site);
    phases.mark('companions');
  } finally {
    clearTimeout(timer);
  }
}

const SLOW_AFTER_MS = 1_000;
