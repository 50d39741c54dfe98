/** What was dropped of each site lately: a page that was made before, and of which the edge tells only now, need go only where it is concerned. */
import { isPurged } from './purge-request.ts';
import type { PurgeRequest } from './purge-request.ts';

/** Of each site; the edge tells of a page within a second. */
const MOST = 64;

interface Purged {
  /** The site's file until then. */
  readonly before: string;
  readonly request: PurgeRequest;
}

export class RecentPurges {
  readonly #of = new Map<string, Purged[]>();

  note(host: string, purged: Purged): void {
    this.#of.set(host, [...(this.#of.get(host) ?? []), purged].slice(-MOST));
  }

  /** Whether a page, made when the site's file said `site`, may hold what was dropped since. True as well when that is too long ago to know. */
  concern(host: string, page: string, site: string): boolean {
    const purges = this.#of.get(host) ?? [];
    const first = purges.findIndex(({ before }) => before === site);
    return first === -1 || purges.slice(first).some(({ request }) => isPurged(page, request));
  }

  forget(host: string): void {
    this.#of.delete(host);
  }
}
