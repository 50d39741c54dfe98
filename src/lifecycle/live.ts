/** An instance that is up on this node, with what only memory needs to know of it. */
import { basename, join } from 'node:path';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { unixConnections } from '../lib/proc.ts';
import type { Stack, StackContext } from '../stack/stack.ts';

export class Live {
  site: Site;
  readonly instance: Instance;
  readonly process: ProcessIdentity;
  readonly stack: Stack;
  readonly context: StackContext;
  /** Unix time in milliseconds of the last sign of use. */
  usedAt: number;
  /** Out-of-memory kills that were already told. */
  oomKills = 0;
  /** Open sessions that keep it awake, such as `exec`. */
  holds = 0;

  constructor(parts: { site: Site; instance: Instance; process: ProcessIdentity; stack: Stack; context: StackContext; usedAt: number }) {
    this.site = parts.site;
    this.instance = parts.instance;
    this.process = parts.process;
    this.stack = parts.stack;
    this.context = parts.context;
    this.usedAt = parts.usedAt;
  }

  get socket(): string {
    return join(this.context.paths.sockets, basename(this.stack.socketOf(this.site.id)));
  }

  /** Host uid that its socket must belong to. */
  get socketOwner(): number {
    return rangeBase(this.site.uidRange) + this.stack.uid;
  }

  get logPath(): string {
    return instanceLogPath(this.context, this.instance);
  }

  /** Requests that are running or wait in its backlog, by the kernel's own count. */
  async inFlight(): Promise<number> {
    return this.inFlightOf(await unixConnections());
  }

  /** The same, from a count made for many at once. */
  inFlightOf(connections: ReadonlyMap<string, number>): number {
    return connections.get(this.stack.socketOf(this.site.id)) ?? 0;
  }
}

export function instanceLogPath(context: Pick<StackContext, 'paths'>, instance: Pick<Instance, 'role'>): string {
  return join(context.paths.log, `${instance.role}.log`);
}
