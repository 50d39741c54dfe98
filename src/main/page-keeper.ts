/** Keeps the page cache true: hears what awake sites say has changed, and drops what a new image made old. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { SubakoEvent } from '../domain/events.ts';
import { roleKey } from '../domain/role.ts';
import { keepingOfPages } from '../domain/site.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import { PURGE_ALL } from '../edge/page-cache/purge-request.ts';
import { PurgeSockets } from '../edge/page-cache/purge-sockets.ts';
import type { EventLog } from '../lifecycle/event-log.ts';
import type { SiteContexts } from '../site/site-context.ts';
import { sitePaths } from '../site/site-paths.ts';

export interface PageKeeperDeps {
  readonly config: Config;
  readonly cmdb: Cmdb;
  readonly events: EventLog;
  readonly pages: PageCache;
  readonly contexts: SiteContexts;
}

export class PageKeeper implements AsyncDisposable {
  readonly #deps: PageKeeperDeps;
  readonly #sockets: PurgeSockets;
  readonly #unfollow: () => void;
  readonly #outdated = new Set<string>();

  /** Hears from now on. */
  constructor(deps: PageKeeperDeps) {
    this.#deps = deps;
    this.#sockets = new PurgeSockets((host, request) => deps.pages.purge(host, request));
    this.#unfollow = deps.events.follow((event) => void this.#hear(event).catch(() => undefined)); // the site tries again, and says so in its log
  }

  /**
   * The edge runs.
   * @param adopted it ran without us: what sites said meanwhile is lost, and with it all that was kept
   */
  begin({ adopted }: { readonly adopted: boolean }): void {
    const { pages } = this.#deps;
    void pages.begin({ trusted: !adopted });
    for (const host of this.#outdated) void pages.purge(host, PURGE_ALL);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unfollow();
    this.#deps.pages.stop();
    await this.#sockets.stop();
  }

  /** What WordPress itself could not tell. */
  async #changed(host: string, cause: string | undefined): Promise<void> {
    const { pages, cmdb } = this.#deps;
    if (cause === 'a new image') this.#outdated.add(host);
    const site = cause === 'another name' ? await cmdb.siteByDomain(host) : undefined;
    if (site !== undefined) pages.open(host, keepingOfPages(site.settings));
    if (cause === 'a dump was loaded' || cause === 'imported' || cause === 'another name') await pages.purge(host, PURGE_ALL);
  }

  async #hear({ type, site: host, instance = '', cause, facts }: SubakoEvent): Promise<void> {
    if (host === undefined) return;
    if (type === 'site.changed') await this.#changed(host, cause);
    if (type === 'site.removed' && typeof facts?.['id'] === 'string') await this.#sockets.close(facts['id']);
    if (type !== 'instance.woken' && type !== 'instance.adopted' && type !== 'instance.slept') return;
    const { cmdb, contexts, config } = this.#deps;
    const site = await cmdb.siteByDomain(host);
    // Only this role can change anything.
    if (site === undefined || !instance.startsWith(roleKey(site.id, 'admin'))) return;
    if (type === 'instance.slept') await this.#sockets.close(site.id);
    else {
      const gid = rangeBase(site.uidRange) + (contexts.stackOf(site).uid ?? 0);
      await this.#sockets.listen({ id: site.id, host, dir: sitePaths(config, site.id).configOf('admin'), gid });
    }
  }
}
