/** The directory of an instance's sockets: the container's while it starts, and the platform's from then on. */
import { chmodSync, chownSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { printable } from '../lib/printable.ts';
import type { StackContext } from './stack.ts';

/** It lies in the machine's memory, where nothing of a tenant's may pile up. */
export async function sealSockets({ instance }: Pick<StackContext, 'instance'>): Promise<void> {
  chownSync(instance.sockets, 0, 0);
  chmodSync(instance.sockets, 0o711);
}

/**
 * Before a checkpoint: sockets are made anew by it, with owners that it knows, and the edge's group is none. What else lies beside them would be lost.
 * @param gid in the container @throws SubakoError `conflict` then
 */
export function prepareSockets({ site, instance }: Pick<StackContext, 'site' | 'instance'>, gid: number): void {
  const group = rangeBase(instance.uidRange) + gid;
  // Nobody but the platform writes there once it is sealed.
  for (const entry of readdirSync(instance.sockets, { withFileTypes: true })) {
    if (!entry.isSocket())
      throw new SubakoError('conflict', `${site.domain} keeps ${printable(entry.name)} beside its socket, where nothing but sockets comes back`);
    const path = join(instance.sockets, entry.name);
    lchownSync(path, lstatSync(path).uid, group);
  }
}
