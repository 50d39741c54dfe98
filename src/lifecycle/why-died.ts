/** Why an instance ended without being asked to. */
import { followFile } from '../lib/follow-file.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Live } from './live.ts';

export interface DeathFacts extends Record<string, unknown> {
  readonly cause: 'out of memory' | 'exited';
  /** The last lines of its log. */
  readonly said: readonly string[];
}

const TAIL_LINES = 3;

/** Must be asked before the container is removed: the kernel's counters go with it. */
export async function whyDied(live: Live, runtime: Runtime): Promise<DeathFacts> {
  const usage = await runtime.usage(live.instance.id);
  const cause = (usage?.oomKills ?? 0) > live.oomKills ? 'out of memory' : 'exited';
  return { cause, said: await lastLines(live.logPath), oomKills: usage?.oomKills ?? 0 };
}

async function lastLines(path: string): Promise<string[]> {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  await followFile(path, { lines: TAIL_LINES, write, signal: AbortSignal.abort() });
  return text.split('\n').filter((line) => line !== '');
}
