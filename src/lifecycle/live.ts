/** An instance that is in memory on this node, running or frozen: its record, and what only the daemon needs to know of it. */
import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase, RANGE_SIZE } from '../domain/uid-range.ts';
import type { Upstream } from '../edge/route-tree.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import type { SitePaths } from '../site/site-paths.ts';
import { placeOfSocket } from './connections.ts';
import type { Connections } from './connections.ts';

/** How its processes came to be. */
export type Origin = 'boot' | 'template' | 'checkpoint' | 'spare';

interface LiveParts {
  readonly site: Site;
  readonly instance: Instance;
  readonly process: ProcessIdentity;
  readonly stack: Stack;
  readonly context: StackContext;
  readonly usedAt: number;
  /** IPv4 address of the container's own link, where it has one. */
  readonly address?: string | undefined;
}

export class Live {
  site: Site;
  instance: Instance;
  readonly process: ProcessIdentity;
  readonly stack: Stack;
  readonly context: StackContext;
  readonly address: string | undefined;
  /** Unix time in milliseconds of the last sign of use. */
  usedAt: number;
  /** How many out-of-memory kills an event has told already. */
  oomKills = 0;
  /** How many sessions, such as `exec`, keep it awake. */
  holds = 0;
  /** How many of them are workers, which begin again in the next instance when this one ends. */
  workers = 0;
  #inode: number | undefined;
  /** Why it is in its state, for people: `request`, `idle`, `lifetime`, `memory pressure`, `command`… */
  cause = '';
  /** Set while a hook keeps it from a rest that is due. */
  veto: { readonly at: number; readonly why: string } | undefined;

  constructor(parts: LiveParts) {
    this.site = parts.site;
    this.instance = parts.instance;
    this.process = parts.process;
    this.stack = parts.stack;
    this.context = parts.context;
    this.address = parts.address;
    this.usedAt = parts.usedAt;
  }

  get role(): Role {
    return this.instance.role;
  }

  /** See `roleKey`. */
  get key(): string {
    return roleKey(this.site.id, this.role);
  }

  /** Why it is in its state, or why it is not in another. */
  get why(): string {
    return this.veto === undefined || this.veto.at < this.usedAt ? this.cause : this.veto.why;
  }

  /** Somebody works in it who would be cut short by its end. */
  get isWorkedIn(): boolean {
    return this.holds > this.workers;
  }

  get isFrozen(): boolean {
    return this.instance.state === 'frozen';
  }

  /** What its container was made of. */
  get spec(): BundleSpec {
    return this.stack.bundle(this.context);
  }

  /** Where the edge reaches it. @throws SubakoError `wake_failed` when it listens at a port and its container has no link */
  get upstream(): Upstream {
    const listens = this.stack.listensAt(this.context);
    if ('port' in listens) {
      if (this.address !== undefined) return { address: `${this.address}:${listens.port}` };
      throw new SubakoError('wake_failed', `${this.site.domain} listens at a port, and its container has no network`, {
        hint: 'subako doctor says why this machine gives containers none',
      });
    }
    const socket = join(this.context.instance.sockets, basename(listens.socket));
    const first = rangeBase(this.context.instance.uidRange);
    return this.stack.uid === undefined ? { socket, owner: first, owners: RANGE_SIZE } : { socket, owner: first + this.stack.uid };
  }

  /** The name under which the kernel's tables count its connections: an address, a socket's name, or a socket's path and inode. */
  get place(): string {
    const listens = this.stack.listensAt(this.context);
    if ('port' in listens) return `${this.address ?? ''}:${listens.port}`;
    if (this.stack.uid !== undefined) return basename(listens.socket);
    // Read once: from the moment it has a route, the directory is not the tenant's to change.
    this.#inode ??= 'socket' in this.upstream ? lstatSync(this.upstream.socket, { throwIfNoEntry: false })?.ino : undefined;
    return placeOfSocket(listens.socket, this.#inode ?? 0);
  }

  /** What `place` is: an address, the name of a socket that no other instance has, or a socket's file. */
  get kindOfPlace(): 'address' | 'name' | 'inode' {
    if ('port' in this.stack.listensAt(this.context)) return 'address';
    return this.stack.uid === undefined ? 'inode' : 'name';
  }

  get logPath(): string {
    return instanceLogPath(this.context.paths, this.instance.role);
  }

  /** How many requests run in it or wait in its backlog. */
  inFlightOf(connections: Connections): number {
    return connections.get(this.place) ?? 0;
  }
}

export function instanceLogPath(paths: Pick<SitePaths, 'log'>, role: Instance['role']): string {
  return join(paths.log, `${role}.log`);
}
