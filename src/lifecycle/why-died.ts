/** Why an instance ended without being asked to. */
import { open } from 'node:fs/promises';
import type { Runtime } from '../runtime/runtime.ts';
import type { Live } from './live.ts';

export interface DeathFacts extends Record<string, unknown> {
  readonly cause: 'out of memory' | 'exited';
  /** The last lines of its log. */
  readonly said: readonly string[];
}

const TAIL_BYTES = 4_096;
const TAIL_LINES = 3;

/** Must be asked before the container is removed: the kernel's counters go with it. */
export async function whyDied(live: Live, runtime: Runtime): Promise<DeathFacts> {
  const usage = await runtime.usage(live.instance.id);
  const cause = (usage?.oomKills ?? 0) > live.oomKills ? 'out of memory' : 'exited';
  return { cause, said: await lastLines(live.logPath), oomKills: usage?.oomKills ?? 0 };
}

async function lastLines(path: string): Promise<string[]> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES));
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-TAIL_LINES);
  } finally {
    await file.close();
  }
}
