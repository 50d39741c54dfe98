import { describe, expect, it } from 'vitest';
import { compareVersions } from './dpkg-version.ts';

// Each is older than the next; dpkg --compare-versions says the same.
const CHAINS = [
  ['1.0~rc1', '1.0~rc1+b1', '1.0', '1.0-1', '1.0-1+deb13u1', '1.0-1.1', '1.0a', '1.0+dfsg', '1.0.1', '1.9', '1.10', '1:0.1'],
  ['3.0.15-1~deb12u1', '3.0.15-1', '3.0.16-1~deb12u1', '3.0.16-1'],
  ['2.36-9+deb12u8', '2.36-9+deb12u9', '2.36-9+deb12u10'],
  ['1~~', '1~~a', '1~', '1'],
  ['20240101', '20240101a', '20240101.1'],
];

describe('versions of Debian packages', () => {
  for (const chain of CHAINS) {
    it(`are in the order of dpkg: ${chain.slice(0, 3).join(', ')} …`, () => {
      for (let low = 0; low < chain.length; low += 1) {
        for (let high = 0; high < chain.length; high += 1) {
          expect(Math.sign(compareVersions(chain[low] ?? '', chain[high] ?? '')), `${chain[low]} beside ${chain[high]}`).toBe(Math.sign(low - high));
        }
      }
    });
  }

  it('are the same where only leading zeros differ, or a zero epoch is written', () => {
    expect(compareVersions('1.01-1', '1.1-01')).toBe(0);
    expect(compareVersions('0:1.0-1', '1.0-1')).toBe(0);
  });

  it('may be numbers of any length', () => {
    expect(compareVersions('99999999999999999999998', '99999999999999999999999')).toBeLessThan(0);
  });
});
