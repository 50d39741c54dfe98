import { describe, expect, it } from 'vitest';
import { dnsOf, resolverText } from './dns.ts';

describe('how a container asks for names', () => {
  it('is as the platform does, where nothing is said, and not at all where it may not', () => {
    expect(dnsOf({})).toBeUndefined();
    expect(resolverText(undefined, true)).toBe('nameserver 169.254.1.1\n');
    expect(resolverText(undefined, false)).toBe('');
  });

  it('is what was asked for', () => {
    const dns = dnsOf({ dns: ['10.0.0.53', 'fd00::53', '10.0.0.53'], dnsSearch: ['example.org', 'corp'], dnsOptions: ['ndots:2', 'rotate'] });
    expect(resolverText(dns, true)).toBe('nameserver 10.0.0.53\nnameserver fd00::53\nsearch example.org corp\noptions ndots:2 rotate\n');
    // A neighbour may be a resolver.
    expect(resolverText(dns, false)).toContain('nameserver 10.0.0.53\n');
  });

  it('keeps the platform’s resolver where only the rest is said', () => {
    expect(resolverText(dnsOf({ dnsSearch: ['a.example', '.'] }), true)).toBe('nameserver 169.254.1.1\nsearch .\n');
    expect(resolverText(dnsOf({ dnsOptions: ['timeout:1'] }), true)).toBe('nameserver 169.254.1.1\noptions timeout:1\n');
  });

  it.each([
    { dns: ['one.one'] },
    { dns: ['1.1.1.1\nnameserver 2.2.2.2'] },
    { dns: ['fe80::1%eth0'] },
    { dns: ['[::1]'] },
    { dns: Array.from({ length: 11 }, (_, index) => `1.1.1.${index}`) },
    { dnsSearch: ['a b'] },
    { dnsSearch: ['a\nnameserver 2.2.2.2'] },
    { dnsSearch: [''] },
    { dnsSearch: Array.from({ length: 33 }, () => 'a') },
    { dnsOptions: ['ndots:2 rotate'] },
    { dnsOptions: ['\n'] },
  ])('is refused: %o', (wrong) => {
    expect(() => dnsOf(wrong)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });
});
