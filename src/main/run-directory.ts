/**
 * The run directory is a file system in memory, of its own and of a bounded size: what visitors' containers may write lies in it, and must fill neither
 * the disk nor the machine's /run. Each container's part counts as memory of that container, so its limit is the limit of both.
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exec, execAny } from '../lib/exec.ts';

/** Of the machine's memory, for all sites together. */
const SIZE = '25%';

/** Mounts it, over what an earlier platform left, unless it is there. @param isInUse containers run, whose sockets it would cover */
export async function mountRun(run: string, { isInUse }: { readonly isInUse: boolean }): Promise<void> {
  if ((await isMounted(run)) || (isInUse && (await readdir(run)).length > 0)) return;
  await exec(['mount', '-t', 'tmpfs', '-o', `nosuid,nodev,mode=711,size=${SIZE}`, 'subako', run]);
}

/** Everything in it is gone. Idempotent. */
export async function unmountRun(run: string): Promise<void> {
  if (await isMounted(run)) await execAny(['umount', '-l', run]);
}

async function isMounted(run: string): Promise<boolean> {
  const [own, above] = await Promise.all([run, dirname(run)].map((path) => stat(path).catch(() => undefined)));
  return own?.dev !== above?.dev;
}
