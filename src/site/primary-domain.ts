/** Gives a site another name: record, configuration, route, and its addresses all over the database. Whole, or as before. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import { ROLES } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Owner } from './owner.ts';
import type { ReplacedReply } from './owner-types.ts';
import type { SiteContexts } from './site-context.ts';
import { sleepWhole } from './sleep-whole.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';

export interface PrimaryDomainDeps {
  readonly cmdb: Cmdb;
  readonly lifecycle: Lifecycle;
  readonly routes: RouteTree;
  readonly contexts: SiteContexts;
  readonly owner: Owner;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  /** Every address that a site of this name can be reached at. */
  readonly urlsOf: (domain: string) => readonly string[];
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

export class PrimaryDomain {
  readonly #deps: PrimaryDomainDeps;

  constructor(deps: PrimaryDomainDeps) {
    this.#deps = deps;
  }

  /**
   * From the beginning it is not there under its old name any more; under the new one it is while its addresses are still being changed.
   * @throws SubakoError `bad_domain`, `already_exists`, `conflict`, or what the replacing threw; then all is as it was
   */
  async change(site: Site, wanted: string, { progress, signal }: Working): Promise<RenamedReply> {
    const { cmdb, lifecycle, routes, owner, emit, urlsOf } = this.#deps;
    const domain = canonicalHost(wanted);
    if (domain === site.domain) throw new SubakoError('conflict', `${domain} is the site’s name already`);
    if ((await cmdb.siteByDomain(domain)) !== undefined)
      throw new SubakoError('already_exists', `the site ${domain} exists already`, { hint: 'choose another name' });

    await using undo = new AsyncDisposableStack();
    // Written first: a daemon that finds it at its start gives the site its old name back.
    await writeFileAtomic(this.#note(site.id), JSON.stringify({ from: site.domain }), { mode: 0o600 });
    undo.defer(() => rm(this.#note(site.id), { force: true }));
    progress('putting the site to sleep');
    await routes.unpublish(site.domain);
    undo.defer(() => this.#publish(site));
    await this.#asleep(site);
    const renamed = await lifecycle.exclusively(site.id, async () => {
      refuseAwake(site, lifecycle);
      return this.#record(site, domain);
    });
    undo.defer(async () => {
      await routes.unpublish(domain);
      await this.#asleep(renamed);
      await lifecycle.exclusively(site.id, () => this.#record(renamed, site.domain));
    });
    await this.#publish(renamed);
    const [url = ''] = urlsOf(domain);
    const replaced = await owner.replaceUrls(renamed, { from: urlsOf(site.domain), to: url }, { progress, signal });
    await rm(this.#note(site.id), { force: true });
    undo.move();
    emit({ type: 'site.changed', site: domain, cause: 'another name', facts: { from: site.domain } });
    return { from: site.domain, domain, url: `${url}/`, replaced };
  }

  /** At start, before routes are made: what an earlier daemon left half done is taken back. */
  async recover(site: Site): Promise<void> {
    const text = await readFile(this.#note(site.id), 'utf8').catch(() => undefined);
    if (text === undefined) return;
    const { from } = JSON.parse(text) as { from: string };
    await this.#record(site, from);
    await rm(this.#note(site.id), { force: true });
    this.#deps.emit({ type: 'site.undone', site: from, cause: 'the daemon ended while it got another name', facts: { id: site.id, was: site.domain } });
  }

  async #record(site: Site, domain: string): Promise<Site> {
    const { cmdb, contexts } = this.#deps;
    const changed = await cmdb.updateSite(site.id, { domain });
    await contexts.stackOf(changed).configure(await contexts.of(changed, 'admin', site.id));
    return changed;
  }

  #asleep(site: Site): Promise<void> {
    return sleepWhole(this.#deps.lifecycle, site, 'another name');
  }

  async #publish(site: Site): Promise<void> {
    const { routes, contexts } = this.#deps;
    await routes.publish(site.domain, contexts.stackOf(site).route(await contexts.of(site, 'admin', site.id)));
  }

  #note(siteId: string): string {
    return join(sitePaths(this.#deps.dirs, siteId).secrets, 'renaming.json');
  }
}

function refuseAwake(site: Site, lifecycle: Lifecycle): void {
  if (ROLES.every((role) => lifecycle.live(site.id, role) === undefined)) return;
  throw new SubakoError('conflict', `${site.domain} was woken meanwhile`, { hint: 'try again' });
}
