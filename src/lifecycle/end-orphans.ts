/** Ends commands that were run in a container and outlived the daemon that ran them. */
import { readFile } from 'node:fs/promises';
import { RUNTIME_NAMES } from '../domain/runtime-name.ts';
import { killQuietly } from '../lib/proc.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Live } from './live.ts';

/** The machine's first process, which becomes the parent of processes whose own has ended. */
const FIRST = 1;

/** Called after a daemon was killed: the callers of its commands are orphans now. */
export async function endOrphans(live: Live, runtime: Pick<Runtime, 'processes'>): Promise<void> {
  for (const [pid, parent] of await roots(live, runtime)) {
    if ((await isRuntime(parent)) && (await parentOf(parent)) === FIRST) killQuietly(pid);
  }
}

/** Processes of the container whose parent is outside of it, each with that parent. */
async function roots(live: Live, runtime: Pick<Runtime, 'processes'>): Promise<[number, number][]> {
  const pids = await runtime.processes(live.instance.id).catch((): number[] => []);
  const pairs = await Promise.all(pids.map(async (pid): Promise<[number, number]> => [pid, (await parentOf(pid)) ?? pid]));
  const inside = new Set(pids);
  return pairs.filter(([pid, parent]) => pid !== live.process.pid && !inside.has(parent));
}

async function parentOf(pid: number): Promise<number | undefined> {
  const parent = /^PPid:\s+(\d+)$/mu.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Whether this process is an OCI runtime, running a command in a container. */
async function isRuntime(pid: number): Promise<boolean> {
  const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
  return RUNTIME_NAMES.some((one) => one === name);
}
