/**
 * Containers that a site is of no use without: the other services of its project. They come up before it and rest after it.
 *
 * Every method may be called again, whatever came of it before, and does what is left to do. For a site without companions nothing happens.
 */
import type { Site } from '../domain/site.ts';
import type { Phases } from '../lib/phases.ts';

export interface Companions {
  /**
   * Each goes on, or is started once what it depends on is there; returns when all are.
   * @throws SubakoError `wake_failed` naming the one that is not; `busy` while the project is being changed
   */
  up(site: Site): Promise<void>;
  /** Every process stays where it is, and in memory. */
  freeze(site: Site): Promise<void>;
  /** Each ends, those first that others do not depend on. */
  end(site: Site): Promise<void>;
  /** They go, with all that they had but their volumes. */
  remove(site: Site): Promise<void>;
}

/** Whether there are any, for those in a hurry. */
export function hasCompanions({ app }: Pick<Site, 'app'>): boolean {
  return app?.pod !== undefined;
}

/** @param isSlow called once it takes long */
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
