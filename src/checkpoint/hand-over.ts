/** What has to change so that a spare becomes a site's container: its mounts and its directories. */
import { mkdirSync, renameSync } from 'node:fs';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { HandedMount } from '../runtime/runtime.ts';
import type { StackContext } from '../stack/stack.ts';

interface Sides {
  readonly mounts: readonly BindMount[];
  readonly context: StackContext;
}

/**
 * The mounts that have to be replaced. Those of the instance's own directories need not be: the directories are moved (see `moveInstance`), and the
 * mounts with them. Files in the site's directory belong to the site on disk, so their ids are mapped; those of the rest, such as the database's
 * socket, are shown as they are. Pure.
 */
export function mountsToHand(nobodys: Sides, site: Sides): HandedMount[] {
  const moved = new Map(instanceDirs(nobodys.context).map((dir, index) => [dir, instanceDirs(site.context)[index]]));
  const before = new Map(nobodys.mounts.map((mount) => [mount.destination, mount.source]));
  if (site.mounts.length !== before.size || site.mounts.some(({ destination }) => !before.has(destination)))
    throw new Error('it has other mounts than the site');
  return site.mounts
    .filter(({ source, destination }) => {
      const was = before.get(destination) ?? '';
      return source !== was && source !== moved.get(was);
    })
    .map((mount) => ({ ...mount, owned: mount.source.startsWith(`${site.context.paths.root}/`) }));
}

/** Moves the directories of the instance to the site; mounts of them in the container stay. */
export function moveInstance(from: StackContext, to: StackContext): void {
  // Synchronous, because a visitor waits: a hop to another thread would take longer than the call itself.
  mkdirSync(to.paths.run, { recursive: true, mode: 0o711 });
  renameSync(from.instance.root, to.instance.root);
}

function instanceDirs({ instance }: StackContext): string[] {
  return [instance.sockets, instance.opcacheRoot, instance.tmp];
}
