import { describe, expect, it } from 'vitest';
import { address6At, gateway6, ownPrefix, prefixOf } from './address6.ts';
import { joinBatch, linkBatch } from './ip-batches.ts';
import { MOST_ADDRESSES } from './names.ts';
import { parseIpv6, parseIpv6Range } from '../../lib/ipv6.ts';

const PREFIX = ownPrefix('0123abcd');
const FOUR = { address: '10.201.0.5', device: 'sb0123abcd-5' };
const BOTH = { ...FOUR, six: { address: address6At(PREFIX, 5), gateway: gateway6(PREFIX) } };
const wish = { id: 'one', pid: 7, smtp: false };

describe('addresses of IPv6', () => {
  it('are as many as those of IPv4, and none is the gateway’s', () => {
    expect(prefixOf(parseIpv6Range('fd12:3456:789a:1::/64') ?? { first: 0n })).toBe('fd12:3456:789a:0001');
    for (const place of [1, 65_535, 65_536, MOST_ADDRESSES - 1]) {
      const address = parseIpv6(address6At(PREFIX, place)) ?? 0n;
      expect(Number(address & 0xffff_ffffn)).toBe(place);
      expect(address).not.toBe(parseIpv6(gateway6(PREFIX)));
    }
  });
});

describe('a link', () => {
  it('has IPv6 where its lease has, and not a word of it otherwise', () => {
    for (const batch of [linkBatch(FOUR, wish), joinBatch(FOUR, wish)]) expect(batch).not.toMatch(/fd5c|neigh|::/u);
    expect(linkBatch(BOTH, wish)).toContain('route add fd5c:123:abcd::5/128 dev sb0123abcd-5\n');
    expect(joinBatch(BOTH, wish)).toContain('addr add fd5c:123:abcd::5/128 dev eth0 nodad\n');
  });

  it('leads out over IPv6 where it does over IPv4', () => {
    expect(joinBatch(BOTH, wish).match(/route add default via/gu)).toHaveLength(2);
    expect(joinBatch(BOTH, { ...wish, egress: false })).not.toContain('default');
  });

  it('tells each end where the other is', () => {
    const [outside, inside] = [linkBatch(BOTH, wish), joinBatch(BOTH, wish)];
    const hardware = /link add \S+ address (\S+) .* peer name eth0 address (\S+) netns 7\n/u.exec(outside);
    expect(outside).toContain(`neigh add fd5c:123:abcd::5 lladdr ${hardware?.[2]} dev sb0123abcd-5 nud permanent`);
    expect(inside).toContain(`neigh add ${gateway6(PREFIX)} lladdr ${hardware?.[1]} dev eth0 nud permanent`);
    expect(hardware?.[2]).toBe('02:5b:0a:c9:00:05');
  });
});
