/** An instance that is up on this node, with what only memory needs to know of it. */
import { basename, join } from 'node:path';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { unixConnections } from '../lib/proc.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import type { SitePaths } from '../site/site-paths.ts';

/** How its processes came to be. */
export type Origin = 'boot' | 'template' | 'checkpoint' | 'spare';

interface LiveParts {
  readonly site: Site;
  readonly instance: Instance;
  readonly process: ProcessIdentity;
  readonly stack: Stack;
  readonly context: StackContext;
  readonly usedAt: number;
}

export class Live {
  site: Site;
  instance: Instance;
  readonly process: ProcessIdentity;
  readonly stack: Stack;
  readonly context: StackContext;
  /** Unix time in milliseconds of the last sign of use. */
  usedAt: number;
  /** Out-of-memory kills that were already told. */
  oomKills = 0;
  /** Open sessions that keep it awake, such as `exec`. */
  holds = 0;
  /** Why it is in its state, for people: `request`, `idle`, `lifetime`, `memory pressure`, `command`… */
  cause = '';
  /** A hook keeps it from a rest that was due. */
  veto: { readonly at: number; readonly why: string } | undefined;

  constructor(parts: LiveParts) {
    this.site = parts.site;
    this.instance = parts.instance;
    this.process = parts.process;
    this.stack = parts.stack;
    this.context = parts.context;
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

  get isFrozen(): boolean {
    return this.instance.state === 'frozen';
  }

  /** The container as it was started. */
  get spec(): BundleSpec {
    return this.stack.bundle(this.context);
  }

  get socket(): string {
    return join(this.context.instance.sockets, basename(this.stack.socketOf(this.instance.id)));
  }

  /** Host uid that its socket must belong to. */
  get socketOwner(): number {
    return rangeBase(this.context.instance.uidRange) + this.stack.uid;
  }

  get logPath(): string {
    return instanceLogPath(this.context.paths, this.instance.role);
  }

  /** Requests that are running or wait in its backlog, by the kernel's own count. */
  async inFlight(): Promise<number> {
    return this.inFlightOf(await unixConnections());
  }

  /** The same, from a count made for many at once. */
  inFlightOf(connections: ReadonlyMap<string, number>): number {
    return connections.get(basename(this.socket)) ?? 0;
  }
}

export function instanceLogPath(paths: Pick<SitePaths, 'log'>, role: Instance['role']): string {
  return join(paths.log, `${role}.log`);
}
