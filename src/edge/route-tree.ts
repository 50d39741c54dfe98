/**
 * The route tree: the file system is the routing table.
 *
 *   hosts/<key>/core        → where the edge sees the image's files
 *   hosts/<key>/wp-content  → where the edge sees the site's content
 *   hosts/<key>/public.sock    the socket of the role's running instance; not there while it sleeps
 *   hosts/<key>/public.N.sock  where several run, each of SLOTS leads to one of them; not there where one runs
 *   hosts/<key>/admin.sock …   the same for the other role
 *   hosts/<key>/app            there where all requests go to one role: an app, which has no files here
 *   hosts/<key>/public.addr    in place of the sockets: address and port of each running instance that is reached by its own link
 *   hosts/<key>/open, xmlrpc, guard, password, checked, https-only, hsts  what the site is set to: one container for all, XML-RPC, who may reach the admin container, the doors before wp-admin, https
 *
 * The edge looks here on every request, so a change takes effect at once and nothing is ever reloaded.
 */
import { chmodSync, chownSync, linkSync, lstatSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, SubakoError } from '../domain/errors.ts';
import type { Role } from '../domain/role.ts';
import { routeKey } from '../domain/route-key.ts';
import type { OwnedSocket } from '../lib/connectable.ts';

export interface SiteRoute {
  /** Names in the host's directory, each with the path it stands for as the edge sees it. */
  readonly links: Readonly<Record<string, string>>;
  /** Names of small files that the edge reads, each with its text; undefined: must not be there. */
  readonly files?: Readonly<Record<string, string | undefined>>;
}

/** Where several instances run, the edge divides a role's requests among this many entries. */
export const SLOTS = 8;

/** All instances of a role are reached in the same way. */
export type Upstream = OwnedSocket | { readonly address: string };

export class RouteTree {
  readonly #dir: string;
  #drafts = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Writes a host's entry, whole or not at all. Replaces an older one, and keeps its upstreams. */
  async publish(host: string, route: SiteRoute): Promise<void> {
    const target = this.#path(host);
    // Synchronous, because it is called for every site at a start, and nearly all entries are as they should be.
    if (isPublished(target, route)) return;
    if (await exists(target)) {
      for (const [name, path] of Object.entries(route.links)) {
        await this.#replace(join(target, name), (draft) => symlink(path, draft));
      }
      for (const [name, text] of Object.entries(route.files ?? {})) {
        if (text === undefined) await unlinkIfThere(join(target, name));
        else await this.#replace(join(target, name), (draft) => writeFile(draft, text, { mode: 0o644 }));
      }
      return;
    }
    this.#drafts += 1;
    const draft = join(this.#dir, `.draft-${process.pid}-${this.#drafts}`);
    await mkdir(draft, { mode: 0o755 });
    for (const [name, path] of Object.entries(route.links)) await symlink(path, join(draft, name));
    for (const [name, text] of Object.entries(route.files ?? {})) if (text !== undefined) await writeFile(join(draft, name), text, { mode: 0o644 });
    await rename(draft, target);
  }

  /** Removes a host's entry. Idempotent. */
  async unpublish(host: string): Promise<void> {
    await rm(this.#path(host), { recursive: true, force: true });
  }

  /**
   * Routes a role's requests to these upstreams, in equal parts, from now on. Each entry changes atomically, and none is missing in between.
   *
   * A socket lies in a directory that the tenant writes to, so the very inode is linked, not its path:
   * what the tenant puts there later changes nothing, and a symbolic link is refused.
   *
   * @throws SubakoError `wake_failed` when one is not a socket of the tenant's own
   */
  async setUpstreams(host: string, role: Role, upstreams: readonly Upstream[]): Promise<void> {
    const addresses = upstreams.flatMap((one) => ('address' in one ? [one.address] : []));
    if (addresses.length > 0) return this.#leadTo(host, role, addresses);
    const sockets = upstreams.filter((one) => 'socket' in one);
    const [first] = sockets;
    if (first === undefined) return this.removeUpstreams(host, role);
    await this.#lead(host, upstreamName(role), first);
    if (sockets.length === 1) return this.#removeSlots(host, role);
    for (let slot = 0; slot < SLOTS; slot += 1) await this.#lead(host, slotName(role, slot), sockets[slot % sockets.length] ?? first);
    return undefined;
  }

  /** Removes a role's upstreams: no further request connects; requests under way are not touched. Idempotent. */
  async removeUpstreams(host: string, role: Role): Promise<void> {
    await this.#removeSlots(host, role);
    for (const name of [upstreamName(role), addressName(role)]) await unlinkIfThere(join(this.#path(host), name));
  }

  async hasUpstream(host: string, role: Role): Promise<boolean> {
    return (await exists(join(this.#path(host), upstreamName(role)))) || exists(join(this.#path(host), addressName(role)));
  }

  /** Removes routes, and drafts of routes, that belong to no host of this list; returns how many. */
  async keepOnly(hosts: readonly string[]): Promise<number> {
    const keys = new Set(hosts.map(routeKey));
    const strangers = (await readdir(this.#dir)).filter((name) => !keys.has(name));
    for (const name of strangers) await rm(join(this.#dir, name), { recursive: true, force: true });
    return strangers.length;
  }

  /** Writes addresses and ports, of which the edge chooses one for each request. */
  #leadTo(host: string, role: Role, addresses: readonly string[]): Promise<void> {
    const text = addresses.map((address) => `${address}\n`).join('');
    return this.#replace(join(this.#path(host), addressName(role)), async (draft) => writeFileSync(draft, text, { mode: 0o644 }));
  }

  async #lead(host: string, name: string, { socket, owner, owners }: OwnedSocket): Promise<void> {
    await this.#replace(join(this.#path(host), name), async (draft) => {
      linkSync(socket, draft);
      const found = lstatSync(draft);
      if (found.isSocket() && found.uid >= owner && found.uid < owner + (owners ?? 1)) {
        // Who may connect, a strange program decides by chance: the edge may.
        if (owners !== undefined) this.#admitEdge(draft, found);
        return;
      }
      unlinkSync(draft);
      throw new SubakoError('wake_failed', 'what the site listens on is not a socket of its own', { facts: { host, uid: found.uid } });
    });
  }

  /** The tree is the edge's to look into, by its group. */
  #admitEdge(socket: string, { uid, mode }: Stats): void {
    chownSync(socket, uid, statSync(this.#dir).gid);
    chmodSync(socket, (mode & 0o777) | 0o060);
  }

  async #removeSlots(host: string, role: Role): Promise<void> {
    if (lstatSync(join(this.#path(host), slotName(role, 0)), { throwIfNoEntry: false }) === undefined) return;
    for (let slot = SLOTS - 1; slot >= 0; slot -= 1) await unlinkIfThere(join(this.#path(host), slotName(role, slot)));
  }

  #path(host: string): string {
    return join(this.#dir, routeKey(host));
  }

  /** Makes an entry under a draft name and renames it over the old one. */
  async #replace(path: string, make: (draft: string) => Promise<void>): Promise<void> {
    this.#drafts += 1;
    const draft = `${path}.${this.#drafts}~`;
    // A visitor waits for this: each hop to another thread would take longer than the call itself.
    rmSync(draft, { force: true });
    await make(draft);
    renameSync(draft, path);
    // rename(2) does nothing when both names are already the same inode
    rmSync(draft, { force: true });
  }
}

function isPublished(target: string, { links, files = {} }: SiteRoute): boolean {
  try {
    const wanted = Object.entries(links);
    const texts = Object.entries(files);
    return (
      wanted.length + texts.length > 0 &&
      wanted.every(([name, path]) => readlinkSync(join(target, name)) === path) &&
      texts.every(([name, text]) => textAt(join(target, name)) === text)
    );
  } catch {
    return false;
  }
}

function textAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}

function upstreamName(role: Role): string {
  return `${role}.sock`;
}

function addressName(role: Role): string {
  return `${role}.addr`;
}

function slotName(role: Role, slot: number): string {
  return `${role}.${slot}.sock`;
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error;
  });
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
