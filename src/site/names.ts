/** Further names of a site: served as its domain is, or sent on to it. Also the one place that tells edge and certificates which names there are. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Alias } from '../domain/alias.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import type { Site } from '../domain/site.ts';
import type { NameRoutes } from '../edge/name-routes.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';

/** Told of names that come and go, to ask for certificates or forget them. Never waits for a public authority. */
export interface NameWatcher {
  added(name: string): Promise<void>;
  removed(name: string): Promise<void>;
}

export interface NamesDeps {
  readonly cmdb: Cmdb;
  readonly names: NameRoutes;
  readonly pages: Pick<PageCache, 'close'>;
  readonly watcher: NameWatcher;
  readonly emit: EventSink;
  readonly now: () => number;
  /** A ready site by its domain. @throws SubakoError `not_found`, `bad_domain` */
  readonly siteOf: (domain: string) => Promise<Site>;
  /** Tells the site itself which further names it has. */
  readonly tell: (site: Site, names: readonly Alias[]) => Promise<void>;
}

export interface SiteName extends Pick<Alias, 'name' | 'redirect'> {
  readonly domain: string;
}

export class Names {
  readonly #deps: NamesDeps;

  constructor(deps: NamesDeps) {
    this.#deps = deps;
  }

  /**
   * Gives a site a further name, which works when this returns. For a name that the site has already, only `redirect` is changed.
   *
   * @throws SubakoError `bad_domain`, `not_found`, `already_exists` when another site has it or it is the site's domain
   */
  async add(domain: string, typed: string, { redirect }: { redirect: boolean }): Promise<SiteName> {
    const { cmdb, names, pages, watcher, emit, now, siteOf } = this.#deps;
    const name = canonicalHost(typed);
    const site = await siteOf(domain);
    const known = (await cmdb.aliases()).find((alias) => alias.name === name);
    // Recorded first: whatever a crash leaves in the route tree is set right by the record at the next start.
    await cmdb.addAlias({ name, siteId: site.id, redirect, createdAt: known?.createdAt ?? now() });
    await this.#tell(site);
    await names.publish({ name, redirect }, site.domain);
    await pages.close(name);
    await watcher.added(name);
    emit({ type: 'site.changed', site: site.domain, cause: 'command', facts: { name, redirect } });
    return { name, redirect, domain: site.domain };
  }

  /** @throws SubakoError `bad_domain`, `not_found`, `conflict` for a domain, which is its site's first name */
  async remove(typed: string): Promise<SiteName> {
    const { cmdb, watcher, emit } = this.#deps;
    const name = canonicalHost(typed);
    const alias = (await cmdb.aliases()).find((one) => one.name === name);
    if (alias === undefined) throw await this.#notAnAlias(name);
    const site = await this.release(alias);
    await watcher.removed(name);
    const domain = site?.domain ?? '';
    emit({ type: 'site.changed', site: domain, cause: 'command', facts: { removed: name } });
    return { name, redirect: alias.redirect, domain };
  }

  /** Takes a further name away, but keeps its certificate. Returns the site that had it. */
  async release({ name, siteId }: Alias): Promise<Site | undefined> {
    const { cmdb, names, pages } = this.#deps;
    const site = await cmdb.site(siteId);
    await cmdb.deleteAlias(name);
    await names.unpublish(name);
    await pages.close(name);
    if (site !== undefined) await this.#tell(site);
    return site;
  }

  /** Every name of one site, or of all; a site's domain comes first. @throws SubakoError `not_found` */
  async list(domain?: string): Promise<SiteName[]> {
    const { cmdb, siteOf } = this.#deps;
    const sites = domain === undefined ? (await cmdb.sites()).filter((site) => site.phase === 'ready') : [await siteOf(domain)];
    const aliases = Map.groupBy(await cmdb.aliases(), (alias) => alias.siteId);
    return sites.flatMap((site) => [
      { name: site.domain, redirect: false, domain: site.domain },
      ...(aliases.get(site.id) ?? []).map(({ name, redirect }) => ({ name, redirect, domain: site.domain })),
    ]);
  }

  /** Makes a ready site's aliases known to the edge; its own entry is there. @param known the site's aliases, where they were read already */
  async publish(site: Site, known?: readonly Alias[]): Promise<void> {
    const own = known ?? (await this.#aliasesOf(site));
    for (const alias of own) await this.#deps.names.publish(alias, site.domain);
    // Told again: a crash may have come between the record and the first time.
    if (own.length > 0) await this.#tell(site);
  }

  /** The domain of a site works from now on. */
  async begin(site: Site): Promise<void> {
    await this.#deps.watcher.added(site.domain);
  }

  /** For a name that was to become a site's domain, and did not. */
  forget(name: string): Promise<void> {
    return this.#deps.watcher.removed(name);
  }

  /** Takes away all names of a site that is being removed. Idempotent. */
  async end(site: Site): Promise<void> {
    const { names, pages, watcher } = this.#deps;
    for (const { name } of await this.#aliasesOf(site)) {
      await names.unpublish(name);
      await pages.close(name);
      await watcher.removed(name);
    }
    await watcher.removed(site.domain);
  }

  async #tell(site: Site): Promise<void> {
    await this.#deps.tell(site, await this.#aliasesOf(site));
  }

  async #aliasesOf(site: Site): Promise<Alias[]> {
    return (await this.#deps.cmdb.aliases()).filter((alias) => alias.siteId === site.id);
  }

  async #notAnAlias(name: string): Promise<SubakoError> {
    if ((await this.#deps.cmdb.siteByDomain(name)) === undefined) {
      return new SubakoError('not_found', `no site has the name ${name}`, { hint: 'subako domain ls shows the names there are' });
    }
    return new SubakoError('conflict', `${name} is the domain of a site, not one of its further names`, {
      hint: `to remove the whole site: subako site rm ${name}`,
    });
  }
}
