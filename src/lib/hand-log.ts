/** Puts a log that a program has open already in the place of another log. */
import { appendFileSync, chownSync, readFileSync, renameSync } from 'node:fs';

/**
 * The text of `to` is put at the beginning of `from`, and `from` is renamed to `to`. Nobody may be writing to `to`; a program may append to `from`.
 * Synchronous, because a visitor waits.
 */
export function handLog(from: string, to: string, owner: { readonly uid: number; readonly gid: number }): void {
  appendFileSync(from, textOf(to));
  chownSync(from, owner.uid, owner.gid);
  renameSync(from, to);
}

function textOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
