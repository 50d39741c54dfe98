/** Watches the disk while something of a stranger's is unpacked: a small archive may hold a large file, or many. */
import { statfs } from 'node:fs/promises';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';

export interface DiskGuardOptions {
  /** A directory on the disk that is watched. */
  readonly dir: string;
  /** Bytes by which the disk's content may grow meanwhile, whoever else writes. */
  readonly mayGrow: number;
  readonly signal: AbortSignal;
  /** What whoever asked is told. */
  readonly hint: string;
}

const LOOK_EVERY_MS = 250;
/** What stays free for everything else: a part of the disk, but never more than this. */
const RESERVE_PART = 0.05;
const MOST_RESERVED = 1024 ** 3;

/**
 * Does the work, and ends it by its signal when the disk grows too much or too full. What was done all the same when it was noticed is an answer.
 * @throws SubakoError `no_space` then; `command_failed` when who asked went away
 */
export async function guardDisk<T>({ dir, mayGrow, signal, hint }: DiskGuardOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const before = await used(dir);
  const tooMuchOf = (now: DiskUse, grown: number): SubakoError | undefined => reason({ now, grown, mayGrow, hint });
  const full = tooMuchOf(before, 0);
  if (full !== undefined) throw full;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let tooMuch: SubakoError | undefined;
  const look = async (): Promise<void> => {
    const now = await used(dir);
    tooMuch ??= tooMuchOf(now, now.used - before.used);
    if (tooMuch !== undefined) stop.abort();
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  try {
    return await work(both);
  } catch (error) {
    if (signal.aborted) throw new SubakoError('command_failed', 'broken off, because whoever asked for it went away', { hint: 'ask again', cause: error });
    throw tooMuch ?? error;
  } finally {
    clearInterval(timer);
  }
}

interface DiskUse {
  readonly size: number;
  readonly used: number;
  readonly free: number;
  readonly freeFiles: number;
  readonly files: number;
}

async function used(dir: string): Promise<DiskUse> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(dir);
  return { size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize, files, freeFiles: ffree };
}

function reason({ now, grown, mayGrow, hint }: { now: DiskUse; grown: number; mayGrow: number; hint: string }): SubakoError | undefined {
  const reserve = Math.min(now.size * RESERVE_PART, MOST_RESERVED);
  if (grown > mayGrow) return new SubakoError('no_space', `unpacked it takes more than ${formatSize(mayGrow)}`, { hint });
  if (now.free < reserve)
    return new SubakoError('no_space', `it would leave less than ${formatSize(reserve)} free on the disk`, {
      hint: `${hint}; subako image prune frees what no container needs`,
    });
  // Some file systems have no such limit, and say 0.
  if (now.files > 0 && now.freeFiles < now.files * RESERVE_PART)
    return new SubakoError('no_space', 'it would leave the disk without room for more files', { hint });
  return undefined;
}
