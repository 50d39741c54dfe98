/** Makes starting a process inside a cgroup quick. */
import { readFile } from 'node:fs/promises';
import { execAny } from '../../lib/exec.ts';

/**
 * Without `favordynmods`, each move of a process into a cgroup waits for a grace period of the kernel: 10 to 20 ms of every boot
 * (measured; see docs/decisions/005). The flag is one for the whole machine, whichever cgroup tree it is set on; its cost is a slightly
 * slower fork. Older kernels do not know it, and then nothing is changed. Returns whether it is on.
 */
export async function favorQuickMoves(): Promise<boolean> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const trees = mounts.filter(([, , type]) => type === 'cgroup2' || type === 'cgroup');
  if (trees.some(([, , , options]) => options?.split(',').includes('favordynmods'))) return true;
  const [, path, , options = ''] = trees.find(([, , type]) => type === 'cgroup2') ?? trees[0] ?? [];
  if (path === undefined) return false;
  // A remount drops what it does not name.
  const result = await execAny(['mount', '-o', `remount,${options},favordynmods`, path]);
  return result.code === 0;
}
