/** Ends CRIU in the middle of its work. */
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { TestPlatform } from '../helpers/platform.ts';

/** Kills the daemon's CRIU once it has worked so long, or has it hang. False when it ended before, or never came. */
export async function killCriu(
  platform: TestPlatform,
  command: 'dump' | 'restore',
  { afterMs, signal = 'SIGKILL' }: { afterMs: number; signal?: 'SIGKILL' | 'SIGSTOP' },
): Promise<boolean> {
  const daemon = await platform.daemonPid();
  const end = performance.now() + 5_000;
  while (performance.now() < end) {
    const pid = pids().find((one) => isCriu(one, command) && parentOf(one) === daemon && (command === 'dump' || works(one, platform)));
    if (pid !== undefined) {
      await sleep(afterMs);
      if (!isCriu(pid, command)) return false;
      process.kill(pid, signal);
      return true;
    }
    await turn();
  }
  return false;
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number);
}

function isCriu(pid: number, command: string): boolean {
  const [program, first] = read(`/proc/${pid}/cmdline`).split('\0');
  return first === command && program?.endsWith('criu') === true;
}

/** One that waits to be told what to restore is in no cgroup of a container's yet. */
function works(pid: number, { cgroup }: TestPlatform): boolean {
  return read(`/proc/${pid}/cgroup`).includes(`${cgroup}/`);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/mu.exec(read(`/proc/${pid}/status`))?.[1]);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
