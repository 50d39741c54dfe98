/** Removes what a container may leave in the cgroup trees when its runtime was killed half way. */
import { readFile, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from '../../lib/deadline.ts';
import { killQuietly } from '../../lib/proc.ts';
import type { CgroupLayout } from './layout.ts';

const EMPTY_WITHIN_MS = 5_000;

/** Ends every process in the cgroup and removes it from every tree. Idempotent. */
export async function removeCgroup(layout: CgroupLayout, path: string): Promise<void> {
  await Promise.all((await trees(layout)).map((tree) => removeDir(join(tree, path))));
}

/** Cgroups directly below `parent`, in any tree. */
export async function childCgroups(layout: CgroupLayout, parent: string): Promise<string[]> {
  const found = await Promise.all((await trees(layout)).map((tree) => subdirs(join(tree, parent))));
  return [...new Set(found.flat())];
}

async function trees(layout: CgroupLayout): Promise<string[]> {
  if (layout.kind === 'v2') return [layout.root];
  return (await subdirs(layout.root)).map((name) => join(layout.root, name));
}

async function removeDir(dir: string): Promise<void> {
  for (const child of await subdirs(dir)) await removeDir(join(dir, child));
  await poll(
    async () => {
      for (const pid of await pids(dir)) killQuietly(pid);
      return rmdir(dir).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
      );
    },
    { timeoutMs: EMPTY_WITHIN_MS, everyMs: 10 },
  );
}

async function pids(dir: string): Promise<number[]> {
  const text = await readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

async function subdirs(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
