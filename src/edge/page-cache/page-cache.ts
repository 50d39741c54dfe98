/**
 * The kept pages as the daemon sees them: which there are of a site, and dropping them.
 *
 * The edge fills and reads the cache by itself. A purge first changes the first word of the site's file in the route tree, which the edge
 * compares when an answer comes with what it was when the fill began; then the edge is told to drop pages, and their files are removed. What began before is so never kept.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { routeKey } from '../../domain/route-key.ts';
import { PAGES_FILE } from '../nginx/page-cache.ts';
import type { DropFromEdge } from './drop-from-edge.ts';
import { hostOf, namesByDevice, pageFile, pageFiles, pageKeys, parsePageKey, targetOf } from './page-name.ts';
import { isByDevice } from '../../domain/site.ts';
import { isPurged, PURGE_ALL } from './purge-request.ts';
import type { PurgeRequest } from './purge-request.ts';
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

/** A page that the edge lately asked a site for. */
export interface Fill {
  readonly page: string;
  /** The site's file when the fill began. */
  readonly site: string;
  /** Whether the answer was one to keep. */
  readonly kept: boolean;
}

/** Enough for the key, which stands behind nginx's own header. */
const HEAD_BYTES = 4_096;
const LEAST_LIMIT = 5_000;
/** The edge puts the file in its place at about the time when it writes the line. */
const LOOK_AGAIN_MS = 1_500;
/** The edge writes its lines twice a second, and they are read as often; on a busy machine later. */
const UNHEARD_MS = 10_000;

export class PageCache {
  readonly #options: PageCacheOptions;
  readonly #pages = new Map<string, Set<string>>();
  /** How many names a host may have until those are forgotten that are not kept any more. */
  readonly #limits = new Map<string, number>();
  readonly #recent = new RecentPurges();
  readonly #timers = new Set<NodeJS.Timeout>();
  #loaded: Promise<void> = Promise.resolve();
  #counter = 0;

  constructor(options: PageCacheOptions) {
    this.#options = options;
  }

  /** Says how the host's pages are kept (`keepingOfPages`). Its route must be there. */
  open(host: string, keeping: string): void {
    if (this.#keeping(host) !== keeping) this.#write(host, keeping, PURGE_ALL);
  }

  /** Drops all of a host whose route is gone. Idempotent. */
  async close(host: string): Promise<void> {
    await this.purge(host, PURGE_ALL);
    this.#pages.delete(host);
    this.#limits.delete(host);
    this.#recent.forget(host);
  }

  /** Learns from the disk what there is; or drops it all, where it cannot be trusted. Purges wait for it. */
  begin({ trusted }: { readonly trusted: boolean }): Promise<void> {
    this.#loaded = trusted ? this.#load() : this.#wipe();
    return this.#loaded;
  }

  /** A fill ended. */
  noteFill(host: string, { page, site, kept }: Fill): void {
    if (!kept || hostOf(page) !== host) return;
    const droppedAt = this.#droppedAt(host, page, site);
    if (droppedAt === undefined) {
      this.#remember(host, page);
      return;
    }
    void this.#remove(page, droppedAt);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#remove(page, droppedAt);
    }, LOOK_AGAIN_MS);
    this.#timers.add(timer.unref());
  }

  /** When it was last dropped what may be in a page that began when the site's file said `site`; undefined: never. */
  #droppedAt(host: string, page: string, site: string): number | undefined {
    const current = this.#site(host);
    if (current === undefined) return Number.POSITIVE_INFINITY; // the site is gone
    return current === site ? undefined : this.#recent.lastOf(host, page, site);
  }

  /** Drops pages, and keeps none whose fill is under way. Returns them as paths, sorted; with `dryRun`, those that would go. */
  async purge(host: string, request: PurgeRequest, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<string[]> {
    const keeping = this.#keeping(host);
    if (!dryRun && keeping !== undefined) this.#write(host, keeping, request);
    await this.#loaded;
    const dropped = new Set<string>();
    for (const name of [host, ...(await this.#options.aliasesOf(host))]) {
      for (const path of await this.#purge(name, request, dryRun)) dropped.add(path);
    }
    return [...dropped].toSorted();
  }

  async #purge(host: string, request: PurgeRequest, dryRun: boolean): Promise<Set<string>> {
    // Those too that were kept a moment ago, of which no line was read yet.
    const unheard = request.all || request.prefixes.length > 0 ? await this.#justKept(host) : [];
    const known = [...(this.#pages.get(host) ?? []), ...unheard].filter((name) => isPurged(name, request));
    const addresses = this.#options.originsOf(host).flatMap((origin) => request.paths.flatMap((path) => spellings(path).map((one) => origin + one)));
    const asked = isByDevice(this.#keeping(host)) ? addresses.flatMap(namesByDevice) : addresses;
    const dropped = new Set<string>();
    for (const name of new Set([...known, ...asked])) {
      if (await (dryRun ? this.#isThere(name) : this.#remove(name))) dropped.add(targetOf(name));
      if (!dryRun) this.#pages.get(host)?.delete(name);
    }
    return dropped;
  }

  async status(host: string): Promise<PageCacheStatus> {
    await this.#loaded;
    const found = { pages: 0, files: 0, bytes: 0 };
    for (const name of this.#pages.get(host) ?? []) {
      const sizes = await Promise.all(pageFiles(name).map((file) => sizeOf(join(this.#options.dir, file))));
      const there = sizes.filter((size) => size !== undefined);
      // The edge made room for others.
      if (there.length === 0) this.#pages.get(host)?.delete(name);
      else found.pages += 1;
      found.files += there.length;
      found.bytes += there.reduce((sum, size) => sum + size, 0);
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

  /** With a first word that was never there before. The host is there for the edge to see: a further name has the same file, and its pages are not kept. */
  #write(host: string, keeping: string, request: PurgeRequest): void {
    this.#recent.note(host, { before: this.#site(host) ?? '', at: Date.now(), request });
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
    // Many of them the edge has dropped by itself. Not looked at again before there are twice as many.
    this.#limits.set(host, Number.POSITIVE_INFINITY);
    void this.status(host).then(({ pages }) => this.#limits.set(host, Math.max(LEAST_LIMIT, 2 * pages)));
  }

  /** True when there was something. @param madeBefore Unix time in milliseconds: what was made later stays */
  async #remove(name: string, madeBefore = Number.POSITIVE_INFINITY): Promise<boolean> {
    const removed = await Promise.all(
      pageKeys(name).map(async (key) => {
        if (madeBefore !== Number.POSITIVE_INFINITY && madeAt(await headOf(this.#file(key))) >= madeBefore) return false;
        return this.#drop(key);
      }),
    );
    return removed.includes(true);
  }

  /** True when it was there. Where the edge fails, the file goes all the same, and what is shown for a second from open descriptors is said by the error. */
  async #drop(key: string): Promise<boolean> {
    const path = this.#file(key);
    if ((await sizeOf(path)) === undefined) return false;
    try {
      await this.#options.dropFromEdge(key);
    } finally {
      await rm(path, { force: true });
    }
    return true;
  }

  #file(key: string): string {
    return join(this.#options.dir, pageFile(key));
  }

  /** Names of a host's pages that were put there in the last seconds. A directory shows when its last one was. */
  async #justKept(host: string): Promise<string[]> {
    const since = Date.now() - UNHEARD_MS;
    const young = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since;
    const dirs = await readdir(this.#options.dir).catch(() => []);
    const files: string[] = [];
    for (const dir of dirs.map((name) => join(this.#options.dir, name)).filter(young)) {
      files.push(...(await readdir(dir).catch(() => [])).map((name) => join(dir, name)).filter(young));
    }
    const keys = await Promise.all(files.map(async (file) => parsePageKey(await headOf(file))));
    return keys.flatMap((key) => (key?.host === host ? [key.name] : []));
  }

  async #isThere(name: string): Promise<boolean> {
    const sizes = await Promise.all(pageFiles(name).map((file) => sizeOf(join(this.#options.dir, file))));
    return sizes.some((size) => size !== undefined);
  }

  async #wipe(): Promise<void> {
    for (const file of await this.#files()) {
      const key = parsePageKey(await headOf(file))?.key;
      if (key === undefined) await rm(file, { force: true });
      else await this.#drop(key);
    }
  }

  async #load(): Promise<void> {
    const isShown = stillShown(this.#options.hosts);
    for (const file of await this.#files()) {
      const head = await headOf(file);
      const key = parsePageKey(head);
      if (key === undefined) continue;
      // An earlier daemon may have died between a setting and what had to go for it.
      if (isShown(key, head)) this.#remember(key.host, key.name);
      else await this.#drop(key.key);
    }
  }

  async #files(): Promise<string[]> {
    const entries = await readdir(this.#options.dir, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile() && /^[0-9a-f]{32}$/u.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  }
}

/** With and without the slash at its end: one of the two is often a redirect to the other. */
function spellings(path: string): string[] {
  const [base = '', ...query] = path.split('?');
  const rest = query.length === 0 ? '' : `?${query.join('?')}`;
  const bare = base.replace(/\/+$/u, '');
  return bare === '' ? [`/${rest}`] : [bare + rest, `${bare}/${rest}`];
}

function sizeOf(path: string): Promise<number | undefined> {
  return lstat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** Unix time in milliseconds at which a page was made, as the edge keeps it with the page; 0 when it does not say. */
function madeAt(head: string): number {
  return Number(/^X-Subako-At: (\d+\.\d+)/imu.exec(head)?.[1] ?? 0) * 1_000;
}

async function headOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return ''; // the edge removed it meanwhile
  }
}
