import { describe, expect, it } from 'vitest';
import { FIRST_SITE_RANGE, LAST_RANGE, LAST_SITE_RANGE, RANGE_SIZE, rangeBase, SERVICE_RANGE, SPARE_SLOTS, spareRange } from './uid-range.ts';

describe('uid ranges', () => {
  it('never overlap', () => {
    for (let index = 0; index < LAST_RANGE; index += 1) expect(rangeBase(index + 1) - rangeBase(index)).toBe(RANGE_SIZE);
  });

  it('keep clear of login users, subuids and systemd-nspawn, and fit an unsigned int, where -1 means nobody', () => {
    expect(rangeBase(0)).toBeGreaterThan(1_879_048_191);
    expect(rangeBase(LAST_RANGE) + RANGE_SIZE - 1).toBeLessThan(2 ** 32 - 1);
  });

  it('have room for a thousand sites beside the services', () => {
    expect(LAST_SITE_RANGE - FIRST_SITE_RANGE).toBeGreaterThan(1000);
    expect(Math.max(...Object.values(SERVICE_RANGE))).toBeLessThan(FIRST_SITE_RANGE);
  });

  it('of spares lie above those of sites, to the last', () => {
    expect(spareRange(0)).toBe(LAST_SITE_RANGE + 1);
    expect(spareRange(SPARE_SLOTS - 1)).toBe(LAST_RANGE);
    for (const slot of [-1, SPARE_SLOTS, 0.5]) expect(() => spareRange(slot)).toThrow(RangeError);
  });

  it('refuse an index that is none', () => {
    expect(() => rangeBase(-1)).toThrow(RangeError);
    expect(() => rangeBase(LAST_RANGE + 1)).toThrow(RangeError);
    expect(() => rangeBase(1.5)).toThrow(RangeError);
  });
});
