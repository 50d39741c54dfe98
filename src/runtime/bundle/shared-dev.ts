/** One /dev for every site's container, made once on the host and bound read-only. */
import { chmod, lstat, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { exec } from '../../lib/exec.ts';

/** Name, major and minor number: what the OCI runtime specification promises every container. */
const NODES: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

const LINKS: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};

/**
 * Fills `dir` with device nodes of its own, so that the machine's are never a container's to change. Idempotent.
 * A tmpfs in each container would do too, but CRIU restores a tmpfs by running tar, and this by one bind mount.
 *
 * @throws SubakoError `host_unfit` when devices do not work on that file system (mounted `nodev`)
 */
export async function makeSharedDev(dir: string): Promise<void> {
  for (const sub of ['', 'pts', 'shm']) await mkdir(join(dir, sub), { recursive: true, mode: 0o755 });
  for (const [name, major, minor] of NODES) {
    const path = join(dir, name);
    await unlessThere(() => exec(['mknod', '--mode=666', path, 'c', String(major), String(minor)]), path);
    await chmod(path, 0o666);
  }
  for (const [name, target] of Object.entries(LINKS)) await unlessThere(() => symlink(target, join(dir, name)), join(dir, name));
  await writeFile(join(dir, 'memory'), '', { mode: 0o444 });
  const file = await open(join(dir, 'null'), 'r').catch((error: unknown) => {
    throw new SubakoError('host_unfit', `devices do not work in ${dir}`, {
      hint: 'give --state a directory on a file system mounted without nodev',
      cause: error,
    });
  });
  await file.close();
}

async function unlessThere(make: () => Promise<unknown>, path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) await make();
}
