import { describe, expect, it } from 'vitest';
import { renewalTime, retryDelay, timeWithin } from './schedule.ts';

const DAY = 86_400_000;

describe('a renewal', () => {
  it('comes at two thirds of the lifetime, or a little before', () => {
    expect(renewalTime({ since: 0, until: 90 * DAY }, 0)).toBe(60 * DAY);
    expect(renewalTime({ since: 0, until: 90 * DAY }, 1)).toBe(55.5 * DAY);
  });

  it('comes at half of a short lifetime', () => {
    expect(renewalTime({ since: 0, until: 6 * DAY }, 0)).toBe(3 * DAY);
  });

  it('comes where the authority wants it, and at once when that is over', () => {
    expect(timeWithin({ start: 100, end: 200 }, 0, 0.5)).toBe(150);
    expect(timeWithin({ start: 100, end: 200 }, 150, 0.5)).toBe(175);
    expect(timeWithin({ start: 100, end: 200 }, 300, 0.5)).toBe(300);
  });
});

describe('a try that failed', () => {
  it('is followed by others at growing distances, a day at most', () => {
    expect([1, 2, 3, 4, 5, 50].map((failures) => retryDelay(failures, 0))).toEqual([60_000, 600_000, 6_000_000, DAY, DAY, DAY]);
    expect(retryDelay(1, 1)).toBe(66_000);
  });

  it('is not followed by one before the authority wants it', () => {
    expect(retryDelay(1, 0, 7_200_000)).toBe(7_200_000);
  });
});
