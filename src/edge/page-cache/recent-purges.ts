/** What was dropped of each site lately: a page that was made before, and of which the edge tells only now, need go only where it is concerned. */
import { isPurged } from './purge-request.ts';
import type { PurgeRequest } from './purge-request.ts';

/** Of each site; the edge tells of a page within a second. */
const MOST = 64;

interface Purged {
  /** The site's file until then. */
  readonly before: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly request: PurgeRequest;
}

export class RecentPurges {
  readonly #of = new Map<string, Purged[]>();

  note(host: string, purged: Purged): void {
    this.#of.set(host, [...(this.#of.get(host) ?? []), purged].slice(-MOST));
  }

  /**
   * When something was dropped last that a page may hold which began when the site's file said `site`: Unix time in milliseconds. Undefined: the
   * page is as good as ever. Infinite when it began too long ago to know.
   */
  lastOf(host: string, page: string, site: string): number | undefined {
    const purges = this.#of.get(host) ?? [];
    const first = purges.findIndex(({ before }) => before === site);
    return first === -1 ? Number.POSITIVE_INFINITY : purges.slice(first).findLast(({ request }) => isPurged(page, request))?.at;
  }

  forget(host: string): void {
    this.#of.delete(host);
  }
}
