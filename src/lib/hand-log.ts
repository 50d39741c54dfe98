/** A log that somebody has open already takes the place of another. */
import { appendFileSync, chownSync, readFileSync, renameSync } from 'node:fs';

/**
 * `from` begins as what `to` held until now, and is `to` afterwards. Nobody may be writing to either but who appends to `from`.
 * Leaves the thread at no point: a visitor waits for it.
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
