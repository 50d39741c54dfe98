/** A site is there whole or not at all: what fails is undone at once, and what a crash leaves is undone or finished at the next start. */
import type { Cmdb, NewSite } from '../cmdb/cmdb.ts';
import { databaseNames } from '../database/tenants.ts';
import type { Tenants } from '../database/tenants.ts';
import type { EventSink } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import type { Site } from '../domain/site.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import type { Companions } from '../lifecycle/companions.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Names } from './names.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';

export interface WholeSitesDeps {
  readonly cmdb: Pick<Cmdb, 'insertSite' | 'updateSite' | 'deleteSite' | 'siteByDomain' | 'sites'>;
  readonly tenants: Pick<Tenants, 'drop'>;
  readonly routes: Pick<RouteTree, 'unpublish'>;
  readonly names: Pick<Names, 'end'>;
  readonly pages: Pick<PageCache, 'close'>;
  readonly lifecycle: Pick<Lifecycle, 'endAll' | 'exclusively'>;
  readonly companions: Pick<Companions, 'remove'>;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly node: string;
}

export class WholeSites {
  readonly #deps: WholeSitesDeps;
  /** Sites that are being created or removed right now. */
  readonly #underWay = new Set<string>();

  constructor(deps: WholeSitesDeps) {
    this.#deps = deps;
  }

  /**
   * Makes the record of a site, has `fill` make what it needs, and marks it ready. When that fails, everything is undone; what a crash leaves is undone
   * at the next start.
   */
  async make(site: Pick<NewSite, 'domain' | 'stack' | 'image' | 'app' | 'settings'>, fill: (draft: Site) => Promise<void>): Promise<Site> {
    const { cmdb, now, node, emit } = this.#deps;
    const { domain, stack, image } = site;
    await this.clearStale(domain);
    return this.#whileUnderWay(newId(), async (id) => {
      const draft = await cmdb.insertSite({ ...site, id, phase: 'creating', node, createdAt: now() });
      try {
        await fill(draft);
        const made = await cmdb.updateSite(id, { phase: 'ready' });
        emit({ type: 'site.created', site: domain, facts: { id, stack, image } });
        return made;
      } catch (error) {
        // If even this fails, the record stays `creating`, and the next start (or the next try) undoes it.
        await this.#erase(draft).catch((undoError: unknown) => emit({ type: 'site.undone', site: domain, cause: `not yet: ${String(undoError)}` }));
        throw error;
      }
    });
  }

  /** Removes a site that is ready, with all it had: containers, routes, database, files. */
  async remove(site: Site): Promise<void> {
    const { cmdb, emit } = this.#deps;
    await this.#whileUnderWay(site.id, async (id) => {
      // From here on it is gone for everyone. After a crash, the next start goes on with it.
      await this.#erase(await cmdb.updateSite(id, { phase: 'removing' }));
    });
    emit({ type: 'site.removed', site: site.domain, cause: 'command', facts: { id: site.id } });
  }

  /** At start: removes sites that a crash left half made or half removed. */
  async finishInterrupted(): Promise<void> {
    const { cmdb, emit } = this.#deps;
    for (const site of await cmdb.sites()) {
      if (site.phase === 'ready') continue;
      const cause = await this.#erase(site).then(
        () => `the daemon ended while it was ${site.phase}`,
        (error: unknown) => `not yet: ${String(error)}`,
      );
      emit({ type: 'site.undone', site: site.domain, cause, facts: { id: site.id } });
    }
  }

  /** Removes what a failed undo left of a site with this domain: a record that is not ready, and that nobody works on. */
  async clearStale(domain: string): Promise<void> {
    const site = await this.#deps.cmdb.siteByDomain(domain);
    if (site !== undefined && site.phase !== 'ready' && !this.#underWay.has(site.id)) await this.#erase(site);
  }

  /** Notes that somebody works on the site, from before its record changes, so that nobody takes the record for stale. */
  async #whileUnderWay<T>(id: string, work: (id: string) => Promise<T>): Promise<T> {
    this.#underWay.add(id);
    try {
      return await work(id);
    } finally {
      this.#underWay.delete(id);
    }
  }

  /** Removes whatever there is of a site, its record last. Repeatable. */
  async #erase(site: Site): Promise<void> {
    const { lifecycle, routes, names, pages, tenants, companions, dirs, cmdb } = this.#deps;
    await failpoint('erase.marked');
    await lifecycle.endAll(site, 'removed');
    await failpoint('erase.ended');
    await names.end(site);
    await lifecycle.exclusively(site.id, async () => {
      await routes.unpublish(site.domain);
      await pages.close(site.domain);
      await tenants.drop(databaseNames(site.id));
      await failpoint('erase.dropped');
      const paths = sitePaths(dirs, site.id);
      await removeTree(paths.run);
      await removeTree(paths.root);
      await failpoint('erase.emptied');
      await cmdb.deleteSite(site.id);
    });
    // Last, because the site was in their networks. If we die before this, the next start removes projects whose site is gone.
    await companions.remove(site);
  }
}
