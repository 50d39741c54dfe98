/** Limits of this process that its children cannot exceed. */
import { readFile } from 'node:fs/promises';

/** Without CAP_SYS_RESOURCE a child's limit above this one is refused. */
export function hardOpenFiles(): Promise<number> {
  return hard('Max open files', 1024);
}

/** As `hardOpenFiles`, of processes of one user. */
export function hardProcesses(): Promise<number> {
  return hard('Max processes', 32_768);
}

const NAMES = {
  cpu: 'cpu time',
  data: 'data size',
  fsize: 'file size',
  locks: 'file locks',
  memlock: 'locked memory',
  msgqueue: 'msgqueue size',
  nproc: 'processes',
  rss: 'resident set',
  sigpending: 'pending signals',
  stack: 'stack size',
} as const;

/** As `hardOpenFiles`, of everything else that the kernel limits, by the names of `ulimit`; without those that it does not. */
export async function hardLimits(): Promise<Readonly<Record<string, number>>> {
  const all = await Promise.all(Object.entries(NAMES).map(async ([name, words]) => [name, await hard(`Max ${words}`, Infinity)] as const));
  return Object.fromEntries(all.filter(([, limit]) => Number.isFinite(limit)));
}

/** @param fallback where the kernel names no number, because there is no limit */
async function hard(name: string, fallback: number): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const found = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'mu').exec(limits)?.[1];
  return found === undefined ? fallback : Number(found);
}
