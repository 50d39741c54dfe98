/** What sites are made of and changed into. That they are there whole or not at all is WholeSites' (whole-sites.ts). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { databaseNames, newDatabaseAccess } from '../database/tenants.ts';
import type { Tenants } from '../database/tenants.ts';
import type { Alias } from '../domain/alias.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import { newSecret } from '../domain/ids.ts';
import type { RuntimeName } from '../domain/runtime-name.ts';
import { keepingOfPages } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { httpsFiles } from '../edge/https-files.ts';
import type { NameRoutes } from '../edge/name-routes.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import { PURGE_ALL } from '../edge/page-cache/purge-request.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import type { Companions } from '../lifecycle/companions.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { APP_STACK } from '../stack/app/app.ts';
import { isInstalled, isOfCode } from '../stack/stack.ts';
import type { InstalledStack, NewSiteAnswers } from '../stack/stack.ts';
import { networkNamed } from '../container/named-networks.ts';
import type { AppImages, AppOfImage } from './app-image.ts';
import type { AppRequest } from './app-request.ts';
import { basisOfPages } from './basis-of-pages.ts';
import { refuseOtherStacks, refuseServices } from './only-wordpress.ts';
import { hashLogin } from './admin-password.ts';
import type { Login } from './admin-password.ts';
import type { Addresses } from './addresses.ts';
import { upgradeSite } from './upgrade.ts';
import type { SiteContexts } from './site-context.ts';
import type { PlatformDirs } from './site-paths.ts';
import type { SeedMaker } from './seed-maker.ts';
import { NewestImages } from './newest-images.ts';
import type { ImageOf } from './newest-images.ts';
import { answersFor } from './new-site-answers.ts';
import { changeSettings, refuseForeignSettings } from './site-settings.ts';
import { Names } from './names.ts';
import { WholeSites } from './whole-sites.ts';
import type { NameWatcher } from './names.ts';

export interface SitesDeps {
  readonly cmdb: Cmdb;
  readonly tenants: Tenants;
  readonly seeds: SeedMaker;
  readonly routes: RouteTree;
  readonly names: NameRoutes;
  readonly watcher: NameWatcher;
  readonly pages: PageCache;
  readonly lifecycle: Lifecycle;
  readonly companions: Companions;
  readonly contexts: SiteContexts;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  readonly now: () => number;
  readonly node: string;
  /** The settings of a new site, by its domain. */
  readonly defaults: (domain: string) => SiteSettings;
  readonly appDefaults: (domain: string) => SiteSettings;
  readonly imageOf: ImageOf;
  readonly appImages: AppImages;
  readonly addresses: Addresses;
  /** Makes a runtime's program where it is missing. @throws SubakoError `build_failed` */
  readonly ensureRuntime: (name: RuntimeName) => Promise<void>;
}

export interface CreateRequest {
  readonly domain: string;
  readonly stack?: string | undefined;
  readonly title?: string | undefined;
  readonly adminUser?: string | undefined;
  readonly adminEmail?: string | undefined;
}

export interface CreateAppRequest extends AppRequest {
  readonly domain: string;
  readonly ignoreScan?: boolean | undefined;
}

export interface DeployRequest {
  /** Name of the image. Default: the name that the site has. */
  readonly image?: string | undefined;
  readonly ignoreScan?: boolean | undefined;
}

export interface CreatedSite {
  readonly site: Site;
  readonly admin: { readonly user: string; readonly password: string };
}

export class Sites {
  readonly #deps: SitesDeps;
  readonly #changes = new KeyedLock();
  /** Further names of the sites. */
  readonly names: Names;
  /** Makes and removes them. */
  readonly whole: WholeSites;

  constructor(deps: SitesDeps) {
    this.#deps = deps;
    this.names = new Names({ ...deps, siteOf: (domain) => this.byDomain(domain), tell: (site, names) => this.#tell(site, names) });
    this.whole = new WholeSites({ ...deps, names: this.names });
  }

  /**
   * Makes a site that is installed, such as a WordPress: asleep and reachable. The password in the answer is not kept anywhere.
   *
   * @throws SubakoError `bad_domain`, `already_exists`, `bad_setting`, or what went wrong on the way; then nothing of the site is left
   */
  async create(request: CreateRequest): Promise<CreatedSite> {
    const { contexts, imageOf, defaults } = this.#deps;
    const domain = canonicalHost(request.domain);
    const answers = answersFor(request, { domain, authority: new URL(this.#deps.addresses.originsOf(domain)[0]).host });
    const stack = contexts.stackOf({ stack: request.stack ?? 'wordpress' });
    if (!isInstalled(stack)) throw new SubakoError('bad_setting', `a site of the stack ${stack.name} is not installed, but brings an image or its code`);
    const image = await imageOf(stack);
    const record = { domain, stack: stack.name, image: image.digest, settings: defaults(domain) };
    const site = await this.whole.make(record, (draft) => this.#install(draft, stack, answers));
    return { site, admin: { user: answers.adminUser, password: answers.adminPassword } };
  }

  /**
   * Makes a site from an image of this machine: asleep and reachable.
   *
   * @throws SubakoError as `create`; `not_found` when there is no such image, `image_refused` when it may not be deployed
   */
  async createApp({ domain, ignoreScan, ...request }: CreateAppRequest): Promise<Site> {
    return this.createFrom(domain, await this.#deps.appImages.appFrom(request, { domain: canonicalHost(domain), ignoreScan }));
  }

  /** As `createApp`, from an app that was made and checked already. */
  async createFrom(domain: string, made: AppOfImage): Promise<Site> {
    const { cmdb, contexts, appDefaults } = this.#deps;
    const name = canonicalHost(domain);
    for (const network of made.app.networks ?? []) await networkNamed(network.name, cmdb);
    const stack = contexts.stackNamed(APP_STACK);
    return this.whole.make({ domain: name, stack: stack.name, ...made, settings: appDefaults(name) }, async (draft) => {
      const context = await contexts.of(draft, 'public', draft.id);
      await mkdir(context.paths.root, { recursive: true, mode: 0o711 });
      for (const dir of [context.paths.secrets, context.paths.log]) await mkdir(dir, { mode: 0o700 });
      await stack.prepareFiles(context);
      await this.publish(draft);
      await this.names.begin(draft);
    });
  }

  /**
   * Gives the site the image that a name leads to now. Instances that run are replaced without a gap.
   * @throws SubakoError `not_found`, `conflict` for a site without an image of its own, `bad_setting` when the image has no command, `image_refused`
   */
  async deploy(domain: string, { image, ignoreScan }: DeployRequest): Promise<Site> {
    const { cmdb, appImages, lifecycle, emit } = this.#deps;
    const site = await this.byDomain(domain);
    if (site.app === undefined) {
      throw new SubakoError('conflict', `${site.domain} has no image of its own`, {
        hint: site.code !== undefined ? 'give its new code: --files PATH' : 'the platform moves it to the newest one of its stack at each start',
      });
    }
    refuseServices(site);
    const moved = await appImages.withImage(site.app, image ?? site.app.imageName, { domain: site.domain, ignoreScan });
    const changed = await cmdb.updateSite(site.id, moved);
    await lifecycle.siteChanged(changed);
    if (moved.image !== site.image) await lifecycle.dropCheckpoint(changed, 'a new image');
    emit({ type: 'site.changed', site: site.domain, cause: 'a new image', facts: { from: site.image, to: moved.image } });
    return changed;
  }

  /** Changes what the site's next containers are made of, for its project. */
  async changeApp(site: Site, made: AppOfImage): Promise<Site> {
    const { cmdb, contexts, lifecycle, emit } = this.#deps;
    const changed = await cmdb.updateSite(site.id, made);
    await contexts.stackOf(changed).configure?.(await contexts.of(changed, 'public', site.id));
    await lifecycle.siteChanged(changed);
    emit({ type: 'site.changed', site: site.domain, cause: 'its project was changed' });
    return changed;
  }

  /** @throws SubakoError `not_found`, `bad_domain` */
  async byDomain(domain: string): Promise<Site> {
    const host = canonicalHost(domain);
    const site = await this.#deps.cmdb.siteByDomain(host);
    if (site?.phase === 'ready') return site;
    const hint = site === undefined ? await this.#hintFor(host) : `it is being ${site.phase === 'creating' ? 'created' : 'removed'}`;
    throw new SubakoError('not_found', `there is no site ${host}`, { hint });
  }

  /** @throws SubakoError `bad_setting`, `not_found`, `conflict`; then nothing is changed */
  async set(domain: string, assignments: readonly string[]): Promise<Site> {
    return this.#oneByOne(domain, (site) => {
      refuseForeignSettings(site, assignments);
      return this.#change(site, changeSettings(site.settings, assignments), assignments);
    });
  }

  /** Gives a site the settings back that it had before a change. */
  async setBack(domain: string, settings: SiteSettings): Promise<void> {
    await this.#oneByOne(domain, (site) => this.#change(site, settings, []));
  }

  /**
   * Sets the extra password in front of wp-admin and the login form, in place of an older one.
   * @throws SubakoError `bad_setting`, `not_found`; then nothing is changed
   */
  async setAdminPassword(domain: string, login: Login): Promise<void> {
    await this.#oneByOne(domain, (site) => {
      refuseOtherStacks(site);
      return this.#change(site, { ...site.settings, adminPassword: hashLogin(login) }, ['admin.password']);
    });
  }

  /** Each change begins with what the one before left: settings are written as a whole. */
  async #oneByOne<T>(domain: string, change: (site: Site) => Promise<T>): Promise<T> {
    const { id } = await this.byDomain(domain);
    return this.#changes.run(id, async () => change(await this.byDomain(domain)));
  }

  async #change(site: Site, settings: SiteSettings, assignments: readonly string[]): Promise<Site> {
    const { cmdb, lifecycle, contexts, pages, emit, ensureRuntime } = this.#deps;
    // First, because it may take a minute until the program is made, and no visitor should wait for that.
    if (settings.runtime !== site.settings.runtime) await ensureRuntime(settings.runtime);
    await lifecycle.setLimits(site, settings);
    const changed = await cmdb.updateSite(site.id, { settings });
    if (settings.php !== site.settings.php || settings.runtime !== site.settings.runtime)
      await contexts.stackOf(site).configure?.(await contexts.of(changed, 'admin', site.id));
    await this.publish(changed);
    await lifecycle.siteChanged(changed);
    if (basisOfPages(settings) !== basisOfPages(site.settings)) await pages.purge(site.domain, PURGE_ALL);
    emit({ type: 'site.changed', site: site.domain, cause: 'command', facts: { assignments } });
    return changed;
  }

  /** Removes the site with all it had: containers, routes, database, files. @throws SubakoError `not_found`, `bad_domain` */
  async remove(domain: string): Promise<void> {
    await this.whole.clearStale(canonicalHost(domain));
    await this.whole.remove(await this.byDomain(domain));
  }

  /** At start: moves every site to the newest image of its stack, and makes all of them, and nothing else, known to the edge. */
  async publishAll(): Promise<void> {
    const { cmdb, routes, contexts, tenants, emit } = this.#deps;
    const sites = await cmdb.sites();
    const aliases = await cmdb.aliases();
    const aliasesOf = Map.groupBy(aliases, ({ siteId }) => siteId);
    const newest = new NewestImages(this.#deps);
    for (const site of sites) {
      const stack = contexts.stackOf(site);
      // The daemon ended while it was being made: `finishInterrupted` removes it.
      if (isOfCode(stack) && site.code === undefined) continue;
      const current = await newest.moved(site, stack);
      const context = await contexts.of(current, 'admin', current.id);
      if (isInstalled(stack)) await upgradeSite(context, stack, tenants);
      // This Subako may write another configuration than the last one.
      if (isOfCode(stack)) await stack.configure?.(context);
      await this.publish(current);
      await this.names.publish(current, aliasesOf.get(current.id) ?? []);
    }
    const strangers = await routes.keepOnly([...sites.map((site) => site.domain), ...aliases.map((alias) => alias.name)]);
    if (strangers > 0) emit({ type: 'leftover.removed', cause: 'routes without a site', facts: { count: strangers } });
  }

  async #tell(site: Site, names: readonly Alias[]): Promise<void> {
    const { contexts } = this.#deps;
    await contexts.stackOf(site).setNames?.(await contexts.of(site, 'admin', site.id), names);
  }

  async #hintFor(host: string): Promise<string> {
    const site = await this.#deps.cmdb.siteByHost(host);
    return site === undefined ? 'subako site ls shows the sites there are' : `it is another name of the site ${site.domain}`;
  }

  /** Writes the route of the site's domain. */
  async publish(site: Site): Promise<void> {
    const { contexts, routes, pages } = this.#deps;
    const stack = contexts.stackOf(site);
    const { links, files } = stack.route(await contexts.of(site, 'admin', site.id));
    await routes.publish(site.domain, { links, files: { ...files, ...httpsFiles(site.settings) } });
    // Pages of apps and of code are not kept.
    if (isInstalled(stack)) pages.open(site.domain, keepingOfPages(site.settings));
  }

  async #install(site: Site, stack: InstalledStack, answers: NewSiteAnswers): Promise<void> {
    const { tenants, contexts, seeds } = this.#deps;
    const context = await contexts.of(site, 'admin', site.id);
    const { paths, image } = context;
    await seeds.ensure(stack, image);
    const access = newDatabaseAccess(databaseNames(site.id), newSecret);
    await mkdir(paths.root, { recursive: true, mode: 0o711 });
    for (const dir of [paths.secrets, paths.log]) await mkdir(dir, { mode: 0o700 });
    await writeFileAtomic(join(paths.secrets, 'database.json'), JSON.stringify(access), { mode: 0o600 });
    await tenants.create(access);
    await stack.prepareFiles(context);
    await stack.writeConfig(context, access);
    if (Object.keys(site.settings.php).length > 0) await stack.configure?.(context);
    await seeds.fill(context, { stack, database: access.database, answers });
    await this.publish(site);
    await this.names.begin(site);
  }
}
