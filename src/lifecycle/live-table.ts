/** Which instances are up, by site. A site's first instance is the one that stays when it has less to do. */
import type { Live } from './live.ts';

export class LiveTable {
  readonly #bySite = new Map<string, readonly Live[]>();

  of(siteId: string): readonly Live[] {
    return this.#bySite.get(siteId) ?? [];
  }

  all(): Live[] {
    return [...this.#bySite.values()].flat();
  }

  add(live: Live): void {
    this.#bySite.set(live.site.id, [...this.of(live.site.id), live]);
  }

  remove(live: Live): void {
    const rest = this.of(live.site.id).filter((one) => one !== live);
    if (rest.length === 0) this.#bySite.delete(live.site.id);
    else this.#bySite.set(live.site.id, rest);
  }
}
