/** The machine's memory: whether it is short, and which instances should leave it first. */
import { readFile } from 'node:fs/promises';
import type { Live } from './live.ts';

export interface MemoryState {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Per cent of the last ten seconds in which some task waited for memory; 0 where the kernel does not tell. */
  readonly stalledPercent: number;
}

const KIB = 1024;
/** Above this, the machine is already giving up pages that it needs. */
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

/** The instances that may leave memory, in this order: first the frozen, then the running, and of each kind the longest unused first. */
export function leastMissed(lives: readonly Live[], connections: (live: Live) => number): Live[] {
  const idle = lives.filter((live) => live.holds === 0 && connections(live) === 0);
  return idle.toSorted((a, b) => Number(b.isFrozen) - Number(a.isFrozen) || a.usedAt - b.usedAt);
}
