/** Gives a site another name: record, configuration, route, and its addresses all over the database. Whole, or as before. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Alias } from '../domain/alias.ts';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import { ROLES } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import { failpoint } from '../lib/failpoint.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Addresses } from './addresses.ts';
import { forgetMemory } from './forget-memory.ts';
import type { Owner } from './owner.ts';
import type { ReplacedReply } from './owner-types.ts';
import type { SiteContexts } from './site-context.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';
import type { Sites } from './sites.ts';
import { refuseOtherStacks } from './only-wordpress.ts';

export interface PrimaryDomainDeps {
  readonly cmdb: Cmdb;
  readonly lifecycle: Lifecycle;
  readonly routes: RouteTree;
  readonly pages: PageCache;
  readonly contexts: SiteContexts;
  readonly sites: Sites;
  readonly owner: Owner;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  readonly addresses: Addresses;
}

export interface RenamedReply {
  readonly from: string;
  readonly domain: string;
  readonly url: string;
  readonly replaced: ReplacedReply;
}

interface Working {
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Written to disk while the change is under way, for the next daemon if this one dies. */
interface Note {
  readonly from: string;
  /** Set where the new domain was a further name of the site before. */
  readonly alias?: Alias | undefined;
  /** Set once addresses are being replaced: then the change must be finished. */
  readonly replacing?: Replacing | undefined;
}

interface Replacing {
  readonly from: readonly string[];
  readonly to: string;
}

export class PrimaryDomain {
  readonly #deps: PrimaryDomainDeps;
  /** Sites that an earlier daemon left with their new name and, perhaps, their old addresses. */
  readonly #unfinished = new Map<string, { readonly from: string; readonly replacing: Replacing }>();
  readonly #stopping = new AbortController();
  #finishing: Promise<void> = Promise.resolve();

  constructor(deps: PrimaryDomainDeps) {
    this.#deps = deps;
  }

  /**
   * Gives the site another domain. It answers under the new one at once, while its addresses in the database are still being replaced. Afterwards
   * the old domain is a further name that sends visitors on.
   * @throws SubakoError `bad_domain`, `already_exists`, `conflict`, or what the replacing threw; then everything is as it was
   */
  async change(site: Site, wanted: string, { progress, signal }: Working): Promise<RenamedReply> {
    const { cmdb, lifecycle, sites, owner, addresses } = this.#deps;
    const domain = canonicalHost(wanted);
    await this.#refuseUnfit(site, domain);
    const alias = (await cmdb.aliases()).find(({ name }) => name === domain);
    // Asked before the alias is released, while its certificate still counts.
    const url = addresses.urlOf({ ...site, domain });

    await using undo = new AsyncDisposableStack();
    // Written first: a daemon that finds this note at its start gives the site its old name back.
    const note: Note = { from: site.domain, alias };
    await this.#write(site.id, note);
    undo.defer(() => this.#forget(site.id));
    if (alias !== undefined) {
      await sites.names.release(alias);
      undo.defer(async () => void (await sites.names.add(site.domain, domain, alias)));
    }
    progress('putting the site to sleep');
    undo.defer(() => this.#begin(site));
    await this.#leave(site);
    const renamed = await lifecycle.exclusively(site.id, async () => {
      refuseAwake(site, lifecycle);
      return this.#record(site, domain);
    });
    undo.defer(async () => {
      await this.#leave(renamed);
      if (alias === undefined) await sites.names.forget(domain);
      await lifecycle.exclusively(site.id, () => this.#record(renamed, site.domain));
    });
    await this.#begin(renamed);
    await failpoint('primary.begun');
    const replacing: Replacing = { from: [...addresses.originsOf(site.domain), `http://${site.domain}`], to: url.replace(/\/$/u, '') };
    // From here on a later daemon cannot tell which addresses were replaced already: it finishes the work instead of undoing it.
    await this.#write(site.id, { ...note, replacing });
    undo.defer(() => this.#write(site.id, note));
    const replaced = await owner.replaceUrls(renamed, replacing, { progress, signal });
    undo.move();
    await failpoint('primary.replaced');
    await this.#conclude(renamed, site.domain);
    return { from: site.domain, domain, url, replaced };
  }

  async #refuseUnfit(site: Site, domain: string): Promise<void> {
    refuseOtherStacks(site);
    if (this.#unfinished.has(site.id)) {
      throw new SubakoError('conflict', `${site.domain} is still getting the name it has now`, { hint: 'subako events says how that goes' });
    }
    if (domain === site.domain) throw new SubakoError('conflict', `${domain} is the site’s name already`);
    const holder = await this.#deps.cmdb.siteByHost(domain);
    if (holder !== undefined && holder.id !== site.id) {
      throw new SubakoError('already_exists', `${domain} is a name of the site ${holder.domain}`, { hint: 'choose another name' });
    }
  }

  /** At start, before routes are made: takes back what an earlier daemon left half done, or notes it for `start`, where it must be finished. */
  async recover(site: Site): Promise<void> {
    const text = await readFile(this.#note(site.id), 'utf8').catch(() => undefined);
    if (text === undefined) return;
    const { from, alias, replacing } = JSON.parse(text) as Note;
    if (replacing !== undefined) return void this.#unfinished.set(site.id, { from, replacing });
    await this.#record(site, from);
    if (alias !== undefined) await this.#deps.cmdb.addAlias(alias);
    await this.#forget(site.id);
    this.#deps.emit({ type: 'site.undone', site: from, cause: 'the daemon ended while it got another name', facts: { id: site.id, was: site.domain } });
  }

  /** Finishes what an earlier daemon left unfinished. Call it once sites can be woken; returns at once. */
  start(): void {
    this.#finishing = this.#finishAll();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#finishing;
  }

  async #finishAll(): Promise<void> {
    const { cmdb, owner, emit } = this.#deps;
    const { signal } = this.#stopping;
    for (const [id, { from, replacing }] of this.#unfinished) {
      const site = await cmdb.site(id);
      if (site?.phase !== 'ready' || signal.aborted) continue;
      try {
        // A tool that the earlier daemon started may still be replacing addresses: it ends with its container.
        await forgetMemory(this.#deps, site, 'another name');
        await owner.replaceUrls(site, replacing, { progress: () => undefined, signal });
        await this.#conclude(site, from);
        this.#unfinished.delete(id);
      } catch (error) {
        // The note stays, and the next start tries again.
        const cause = `its addresses are not those of its new name yet: ${asSubakoError(error).message}`;
        if (!signal.aborted) emit({ type: 'site.undone', site: site.domain, cause, facts: { id, from } });
      }
    }
  }

  /** Makes the old domain a further name, and forgets the note. Repeatable. */
  async #conclude(site: Site, from: string): Promise<void> {
    const { sites, emit } = this.#deps;
    await sites.names.add(site.domain, from, { redirect: true }).catch((error: unknown) => {
      // Another site has taken the old domain meanwhile.
      if (asSubakoError(error).code !== 'already_exists') throw error;
    });
    await this.#forget(site.id);
    emit({ type: 'site.changed', site: site.domain, cause: 'another name', facts: { from } });
  }

  /** Takes the route of its domain away, puts it to sleep, and drops its kept pages. */
  async #leave(site: Site): Promise<void> {
    const { routes, pages } = this.#deps;
    await routes.unpublish(site.domain);
    await forgetMemory(this.#deps, site, 'another name');
    await pages.close(site.domain);
  }

  /** Makes its domain and its further names known to the edge. */
  async #begin(site: Site): Promise<void> {
    const { sites } = this.#deps;
    await sites.publish(site);
    await sites.names.begin(site);
    await sites.names.publish(site);
  }

  async #record(site: Site, domain: string): Promise<Site> {
    const { cmdb, contexts } = this.#deps;
    const changed = await cmdb.updateSite(site.id, { domain });
    await contexts.stackOf(changed).configure?.(await contexts.of(changed, 'admin', site.id));
    return changed;
  }

  #write(siteId: string, note: Note): Promise<void> {
    return writeFileAtomic(this.#note(siteId), JSON.stringify(note), { mode: 0o600 });
  }

  #forget(siteId: string): Promise<void> {
    return rm(this.#note(siteId), { force: true });
  }

  #note(siteId: string): string {
    return join(sitePaths(this.#deps.dirs, siteId).secrets, 'renaming.json');
  }
}

function refuseAwake(site: Site, lifecycle: Lifecycle): void {
  if (ROLES.every((role) => lifecycle.live(site.id, role) === undefined)) return;
  throw new SubakoError('conflict', `${site.domain} was woken meanwhile`, { hint: 'try again' });
}
