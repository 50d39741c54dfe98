import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

describe('Backoff', () => {
  it('doubles the pause up to five minutes, and begins anew when forgotten', () => {
    let now = 0;
    const backoff = new Backoff(() => now);
    expect(backoff.waitMs('a')).toBe(0);
    expect(Array.from({ length: 10 }, () => backoff.failed('a'))).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000));
    expect(backoff.waitMs('a')).toBe(300_000);
    expect(backoff.waitMs('b')).toBe(0);
    now = 300_000;
    expect(backoff.waitMs('a')).toBe(0);
    backoff.forget('a');
    expect(backoff.failed('a')).toBe(2_000);
  });

  it('forgives a site that dies young twice, but not a third time in a row', () => {
    const backoff = new Backoff(() => 0);
    backoff.diedYoung('a');
    backoff.diedYoung('a');
    expect(backoff.waitMs('a')).toBe(0);
    backoff.diedYoung('a');
    expect(backoff.waitMs('a')).toBe(2_000);
    backoff.forget('a');
    backoff.diedYoung('a');
    expect(backoff.waitMs('a')).toBe(0);
  });
});
