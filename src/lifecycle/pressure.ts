/** The machine's memory: how short it is, and who should give some back. */
import { readFile } from 'node:fs/promises';
import type { Live } from './live.ts';

export interface MemoryState {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Share of the last ten seconds, in per cent, in which some task waited for memory; 0 where the kernel does not tell. */
  readonly stalledPercent: number;
}

const KIB = 1024;
/** Waiting this much means that the machine is already giving up pages it needs. */
const STALLED_TOO_MUCH = 20;

export async function memoryState(proc = '/proc'): Promise<MemoryState> {
  const [info, pressure] = await Promise.all([readFile(`${proc}/meminfo`, 'utf8'), readFile(`${proc}/pressure/memory`, 'utf8').catch(() => '')]);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(info)?.[1] ?? 0) * KIB;
  return {
    totalBytes: field('MemTotal'),
    availableBytes: field('MemAvailable'),
    stalledPercent: Number(/^some avg10=([\d.]+)/mu.exec(pressure)?.[1] ?? 0),
  };
}

/** @param reserve part of the memory that is to stay available */
export function isShort({ totalBytes, availableBytes, stalledPercent }: MemoryState, reserve: number): boolean {
  return availableBytes < totalBytes * reserve || stalledPercent > STALLED_TOO_MUCH;
}

/** Those that may leave memory, first the frozen, then the running; of each kind, first those that were not used for longest. */
export function leastMissed(lives: readonly Live[], connections: (live: Live) => number): Live[] {
  const idle = lives.filter((live) => live.holds === 0 && connections(live) === 0);
  return idle.toSorted((a, b) => Number(b.isFrozen) - Number(a.isFrozen) || a.usedAt - b.usedAt);
}
