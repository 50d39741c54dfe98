/**
 * While a container is being restored: a process of it, as soon as there is one in the network namespace that will be the container's. Its link can
 * be made while CRIU does the rest.
 */
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 1;

export interface EarlyProcess {
  /** CRIU's own. */
  readonly pid: number;
  /** All that are in the container's cgroup. */
  readonly processes: () => Promise<number[]>;
  /** There will be none: CRIU ended. */
  readonly ended: AbortSignal;
}

/** Undefined when it ended before. */
export async function earlyProcess({ pid, processes, ended }: EarlyProcess): Promise<number | undefined> {
  const ours = networkOf(pid);
  while (!ended.aborted) {
    for (const one of await processes()) {
      const network = networkOf(one);
      if (network !== undefined && network !== ours) return one;
    }
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it ended
  }
}
