import { describe, expect, it } from 'vitest';
import { parseIpv4Range } from '../lib/ipv4.ts';
import { address6At, addressAt, freeSubnet, subnet6Of } from './subnets.ts';

const range = (text: string) => parseIpv4Range(text) ?? { first: 0, size: 0 };

describe('subnets of networks', () => {
  it('are the first that no network has and that the machine has no route into', () => {
    expect(freeSubnet(range('10.208.0.0/12'), new Set(), [])).toBe('10.208.0.0/24');
    expect(freeSubnet(range('10.208.0.0/12'), new Set(['10.208.0.0/24', '10.208.2.0/24']), [])).toBe('10.208.1.0/24');
    expect(freeSubnet(range('10.208.0.0/12'), new Set(), [range('10.208.0.0/23'), range('10.208.2.7/32')])).toBe('10.208.3.0/24');
  });

  it('run out, which is said', () => {
    expect(() => freeSubnet(range('10.208.0.0/24'), new Set(['10.208.0.0/24']), [])).toThrow(expect.objectContaining({ code: 'host_unfit' }));
    expect(() => freeSubnet(range('10.208.0.0/23'), new Set(), [range('10.0.0.0/8')])).toThrow(expect.objectContaining({ code: 'host_unfit' }));
  });

  it('hold addresses by their place, of IPv6 too', () => {
    expect([addressAt('10.208.1.0/24', 2), addressAt('10.208.1.0/24', 254)]).toEqual(['10.208.1.2', '10.208.1.254']);
    expect(address6At('fd5b:123:abcd:d001::/64', 254)).toBe('fd5b:123:abcd:d001::fe');
  });

  it('have a prefix of IPv6 each, and platforms different ones', () => {
    const all = ['10.208.0.0/24', '10.208.1.0/24', '10.223.255.0/24'].map((subnet) => subnet6Of('0123abcd', subnet));
    expect(all).toEqual(['fd5b:0123:abcd:d000::/64', 'fd5b:0123:abcd:d001::/64', 'fd5b:0123:abcd:dfff::/64']);
    expect(subnet6Of('0123abce', '10.208.0.0/24')).not.toBe(all[0]);
  });
});
