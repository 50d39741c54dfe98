/**
 * The route tree: the file system is the routing table.
 *
 *   hosts/<key>/core        → where the edge sees the image's files
 *   hosts/<key>/wp-content  → where the edge sees the site's content
 *   hosts/<key>/fpm.sock    the socket of the running instance; not there while the site sleeps
 *
 * The edge looks here on every request, so a change takes effect at once and nothing is ever reloaded.
 */
import { link, lstat, mkdir, readdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, SubakoError } from '../domain/errors.ts';
import { routeKey } from '../domain/route-key.ts';
import { isListening } from '../lib/listen-probe.ts';

export interface SiteRoute {
  /** Names in the host's directory, each with the path it stands for as the edge sees it. */
  readonly links: Readonly<Record<string, string>>;
}

const UPSTREAM = 'fpm.sock';

export class RouteTree {
  readonly #dir: string;
  #drafts = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes a host known, whole or not at all. Replaces an older route, keeping its upstream. */
  async publish(host: string, route: SiteRoute): Promise<void> {
    const target = this.#path(host);
    if (await exists(target)) {
      for (const [name, path] of Object.entries(route.links)) await this.#replace(join(target, name), (draft) => symlink(path, draft));
      return;
    }
    this.#drafts += 1;
    const draft = join(this.#dir, `.draft-${process.pid}-${this.#drafts}`);
    await mkdir(draft, { mode: 0o755 });
    for (const [name, path] of Object.entries(route.links)) await symlink(path, join(draft, name));
    await rename(draft, target);
  }

  /** Forgets a host. Idempotent. */
  async unpublish(host: string): Promise<void> {
    await rm(this.#path(host), { recursive: true, force: true });
  }

  /**
   * Leads the host's requests to this socket, from now on and atomically.
   *
   * The socket lies in a directory that the tenant writes to, so the very inode is linked, not its path:
   * what the tenant puts there later changes nothing, and a symbolic link is refused.
   *
   * @throws SubakoError `wake_failed` when it is not a socket of the tenant's own
   */
  async setUpstream(host: string, socket: string, owner: number): Promise<void> {
    await this.#replace(join(this.#path(host), UPSTREAM), async (draft) => {
      await link(socket, draft);
      const found = await lstat(draft);
      if (found.isSocket() && found.uid === owner) return;
      await unlink(draft);
      throw new SubakoError('wake_failed', 'what the site listens on is not a socket of its own', { facts: { host, uid: found.uid } });
    });
  }

  /** Takes the upstream away: no request connects any more; those under way are not touched. Idempotent. */
  async removeUpstream(host: string): Promise<void> {
    await unlink(join(this.#path(host), UPSTREAM)).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error;
    });
  }

  /** Does anyone listen on the host's upstream? */
  isListening(host: string): Promise<boolean> {
    return isListening({ path: join(this.#path(host), UPSTREAM) });
  }

  hasUpstream(host: string): Promise<boolean> {
    return exists(join(this.#path(host), UPSTREAM));
  }

  /** Removes routes, and drafts of routes, that belong to no host of this list; returns how many. */
  async keepOnly(hosts: readonly string[]): Promise<number> {
    const keys = new Set(hosts.map(routeKey));
    const strangers = (await readdir(this.#dir)).filter((name) => !keys.has(name));
    for (const name of strangers) await rm(join(this.#dir, name), { recursive: true, force: true });
    return strangers.length;
  }

  #path(host: string): string {
    return join(this.#dir, routeKey(host));
  }

  /** Makes an entry under a draft name and renames it over the old one. */
  async #replace(path: string, make: (draft: string) => Promise<void>): Promise<void> {
    this.#drafts += 1;
    const draft = `${path}.${this.#drafts}~`;
    await rm(draft, { force: true });
    await make(draft);
    await rename(draft, path);
    // rename(2) does nothing when both names are already the same inode
    await rm(draft, { force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
