import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, isWithin, parseIpv4, parseIpv4Range } from './ipv4.ts';

describe('IPv4 addresses', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text);
      }),
    );
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '0x7f.0.0.1', '1.2.3.4 ', '::1', '1.2.3.-4'])('are not “%s”', (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });
});

describe('IPv4 ranges', () => {
  it('know their first address and size', () => {
    expect(parseIpv4Range('10.201.0.0/16')).toEqual({ first: parseIpv4('10.201.0.0'), size: 65_536 });
  });

  it.each(['10.201.0.0', '10.201.0.1/16', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/'])('are not “%s”', (text) => {
    expect(parseIpv4Range(text)).toBeUndefined();
  });

  it('lie within others or do not', () => {
    const [inner, outer] = [parseIpv4Range('10.201.0.0/16'), parseIpv4Range('10.0.0.0/8')];
    if (inner === undefined || outer === undefined) throw new Error('not ranges');
    expect([isWithin(inner, outer), isWithin(outer, inner)]).toEqual([true, false]);
  });
});
