/** The end of a file, and what is added to it. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { printableLines } from './printable.ts';

export interface FollowOptions {
  /** How many of the last lines to begin with. */
  readonly lines: number;
  readonly write: (text: string) => void;
  /** Ends the following; aborted before the call, only the last lines are written. */
  readonly signal: AbortSignal;
}

const TAIL_BYTES = 256 * 1024;
const LOOK_EVERY_MS = 200;

/** A file that is cut short (rotated) is followed from its new beginning; one that is not there yet is waited for. */
export async function followFile(path: string, { lines, write, signal }: FollowOptions): Promise<void> {
  let offset = await writeTail(path, lines, write);
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    offset = await writeFrom(path, offset, write);
  }
}

async function writeTail(path: string, lines: number, write: (text: string) => void): Promise<number> {
  let tail = '';
  const end = await writeFrom(path, -TAIL_BYTES, (text) => {
    tail += text;
  });
  const last = tail.split('\n').slice(-lines - 1);
  if (lines > 0 && tail !== '') write(printableLines(last.join('\n')));
  return end;
}

/** Writes from the offset (negative: from the end) to the end; returns where that is. */
async function writeFrom(path: string, offset: number, write: (text: string) => void): Promise<number> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return 0;
  try {
    const { size } = await file.stat();
    let at = offset < 0 ? Math.max(0, size + offset) : offset > size ? 0 : offset;
    while (at < size) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(TAIL_BYTES, size - at)), 0, null, at);
      if (bytesRead === 0) break;
      write(printableLines(buffer.toString('utf8', 0, bytesRead)));
      at += bytesRead;
    }
    return at;
  } finally {
    await file.close();
  }
}
