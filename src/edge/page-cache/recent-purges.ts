/**
 * The latest purges of each site. The edge tells of a kept page up to a second later. If the site was purged meanwhile, these say whether that
 * purge concerned the page, so that the page need not go for a purge of others.
 */
import type { PurgeTest } from './purge-request.ts';

/** How many purges are remembered of each site: more than happen within the second until the edge tells of a page. */
const MOST = 64;

interface Purged {
  /** What the site's file in the route tree said until then. */
  readonly before: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly isPurged: PurgeTest;
}

export class RecentPurges {
  readonly #of = new Map<string, Purged[]>();

  note(host: string, purged: Purged): void {
    this.#of.set(host, [...(this.#of.get(host) ?? []), purged].slice(-MOST));
  }

  /**
   * When the last purge was that concerns this page, since the site's file said `site`, which is when the page's fill began. Undefined: there was none, and the
   * page is as good as ever. Infinite when it began too long ago to know.
   */
  lastOf(host: string, page: string, site: string): number | undefined {
    const purges = this.#of.get(host) ?? [];
    const first = purges.findIndex(({ before }) => before === site);
    return first === -1 ? Number.POSITIVE_INFINITY : purges.slice(first).findLast(({ isPurged }) => isPurged(page))?.at;
  }

  forget(host: string): void {
    this.#of.delete(host);
  }
}
