/**
 * The kept pages as the daemon sees them: which pages of a site are kept, and how they are dropped.
 *
 * The edge fills and reads the cache by itself. A *fill* is a page that the edge asks a site for in order to keep it. A purge first changes the
 * first word of the site's file in the route tree, and then has the edge drop the pages. When a fill ends, the edge compares that word with
 * what it was when the fill began, and keeps the page only if it is the same. So nothing that began before a purge is kept after it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { routeKey } from '../../domain/route-key.ts';
import { PAGES_FILE } from '../nginx/page-cache.ts';
import type { DropFromEdge } from './drop-from-edge.ts';
import { PageFiles } from './page-files.ts';
import { hostOf, namesByDevice, targetOf } from './page-name.ts';
import { isByDevice } from '../../domain/site.ts';
import { PURGE_ALL, purgeTest } from './purge-request.ts';
import type { PurgeRequest, PurgeTest } from './purge-request.ts';
import { RecentPurges } from './recent-purges.ts';
import { stillShown } from './still-shown.ts';

export interface PageCacheOptions {
  /** The edge's directory of kept pages. */
  readonly dir: string;
  /** The route tree. */
  readonly hosts: string;
  /** Addresses of a host without path, such as `http://a.example:8080`. */
  readonly originsOf: (host: string) => readonly string[];
  /** Further names under which a site serves its pages; their entries in the route tree lead to the domain's. */
  readonly aliasesOf: (domain: string) => Promise<readonly string[]>;
  readonly dropFromEdge: DropFromEdge;
}

export interface PageCacheStatus {
  readonly pages: number;
  readonly files: number;
  readonly bytes: number;
}

/** A fill that ended. */
export interface Fill {
  /** Name of the page (see page-name.ts). */
  readonly page: string;
  /** What the site's file in the route tree said when the fill began. */
  readonly site: string;
  /** Whether the answer was one to keep. */
  readonly kept: boolean;
}

/** A purge, worked out once for all names of the site. */
interface Purge {
  readonly isPurged: PurgeTest;
  /** Whether pages may be meant that the request does not name. */
  readonly isOpen: boolean;
  /** What the request names, however it may be spelled. */
  readonly targets: readonly string[];
  readonly dryRun: boolean;
}

const LEAST_LIMIT = 5_000;
/** The edge writes its log line at about the time when it puts the file in its place: the file may come a moment later. */
const LOOK_AGAIN_MS = 1_500;
/** How long a page may be kept before we read the line about it. Usually a second; more on a busy machine. */
const UNHEARD_MS = 10_000;
/** Names looked at in one turn: a few milliseconds. A site may have any number of them, and all others wait meanwhile. */
const IN_ONE_TURN = 1_000;

export class PageCache {
  readonly #options: PageCacheOptions;
  readonly #files: PageFiles;
  /** Names of kept pages, by host. */
  readonly #pages = new Map<string, Set<string>>();
  /** How many names a host may have here before the names of pages are forgotten that the edge has removed. */
  readonly #limits = new Map<string, number>();
  readonly #recent = new RecentPurges();
  readonly #timers = new Set<NodeJS.Timeout>();
  #loaded: Promise<void> = Promise.resolve();
  #counter = 0;

  constructor(options: PageCacheOptions) {
    this.#options = options;
    this.#files = new PageFiles(options.dir, options.dropFromEdge);
  }

  /** Sets how the host's pages are kept (`keepingOfPages`). Its route must be there. Drops all pages when that is new. */
  open(host: string, keeping: string): void {
    if (this.#keeping(host) !== keeping) this.#write(host, keeping, purgeTest(PURGE_ALL));
  }

  /** Drops all of a host whose route is gone. Idempotent. */
  async close(host: string): Promise<void> {
    await this.purge(host, PURGE_ALL);
    this.#pages.delete(host);
    this.#limits.delete(host);
    this.#recent.forget(host);
  }

  /** At start: learns from the disk which pages are kept, or drops them all where they cannot be trusted. Purges wait for it. */
  begin({ trusted }: { readonly trusted: boolean }): Promise<void> {
    this.#loaded = trusted ? this.#load() : this.#files.removeAll();
    return this.#loaded;
  }

  /** Notes a page that is kept from now on; removes it again where a purge came meanwhile. */
  noteFill(host: string, { page, site, kept }: Fill): void {
    if (!kept || hostOf(page) !== host) return;
    const droppedAt = this.#droppedAt(host, page, site);
    if (droppedAt === undefined) {
      this.#remember(host, page);
      return;
    }
    void this.#files.remove(page, droppedAt);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#files.remove(page, droppedAt);
    }, LOOK_AGAIN_MS);
    this.#timers.add(timer.unref());
  }

  /** When that page was last purged since its fill began, while the site's file said `site`; undefined: it was not. */
  #droppedAt(host: string, page: string, site: string): number | undefined {
    const current = this.#site(host);
    if (current === undefined) return Number.POSITIVE_INFINITY; // the site is gone
    return current === site ? undefined : this.#recent.lastOf(host, page, site);
  }

  /** Drops pages, and has none kept whose fill is under way. Returns their paths, sorted; with `dryRun`, nothing is dropped. */
  async purge(host: string, request: PurgeRequest, options: { readonly dryRun?: boolean } = {}): Promise<string[]> {
    return [...new Set((await this.drop(host, request, options)).map(targetOf))];
  }

  /** The same, and returns the names of the pages, by path. */
  async drop(host: string, request: PurgeRequest, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<string[]> {
    const keeping = this.#keeping(host);
    const isPurged = purgeTest(request);
    if (!dryRun && keeping !== undefined) this.#write(host, keeping, isPurged);
    await this.#loaded;
    const purge = { isPurged, isOpen: request.all || request.prefixes.length > 0, targets: request.paths.flatMap(spellings), dryRun };
    const dropped = new Set<string>();
    for (const name of [host, ...(await this.#options.aliasesOf(host))]) {
      for (const page of await this.#drop(name, purge)) dropped.add(page);
    }
    return [...dropped].toSorted((one, other) => (targetOf(one) < targetOf(other) ? -1 : 1));
  }

  async #drop(host: string, { isPurged, isOpen, targets, dryRun }: Purge): Promise<Set<string>> {
    // Pages that were kept a moment ago are not in `#pages` before their line is read.
    const unheard = isOpen ? await this.#files.namesSince(host, Date.now() - UNHEARD_MS) : [];
    const known = await those([...(this.#pages.get(host) ?? []), ...unheard], isPurged);
    const addresses = this.#options.originsOf(host).flatMap((origin) => targets.map((target) => origin + target));
    const asked = isByDevice(this.#keeping(host)) ? addresses.flatMap(namesByDevice) : addresses;
    const dropped = new Set<string>();
    for (const name of new Set([...known, ...asked])) {
      if (await (dryRun ? this.#isKept(name) : this.#files.remove(name))) dropped.add(name);
      if (!dryRun) this.#pages.get(host)?.delete(name);
    }
    return dropped;
  }

  async status(host: string): Promise<PageCacheStatus> {
    await this.#loaded;
    const found = { pages: 0, files: 0, bytes: 0 };
    for (const name of this.#pages.get(host) ?? []) {
      const sizes = await this.#files.sizesOf(name);
      // The edge has removed it, to make room for others.
      if (sizes.length === 0) this.#pages.get(host)?.delete(name);
      else found.pages += 1;
      found.files += sizes.length;
      found.bytes += sizes.reduce((sum, size) => sum + size, 0);
    }
    return found;
  }

  /** How many names of a host are in memory. */
  names(host: string): number {
    return this.#pages.get(host)?.size ?? 0;
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #path(host: string): string {
    return join(this.#options.hosts, routeKey(host), PAGES_FILE);
  }

  #keeping(host: string): string | undefined {
    return this.#site(host)?.split(' ').slice(1).join(' ');
  }

  #site(host: string): string | undefined {
    try {
      return readFileSync(this.#path(host), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Writes the site's file in the route tree, with a first word that was never there before. */
  #write(host: string, keeping: string, isPurged: PurgeTest): void {
    this.#recent.note(host, { before: this.#site(host) ?? '', at: Date.now(), isPurged });
    this.#counter += 1;
    const path = this.#path(host);
    writeFileSync(`${path}~`, `${Date.now()}.${process.pid}.${this.#counter} ${keeping}`);
    renameSync(`${path}~`, path);
  }

  #remember(host: string, name: string): void {
    const names = this.#pages.get(host) ?? new Set();
    names.add(name);
    this.#pages.set(host, names);
    if (names.size <= (this.#limits.get(host) ?? LEAST_LIMIT)) return;
    // The edge has removed many of them by itself, so `status` forgets those. It is not asked again before there are twice as many names.
    this.#limits.set(host, Number.POSITIVE_INFINITY);
    void this.status(host).then(({ pages }) => this.#limits.set(host, Math.max(LEAST_LIMIT, 2 * pages)));
  }

  async #isKept(name: string): Promise<boolean> {
    return (await this.#files.sizesOf(name)).length > 0;
  }

  async #load(): Promise<void> {
    const isShown = stillShown(this.#options.hosts);
    for await (const { key, head } of this.#files.all()) {
      // An earlier daemon may have died between the change of a setting and the purge for it.
      if (isShown(key, head)) this.#remember(key.host, key.name);
      else await this.#files.drop(key.key);
    }
  }
}

async function those(names: readonly string[], isPurged: PurgeTest): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < names.length; from += IN_ONE_TURN) {
    found.push(...names.slice(from, from + IN_ONE_TURN).filter(isPurged));
    await nextTurn();
  }
  return found;
}

/** With and without the slash at its end: one of the two is often a redirect to the other. */
function spellings(path: string): string[] {
  const [base = '', ...query] = path.split('?');
  const rest = query.length === 0 ? '' : `?${query.join('?')}`;
  const bare = base.replace(/(?<!\/)\/+$/u, '');
  return bare === '' ? [`/${rest}`] : [bare + rest, `${bare}/${rest}`];
}
