/** What has to change so that a spare container is a site's: its mounts, its directories, its log. */
import { appendFileSync, chownSync, mkdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { isErrno } from '../domain/errors.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { HandedMount } from '../runtime/runtime.ts';
import type { StackContext } from '../stack/stack.ts';

interface Sides {
  readonly mounts: readonly BindMount[];
  readonly context: StackContext;
}

/**
 * The mounts that differ. Those of the instance's own directories do not: the directories move (see `moveInstance`), and with them what is
 * mounted of them. What lies in the site's own directory is the site's on disk; the rest, such as the database's socket, is nobody's to map. Pure.
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

/** Gives the site the directories of the instance: what is mounted of them in the container stays. */
export function moveInstance(from: StackContext, to: StackContext): void {
  // A visitor waits for this: each hop to another thread would take longer than the call itself.
  for (const dir of [to.paths.run, to.paths.scratch]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  renameSync(from.instance.root, to.instance.root);
  renameSync(from.instance.tmp, to.instance.tmp);
}

/**
 * The spare's open log becomes the site's: it takes over the site's older lines, and then its place. Nobody else may be writing to the site's.
 * What the spare said until now was about nobody.
 */
export function handLog(from: string, to: string, owner: number): void {
  truncateSync(from, 0);
  appendFileSync(from, textOf(to));
  chownSync(from, owner, owner);
  renameSync(from, to);
}

function instanceDirs({ instance }: StackContext): string[] {
  return [instance.sockets, instance.opcacheRoot, instance.tmp];
}

function textOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return Buffer.alloc(0);
    throw error;
  }
}
