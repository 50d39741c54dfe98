import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Live } from './live.ts';
import { isShort, leastMissed, memoryState } from './pressure.ts';

let proc: string;
beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'subako-proc-'));
  await writeFile(join(proc, 'meminfo'), 'MemTotal:        1000 kB\nMemFree:          10 kB\nMemAvailable:     300 kB\n');
});
afterEach(() => rm(proc, { recursive: true }));

describe('the state of the machine’s memory', () => {
  it('is what the kernel says', async () => {
    await mkdir(join(proc, 'pressure'));
    await writeFile(join(proc, 'pressure', 'memory'), 'some avg10=12.34 avg60=1.00 avg300=0.00 total=1\nfull avg10=50.00 avg60=0.00 avg300=0.00 total=1\n');
    expect(await memoryState(proc)).toEqual({ totalBytes: 1_024_000, availableBytes: 307_200, stalledPercent: 12.34 });
  });

  it('counts nothing as stalled where the kernel does not tell', async () => {
    expect((await memoryState(proc)).stalledPercent).toBe(0);
  });

  it('is known of this machine', async () => {
    const state = await memoryState();
    expect(state.availableBytes).toBeGreaterThan(0);
    expect(state.totalBytes).toBeGreaterThanOrEqual(state.availableBytes);
  });
});

describe('memory', () => {
  it('is short when less is available than is to stay free, or when tasks wait for it', () => {
    const state = { totalBytes: 1000, availableBytes: 100, stalledPercent: 0 };
    expect(isShort(state, 0.1)).toBe(false);
    expect(isShort({ ...state, availableBytes: 99 }, 0.1)).toBe(true);
    expect(isShort({ ...state, stalledPercent: 20 }, 0.1)).toBe(false);
    expect(isShort({ ...state, stalledPercent: 20.1 }, 0.1)).toBe(true);
    expect(isShort({ ...state, availableBytes: 0 }, 0)).toBe(false);
  });
});

describe('those that leave memory', () => {
  const live = (name: string, usedAt: number, more: Partial<Live> = {}): Live => ({ cause: name, usedAt, isFrozen: false, holds: 0, ...more }) as Live;

  it('are the frozen first, then the running, and of each kind first those not used for longest', () => {
    const lives = [live('new', 9), live('frozen, new', 8, { isFrozen: true }), live('old', 1), live('frozen, old', 2, { isFrozen: true })];
    expect(leastMissed(lives, () => 0).map((one) => one.cause)).toEqual(['frozen, old', 'frozen, new', 'old', 'new']);
  });

  it('are none that serve a request or are held by a session', () => {
    const busy = live('busy', 1);
    const lives = [busy, live('held', 2, { holds: 1 }), live('idle', 3)];
    expect(leastMissed(lives, (one) => (one === busy ? 1 : 0)).map((one) => one.cause)).toEqual(['idle']);
  });
});
