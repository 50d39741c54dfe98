/** Files of our own, written so that a crash leaves the old one or the new one. Never for paths inside a tenant's tree, but for `removeTree`. */
import { open, rename, rm } from 'node:fs/promises';
import { exec, execAny } from './exec.ts';

let counter = 0;

export interface WriteOptions {
  readonly mode?: number;
  /** Wait until it is on disk. Default: true. */
  readonly durable?: boolean;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export async function writeFileAtomic(path: string, text: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  counter += 1;
  const draft = `${path}.${process.pid}.${counter}~`;
  try {
    const file = await open(draft, 'wx', options.mode ?? 0o644);
    try {
      await file.chmod(options.mode ?? 0o644);
      if (options.owner !== undefined) await file.chown(options.owner.uid, options.owner.gid);
      await file.writeFile(text);
      if (options.durable ?? true) await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Bytes on disk of a directory and all below it, also of one that a tenant filled. 0 where it is not there. */
export async function treeBytes(dir: string): Promise<number> {
  const { stdout } = await execAny(['du', '--summarize', '--block-size=1', '--one-file-system', '--', dir]);
  return Number(stdout.split('\t')[0] ?? 0);
}

/**
 * Removes a directory and all below it, also one that a tenant filled: however deep it is, no link in it is followed and no other
 * file system entered. (Node's own rm works by path, and fails on a tree deeper than a path may be long.) Idempotent.
 */
export async function removeTree(dir: string): Promise<void> {
  await exec(['rm', '-rf', '--one-file-system', '--', dir]);
}
