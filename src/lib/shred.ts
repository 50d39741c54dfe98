/** Overwrites what is removed. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from './exec.ts';
import { removeTree } from './files.ts';

interface PlainFile {
  readonly path: string;
  readonly nlink: number;
  /** On disk. */
  readonly bytes: number;
}

/** Bytes in which the kernel counts a file's disk space. */
const BLOCK = 512;

/**
 * Overwrites the files of a directory once, then removes it with all that is in it. A file that has another name too is left as it is. What cannot be
 * overwritten is removed all the same. (A file system that never writes in place, or a flash disk, may keep old blocks for a while.) Idempotent.
 */
export async function shred(dir: string): Promise<void> {
  const own = (await plainFiles(dir)).filter(({ nlink }) => nlink === 1).map(({ path }) => path);
  if (own.length > 0) await exec(['shred', '--iterations=1', '--remove=unlink', '--', ...own]).catch(() => undefined);
  await removeTree(dir);
}

/** Of the directory itself: no link is followed. None where it is no directory. */
export async function plainFiles(dir: string): Promise<PlainFile[]> {
  const found = await lstat(dir).catch(() => undefined);
  if (found?.isDirectory() !== true) return [];
  const entries = await readdir(dir, { withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(dir, entry.name));
  return Promise.all(
    paths.map(async (path) => {
      const { nlink, blocks } = await lstat(path);
      return { path, nlink, bytes: blocks * BLOCK };
    }),
  );
}
