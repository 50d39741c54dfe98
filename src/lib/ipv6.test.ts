import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv6, isInRange6, parseIpv6, parseIpv6Range } from './ipv6.ts';

describe('IPv6 addresses', () => {
  it.each([
    ['::', 0n],
    ['::1', 1n],
    ['1::', 1n << 112n],
    ['::ffff:10.0.0.1', 0xffff_0a00_0001n],
    ['2001:db8::A', (0x2001_0db8n << 96n) + 10n],
    ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  ])('%s', (text, value) => {
    expect(parseIpv6(text)).toBe(value);
  });

  it.each(['', '10.0.0.1', 'fe80::1%eth0', '1:2:3', '1::2::3', '::1; flush ruleset', '[::1]', '12345::', '::1/64'])('not %j', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  it('are the same after they were written down', () => {
    fc.assert(fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (value) => parseIpv6(formatIpv6(value)) === value));
  });

  it('are in a range or not', () => {
    const range = parseIpv6Range('fd12:3456:789a:1::/64');
    expect(range?.prefix).toBe(64);
    const isIn = (text: string): boolean => range !== undefined && isInRange6(parseIpv6(text) ?? 0n, range);
    expect(['fd12:3456:789a:1::', 'fd12:3456:789a:1:ffff::1'].every(isIn)).toBe(true);
    expect(['fd12:3456:789a:2::', '::1'].some(isIn)).toBe(false);
    for (const text of ['fd12::1/64', 'fd12::/129', 'fd12::', '10.0.0.0/8', 'fd12::/-1']) expect(parseIpv6Range(text)).toBeUndefined();
  });
});
