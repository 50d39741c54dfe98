import { describe, expect, it } from 'vitest';
import { dueAt, intervalAfter, nextCron } from './next-cron.ts';

describe('the next time in WordPress’s schedule', () => {
  it.each([
    ['a:2:{i:1700000000;a:1:{s:4:"hook";a:0:{}}s:7:"version";i:2;}', 1_700_000_000_000],
    ['a:1:{s:7:"version";i:2;}', undefined],
    ['', undefined],
    ['O:8:"stdClass":1:{i:1700000000;', undefined],
    ['a:1:{i:-5;', undefined],
    ['a:1:{i:99999999999999999999;', undefined],
  ])('in %s', (head, at) => {
    expect(nextCron(head)).toBe(at);
  });
});

describe('when a site is looked after', () => {
  const usual = { ranAt: 0, everyMs: 900_000, now: 10_000, jitter: 0 };

  it('is when it wants to, and not before', () => {
    expect(dueAt(5_000_000, usual)).toBe(5_000_000);
    expect(dueAt(0, { ...usual, ranAt: -900_000 })).toBe(10_000);
  });

  it('is not too soon after the last time, however often it asks', () => {
    expect(dueAt(0, { ...usual, ranAt: 9_000 })).toBe(909_000);
  });

  it('differs from site to site by a minute at most', () => {
    expect(dueAt(5_000_000, { ...usual, jitter: 0.5 })).toBe(5_030_000);
    expect(dueAt(5_000_000, { ...usual, everyMs: 4_000, jitter: 1 })).toBe(5_001_000);
  });
});

describe('how often a site may do its work', () => {
  it('is as it is set, while it is quick', () => {
    for (const tookMs of [200, 10_000, 30_000]) expect(intervalAfter(tookMs, 900_000)).toBe(900_000);
    expect(intervalAfter(5_000, 1_000)).toBe(1_000);
  });

  it('is the rarer the longer it takes, so that a few slow sites do not hold up the others', () => {
    expect(intervalAfter(60_000, 900_000)).toBe(1_800_000);
    expect(intervalAfter(300_000, 900_000)).toBe(9_000_000);
    expect(intervalAfter(20_000, 1_000)).toBe(600_000);
  });
});
