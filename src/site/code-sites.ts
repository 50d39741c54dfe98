/** Sites that run their owner's code: made, moved to another release, and back. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { databaseNames, newDatabaseAccess } from '../database/tenants.ts';
import type { Tenants } from '../database/tenants.ts';
import type { Code, Release } from '../domain/code.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import { newSecret } from '../domain/ids.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { isOfCode } from '../stack/stack.ts';
import type { CodeStack, StackContext } from '../stack/stack.ts';
import { environment } from './app-request.ts';
import { toBuild, toCode } from './code-request.ts';
import type { CodeRequest } from './code-request.ts';
import type { Working } from './dumps.ts';
import { buildRelease } from './release-build.ts';
import type { BuildDeps } from './release-build.ts';
import { runReleaseCommand } from './release-command.ts';
import type { Releases } from './releases.ts';
import type { SiteContexts } from './site-context.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';
import type { ImageOf } from './newest-images.ts';
import type { Sites } from './sites.ts';

export interface CodeSitesDeps extends BuildDeps {
  readonly imageOf: ImageOf;
  readonly cmdb: Cmdb;
  readonly sites: Sites;
  readonly releases: Releases;
  readonly tenants: Tenants;
  readonly contexts: SiteContexts;
  readonly lifecycle: Pick<Lifecycle, 'siteChanged' | 'dropCheckpoint'>;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  /** What a new site is set to, by its domain and its stack. */
  readonly codeDefaults: (domain: string, stack: CodeStack) => SiteSettings;
}

export interface CreateCodeRequest extends CodeRequest {
  readonly domain: string;
  readonly stack: string;
  /** A directory or an archive of this machine. Default: a page that says that it works. */
  readonly files?: string | undefined;
}

export interface DeployCodeRequest {
  readonly files?: string | undefined;
  /** `NAME=value`; without a value, the variable is taken away. */
  readonly env?: readonly string[] | undefined;
  /** What is run in this release and those after it, before they are; null: nothing more. */
  readonly build?: string | null | undefined;
}

const DATABASE_SOCKET = '/run/mysqld/mysqld.sock';

export class CodeSites {
  readonly #deps: CodeSitesDeps;
  /** One change of a site's code at a time. */
  readonly #lock = new KeyedLock();

  constructor(deps: CodeSitesDeps) {
    this.#deps = deps;
  }

  /** A new site, asleep and reachable. @throws SubakoError what went wrong; then nothing of the site is left */
  async create(request: CreateCodeRequest, working: Working): Promise<Site> {
    const { contexts, sites, imageOf, codeDefaults } = this.#deps;
    const domain = canonicalHost(request.domain);
    const stack = contexts.stackNamed(request.stack);
    if (!isOfCode(stack))
      throw new SubakoError('bad_setting', `a site of the stack ${stack.name} brings no code`, { hint: 'leave --files, --web and --shared away' });
    const asked = toCode(request, stack);
    const { name, recipe } = stack;
    if (recipe !== undefined) working.progress(`looking for the ${name} image (the first time it is made, which takes a minute or two)`);
    const image = recipe === undefined ? '' : (await imageOf({ name, recipe })).digest;
    const record = { domain, stack: name, image, settings: codeDefaults(domain, stack) };
    return sites.whole.make(record, (draft) => this.#fill(draft, { stack, asked, from: request.files }, working));
  }

  /** Another release, or other variables, from the next container on: one that runs is replaced beside. @throws SubakoError; then nothing is changed */
  deploy(domain: string, { files, env = [], build }: DeployCodeRequest, working: Working): Promise<Site> {
    return this.#change(domain, async (context, stack, code) => {
      const { changed, removed } = environmentChange(env);
      const kept = Object.fromEntries(Object.entries({ ...code.env, ...changed }).filter(([name]) => !removed.has(name)));
      const wanted = { ...code, env: kept, ...(build === undefined ? {} : { build: build === null ? undefined : toBuild(build, stack) }) };
      return files === undefined ? wanted : { ...wanted, release: await this.#newRelease({ context, stack, code: wanted, from: files }, working) };
    });
  }

  /** To the release before the one that runs, or to one by its name. @throws SubakoError `not_found` when it is not there any more */
  rollback(domain: string, name?: string): Promise<Site> {
    return this.#change(domain, async ({ paths }, _stack, code) => {
      const there = await this.#deps.releases.list(paths);
      const before = there.findLast((one) => one.name < code.release.name);
      const release = name === undefined ? before : there.find((one) => one.name === name);
      if (release === undefined)
        throw new SubakoError('not_found', `there is no ${name === undefined ? 'earlier release' : `release ${name}`}`, { hint: listed(there) });
      return { ...code, release };
    });
  }

  /** Oldest first. */
  async releases(domain: string): Promise<{ readonly current: string; readonly releases: readonly Release[] }> {
    const site = await this.#deps.sites.byDomain(domain);
    return { current: codeOfSite(site).release.name, releases: await this.#deps.releases.list(sitePaths(this.#deps.dirs, site.id)) };
  }

  async #fill(site: Site, { stack, asked, from }: Filling, working: Working): Promise<void> {
    const { contexts, sites, cmdb } = this.#deps;
    const context = await contexts.of(site, 'public', site.id);
    const { paths } = context;
    await mkdir(paths.root, { recursive: true, mode: 0o711 });
    for (const dir of [paths.secrets, paths.log]) await mkdir(dir, { mode: 0o700 });
    await stack.prepareFiles(context);
    const ownEnv = { ...(await this.#newDatabase(context, stack)), ...Object.fromEntries(stack.secrets.map((name) => [name, newSecret(48)])) };
    const code = { ...asked, version: 1, ownEnv };
    const release = await this.#newRelease({ context, stack, code, from: from ?? stack.welcome(context.image), isOurs: from === undefined }, working);
    const made = await cmdb.updateSite(site.id, { code: { ...code, release } });
    await stack.configure?.({ ...context, site: made });
    await sites.publish(made);
    await sites.names.begin(made);
  }

  /** Whole, and ready to be led to; else nothing is left of it. */
  async #newRelease({ context, stack, code, from, isOurs = false }: NewRelease, working: Working): Promise<Release> {
    const { releases } = this.#deps;
    const build = isOurs ? undefined : await this.#builder(context.site, stack, { code, working });
    const release = await releases.make({ context, stack, from, shared: code.shared, build }, working);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => releases.remove(context.paths, release));
    await runReleaseCommand({ ...context.site, code: { ...code, release } }, stack, { deps: this.#deps, working });
    undo.move();
    return release;
  }

  /** What it is built in is there before anything is counted against the release. */
  async #builder(site: Site, stack: CodeStack, { code, working }: { code: Omit<Code, 'release'>; working: Working }): Promise<NewReleaseBuild> {
    const { build: command } = code;
    if (command === undefined) return undefined;
    const { builder } = stack;
    if (builder !== undefined) working.progress(`looking for the ${builder.name} image (the first time it is made, which takes a few minutes)`);
    const image = builder === undefined ? undefined : await this.#deps.imageOf({ name: builder.name, recipe: builder });
    const built = { ...site, code: { ...code, release: NO_RELEASE } };
    return (dir, signal) => buildRelease(built, stack, { build: { command, code: dir, image }, deps: this.#deps, working: { ...working, signal } });
  }

  /** As variables of the site's. */
  async #newDatabase({ site, paths }: StackContext, { databaseUrl }: CodeStack): Promise<Record<string, string>> {
    if (databaseUrl === undefined) return {};
    const access = newDatabaseAccess(databaseNames(site.id), newSecret);
    await writeFileAtomic(join(paths.secrets, 'database.json'), JSON.stringify(access), { mode: 0o600 });
    await this.#deps.tenants.create(access);
    const { database, admin } = access;
    const url = databaseUrl({ database, ...admin, socket: DATABASE_SOCKET });
    return { DB_HOST: 'localhost', DB_SOCKET: DATABASE_SOCKET, DB_NAME: database, DB_USER: admin.user, DB_PASSWORD: admin.password, DATABASE_URL: url };
  }

  async #lead(site: Site, { context, stack }: { context: StackContext; stack: CodeStack }): Promise<void> {
    await stack.configure?.({ ...context, site });
    await this.#deps.sites.publish(site);
  }

  /** What runs now goes on until the next one is there. */
  #change(domain: string, next: (context: StackContext, stack: CodeStack, code: Code) => Promise<Code>): Promise<Site> {
    const { sites, contexts, cmdb, lifecycle, releases, emit } = this.#deps;
    return this.#lock.run(canonicalHost(domain), async () => {
      const site = await sites.byDomain(domain);
      const code = codeOfSite(site);
      const stack = contexts.stackOf(site);
      if (!isOfCode(stack)) throw new TypeError(`${stack.name} runs no code`);
      const context = await contexts.of(site, 'public', site.id);
      const there = await releases.list(context.paths);
      const wanted = { ...(await next(context, stack, code)), version: code.version + 1 };
      await using undo = new AsyncDisposableStack();
      if (there.every(({ name }) => name !== wanted.release.name)) undo.defer(() => releases.remove(context.paths, wanted.release));
      const changed = await cmdb.updateSite(site.id, { code: wanted });
      // A version of its own: what was started of the one that is taken back makes room.
      undo.defer(async () => this.#lead(await cmdb.updateSite(site.id, { code: { ...code, version: wanted.version + 1 } }), { context, stack }));
      await failpoint('release.recorded');
      await this.#lead(changed, { context, stack });
      await failpoint('release.published');
      undo.move();
      await lifecycle.siteChanged(changed);
      // Its key would not match; and what was deployed to take a secret back is not to lie on the disk for days.
      await lifecycle.dropCheckpoint(changed, 'a new release');
      emit({ type: 'site.changed', site: site.domain, cause: 'a new release', facts: { from: code.release.name, to: wanted.release.name } });
      await releases.prune(context.paths, [wanted.release, code.release]);
      return changed;
    });
  }
}

interface NewRelease {
  readonly context: StackContext;
  readonly stack: CodeStack;
  readonly code: Omit<Code, 'release'>;
  readonly from: string;
  /** A page of the stack's, which is there. */
  readonly isOurs?: boolean;
}

type NewReleaseBuild = Parameters<Releases['make']>[0]['build'];

/** While there is none yet. */
const NO_RELEASE: Release = { name: '', documentRoot: '', files: 0, bytes: 0 };

interface Filling {
  readonly stack: CodeStack;
  readonly asked: ReturnType<typeof toCode>;
  readonly from: string | undefined;
}

/** @throws SubakoError `conflict` for a site that has none */
function codeOfSite({ domain, code }: Site): Code {
  if (code !== undefined) return code;
  throw new SubakoError('conflict', `${domain} does not run code of its owner's`, { hint: 'subako site ls shows the stack of each site' });
}

function environmentChange(env: readonly string[]): { changed: Readonly<Record<string, string>>; removed: ReadonlySet<string> } {
  const withValue = env.filter((one) => one.includes('='));
  return { changed: environment(withValue), removed: new Set(env.filter((one) => !one.includes('='))) };
}

function listed(releases: readonly Release[]): string {
  return `there are: ${releases.map(({ name }) => name).join(', ')}`;
}
