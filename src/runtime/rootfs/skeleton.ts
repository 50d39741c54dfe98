/** What lies below every image's layers: the places where something is mounted, so that they are there also where an image has none, and cannot be written to. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ['', 0o755],
  ['proc', 0o555],
  ['sys', 0o555],
  ['dev', 0o755],
  ['etc', 0o755],
  ['run', 0o755],
  ['tmp', 0o1777],
];

const FILES = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf'];

/** Idempotent. */
export async function makeSkeleton(dir: string): Promise<void> {
  for (const [path, mode] of DIRECTORIES) {
    await mkdir(join(dir, path), { recursive: true });
    await chmod(join(dir, path), mode);
  }
  for (const file of FILES) await writeFile(join(dir, file), '');
}
