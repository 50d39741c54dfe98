import { beforeEach, describe, expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import type { Recycling } from './beside.ts';
import { Live } from './live.ts';
import { Renewals } from './renewals.ts';

const MINUTE = 60_000;
let live: Live;
let at: number;
let done: string[];
let recycling: Recycling;
let renewals: Renewals;

beforeEach(() => {
  at = 1_000_000;
  done = [];
  recycling = 'replaced';
  const site = { id: 's', domain: 'a.example', settings: QUIET };
  live = Object.assign(Object.create(Live.prototype) as Live, { site, instance: { role: 'admin' }, usedAt: at, holds: 0, workers: 0 });
  const lifecycle = {
    settle: async () => done.push('sleep') > 0,
    recycle: async () => {
      done.push('replace');
      return recycling;
    },
  };
  renewals = new Renewals({ lifecycle, now: () => at, elapsed: () => at });
});

/** Looks once a second, as the reaper does, for so long. */
async function lookFor(ms: number): Promise<string[]> {
  done = [];
  for (const end = at + ms; at < end; at += 1_000) await renewals.look(live, 'lifetime');
  return done;
}

describe('an instance that is stale', () => {
  it('is replaced beside itself while it is in use, and sleeps when it is idle', async () => {
    await renewals.look(live, 'lifetime');
    at += 10_000;
    await renewals.look(live, 'lifetime');
    expect(done).toEqual(['replace', 'sleep']);
  });

  it('is left alone while somebody works in it, for an hour at most', async () => {
    live.holds = 1;
    expect(await lookFor(60 * MINUTE)).toEqual([]);
    expect(await lookFor(1_000)).not.toEqual([]);
  });

  it('is left alone for whoever comes next, too, where it could not be replaced in between', async () => {
    recycling = 'failed';
    live.holds = 1;
    await lookFor(50 * MINUTE);
    live.holds = 0;
    expect(await lookFor(1_000)).not.toEqual([]);
    live.holds = 1;
    expect(await lookFor(50 * MINUTE)).toEqual([]);
  });

  it('is replaced where only a worker is in it, which begins again in the next', async () => {
    Object.assign(live, { holds: 1, workers: 1 });
    expect(await lookFor(1_000)).toEqual(['replace']);
    live.holds = 2;
    expect(await lookFor(1_000)).toEqual([]);
  });

  it('goes on where the next cannot be started, which is tried at longer and longer intervals', async () => {
    recycling = 'failed';
    expect(await lookFor(5 * MINUTE)).toEqual(Array.from({ length: 8 }, () => 'replace'));
    recycling = 'replaced';
    expect(await lookFor(5 * MINUTE)).toContain('replace');
  });

  it('is ended at last where it could never be replaced, while it is idle: perhaps two of it cannot run at once', async () => {
    recycling = 'failed';
    const tried = await lookFor(20 * MINUTE);
    expect(tried.indexOf('sleep')).toBe(9);
  });

  it('is tried again at the next look where a hook kept it', async () => {
    recycling = 'kept';
    live.site = { ...live.site, settings: { ...QUIET, keepAwake: true } };
    live.instance = { ...live.instance, role: 'public' };
    expect(await lookFor(3_000)).toEqual(['replace', 'replace', 'replace']);
  });
});
