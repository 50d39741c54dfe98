import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration, parseSize } from './units.ts';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['250ms', 250],
    ['never', 0],
    ['0', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '-5m', 'm', '5 m', '5y', '1e3s', 'NaNs'])('does not read %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('are written so that they can be read again', () => {
    fc.assert(fc.property(fc.nat(10_000_000_000), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('sizes', () => {
  it.each([
    ['512m', 536_870_912],
    ['1g', 1_073_741_824],
    ['64K', 65_536],
    ['64KiB', 65_536],
    ['1048576', 1_048_576],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'm', '-1m', '1t', '1 g'])('does not read %j', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});
