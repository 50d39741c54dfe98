import { describe, expect, it } from 'vitest';
import { parseIpv4, parseIpv4Range, isWithin } from '../../lib/ipv4.ts';
import { parseIpv6, parseIpv6Range, isInRange6 } from '../../lib/ipv6.ts';
import { groupOf } from './groups.ts';
import { networkNames } from './names.ts';
import { networksNear, REFUSED, REFUSED6 } from './refused.ts';
import type { Opened } from './published-rules.ts';
import { renderRules } from './render-rules.ts';
import type { RulesOptions } from './render-rules.ts';

const OPTIONS = {
  names: networkNames('0123abcd'),
  http: 8080,
  https: 8443,
  range: { first: 0x0a_c9_00_00, size: 65_536 },
  edge: 1234,
  resolver: '192.0.2.53',
  opened: [],
};
const SIX = { prefix: 'fd5c:0123:abcd:0', near: [], apart: [] };

describe('the firewall of containers', () => {
  it('refuses every address that is not of the public Internet', () => {
    const places = `10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255
      192.0.0.192 192.168.0.1 198.18.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 0.0.0.0`.split(/\s+/u);
    expect(places.filter((place) => !isRefused(place))).toEqual([]);
    expect(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255'].filter(isRefused)).toEqual([]);
  });

  it('refuses every address of IPv6 that is not one place of the public Internet', () => {
    const places = `:: ::1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
      2002:a00:1::1 2002:ffff:: 3fff::1 3fff:fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1`.split(/\s+/u);
    expect(places.filter((place) => !isRefused6(place))).toEqual([]);
    expect(['2000::1', '2001:200::1', '2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1', '2003::1', '3ffe::1'].filter(isRefused6)).toEqual([]);
  });

  it('refuses the networks of IPv6 that the machine is in, and not those of containers', () => {
    const line = (hex: string, prefix: string, device: string): string => `${hex} 04 ${prefix} 00 80 ${device.padStart(8)}\n`;
    const table = [
      line('20014860000000000000000000000002', '40', 'eth0'),
      line('200148600000000012ab00000000cdef', '40', 'eth0'),
      line('2a000000000000000000000000000001', '80', 'tun0'),
      line('fe800000000000000000000000000001', '40', 'eth0'),
      line('fd000000000000000000000000000002', '40', 'eth0'),
      line('2a010000000000000000000000000001', '40', 'sb00000000-1'),
    ];
    expect(networksNear(table.join(''), 'sb')).toEqual(['2001:4860::/64', '2a00::1/128']);
    const refused = /set refused6 \{[^}]*elements = \{ ([^}]*) \}/u.exec(renderRules({ ...OPTIONS, six: { ...SIX, near: ['2a00::/64'] } }))?.[1];
    expect(refused?.split(', ')).toEqual([...REFUSED6.map(([range]) => range), '2a00::/64']);
  });

  it('does not make a router of the machine between devices that had IPv6 before, and takes no name that could be a rule', () => {
    const drop = 'meta nfproto ipv6 iifname { "eth0", "bond0.7" } oifname { "eth0", "bond0.7" } counter drop';
    expect(chainOf('beyond', { ...SIX, apart: ['eth0', 'bond0.7', 'a"b', 'a b', '};'] })[0]).toBe(drop);
    for (const six of [SIX, undefined]) expect(chainOf('beyond', six)[0]).toMatch(/jump inward$/u);
  });

  it('lets IPv6 in from no container, unless they have it; and then never to the machine’s loopback', () => {
    expect(chainOf('guard')).toContain('meta nfproto != ipv4 counter drop');
    const lines = chainOf('guard', SIX);
    expect(lines).not.toContain('meta nfproto != ipv4 counter drop');
    expect(lines).toEqual(expect.arrayContaining(['ip6 daddr ::1 counter drop', 'fib saddr . iif oif 0 counter drop']));
  });

  it('asks the same of IPv6 as of IPv4', () => {
    const lines = chainOf('outward', SIX);
    const at = (text: string): number => lines.findIndex((line) => line.startsWith(text));
    expect(at('ip6 daddr @refused6 goto refuse')).toBeGreaterThan(at('jump limits'));
    expect(at('ct original ip6 daddr @refused6 goto refuse')).toBeGreaterThan(-1);
    expect(at('meta l4proto tcp accept')).toBeGreaterThan(at('ip6 daddr @refused6 goto refuse'));
    expect(chainOf('limits', SIX).filter((line) => line.includes('ip6 saddr'))).toHaveLength(2);
    // The doors are those of IPv4.
    expect(chainOf('machine', SIX).filter((line) => line.includes('ip6'))).toEqual([]);
  });

  it('lets a container ask the resolvers that it was given, at their port, and no other container', () => {
    const opened = [{ address: '10.1.2.3', address6: 'fd5c::3', ports: [], resolvers: ['10.0.0.53', 'fd00::53', '10.0.0.53'] }];
    const text = renderRules({ ...OPTIONS, opened });
    expect(text).toContain('elements = { 10.1.2.3 . 10.0.0.53 }');
    expect(text).toContain('elements = { fd5c::3 . fd00::53 }');
    for (const chain of ['machine', 'outward']) {
      const lines = chainOf(chain, undefined, opened);
      expect(lines).toContain('ip saddr . ip daddr @asks meta l4proto { tcp, udp } th dport 53 accept');
      expect(lines).toContain('ip6 saddr . ip6 daddr @asks6 meta l4proto { tcp, udp } th dport 53 accept');
      expect(lines.findIndex((line) => line.includes('@asks'))).toBeGreaterThan(lines.findIndex((line) => /^iifgroup .* goto refuse$/u.test(line)));
    }
    const without = renderRules({ ...OPTIONS, opened: [{ address: '10.1.2.3', ports: [], resolvers: ['fd00::53'] }] });
    expect(without).not.toMatch(/@asks|fd00::53/u);
    for (const resolver of ['one.one', '10.0.0.1 }', 'fe80::1%eth0'])
      expect(() => renderRules({ ...OPTIONS, opened: [{ address: '10.1.2.3', ports: [], resolvers: [resolver] }] })).toThrow(RangeError);
  });

  it.each([
    [undefined, ['ipv4 fib daddr type local tcp dport 80 dnat ip to 10.1.2.3:81', 'ipv6 fib daddr type local tcp dport 80 dnat ip6 to [fd5c::3]:81']],
    ['0.0.0.0', ['ipv4 fib daddr type local tcp dport 80 dnat ip to 10.1.2.3:81']],
    ['::', ['ipv6 fib daddr type local tcp dport 80 dnat ip6 to [fd5c::3]:81']],
    ['::1', ['ipv6 ip6 daddr ::1 tcp dport 80 dnat ip6 to [fd5c::3]:81']],
  ])('leads a port at %s over the right kinds of IP', (hostAddress, expected) => {
    const ports = [{ protocol: 'tcp' as const, hostPort: 80, containerPort: 81, ...(hostAddress === undefined ? {} : { hostAddress }) }];
    const lines = chainOf('published', SIX, [{ address: '10.1.2.3', address6: 'fd5c::3', ports, resolvers: [] }]);
    expect(lines).toEqual(expected.map((line) => `meta nfproto ${line}`));
    const four = chainOf('published', undefined, [{ address: '10.1.2.3', ports, resolvers: [] }]);
    expect(four).toEqual(expected.filter((line) => line.startsWith('ipv4')).map((line) => `meta nfproto ${line}`));
  });

  it('is one transaction, in a table of the platform’s own', () => {
    const text = renderRules(OPTIONS);
    expect(text).toMatch(/^table inet subako_0123abcd\ndelete table inet subako_0123abcd\ntable inet subako_0123abcd \{/u);
    expect(text.match(/policy drop/gu)).toBeNull();
    for (const line of text.split('\n').filter((one) => /hook (?:prerouting|postrouting)/u.test(one))) expect(line).toContain('policy accept');
    // What is not ours is left alone.
    expect(text.match(/iifname != "sb0123abcd-\*" accept/gu)).toHaveLength(2);
  });

  it('leads to the edge and to a resolver at the gateway alone, and to none where there is none', () => {
    expect(renderRules(OPTIONS)).toContain('ip daddr 169.254.1.1 tcp dport { 80, 8080 } redirect to :8080');
    expect(renderRules({ ...OPTIONS, http: 80, https: 443 })).toContain('tcp dport { 443 } redirect to :443');
    expect(renderRules(OPTIONS)).toContain('dnat ip to 192.0.2.53');
    expect(renderRules({ ...OPTIONS, resolver: undefined })).not.toContain('dnat');
  });

  it('lets the edge and root alone begin something with a container, and only with one that serves', () => {
    const own = chainOf('own');
    expect(own[0]).toMatch(/oifname "sb0123abcd-\*" oifgroup \{ 5502, .* \} meta skuid \{ 0, 1234 \} .*accept$/u);
    expect(own[1]).toBe('oifname "sb0123abcd-*" ct state new counter drop');
  });

  it('refuses the edge at once where the container of an address is gone, and nobody else', () => {
    expect(chainOf('own')[2]).toBe('oifname != "sb*" meta skuid 1234 ip daddr 10.201.0.0-10.201.255.255 meta l4proto tcp counter reject with tcp reset');
  });

  it('lets a container without a way out begin nothing, neither with the machine nor beyond', () => {
    for (const chain of ['machine', 'outward']) {
      const lines = chainOf(chain);
      const closed = lines.findIndex((line) => /^iifgroup \{ 5504, .*\} goto refuse$/u.test(line));
      expect([chain, lines.slice(0, closed).every((line) => !line.startsWith('ct state new') && !/daddr|jump limits/u.test(line))]).toEqual([chain, true]);
    }
  });

  it.each([
    [{ smtp: false }, 0],
    [{ smtp: true }, 5501],
    [{ smtp: true, egress: false }, 5504],
    [{ smtp: false, egress: false, serves: true }, 5506],
    [{ smtp: true, serves: true }, 5503],
  ])('knows by the group of its device what %o may', (wish, group) => {
    expect(groupOf(wish)).toBe(group);
  });

  it('leads published ports to their containers, for the world and for the machine itself, and lets nothing else in', () => {
    const port = { protocol: 'tcp' as const, hostPort: 8000, containerPort: 80 };
    const text = renderRules({
      ...OPTIONS,
      opened: [{ address: '10.1.2.3', resolvers: [], ports: [port, { ...port, protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 53 }] }],
    });
    const lines = text.split('\n').map((line) => line.trim());
    expect(lines.filter((line) => line.endsWith('fib daddr type local tcp dport 8000 dnat ip to 10.1.2.3:80'))).toHaveLength(2);
    expect(lines.filter((line) => line.endsWith('ip daddr 127.0.0.1 udp dport 53 dnat ip to 10.1.2.3:80'))).toHaveLength(2);
    const admitted = lines.filter((line) => line.includes('10.1.2.3') && line.endsWith('accept'));
    expect(admitted).toHaveLength(4);
    for (const line of admitted) expect(line).toContain('dport 80 ct status dnat accept');
    expect(renderRules(OPTIONS)).not.toContain('ct status dnat');
  });

  it.each([
    { address: '::1' },
    { address: '10.0.0.1; flush ruleset' },
    { hostAddress: 'localhost' },
    { hostPort: 0 },
    { containerPort: 70_000 },
    { protocol: 'tcp dport 1-65535' as 'tcp' },
  ])('publishes no text that could be a rule: %o', ({ address = '10.1.2.3', ...wrong }) => {
    const ports = [{ protocol: 'tcp' as const, hostPort: 8000, containerPort: 80, ...wrong }];
    expect(() => renderRules({ ...OPTIONS, opened: [{ address, ports, resolvers: [] }] })).toThrow(RangeError);
  });

  it.each([
    { http: 0 },
    { https: 70_000 },
    { http: 1.5 },
    { resolver: '1.1.1.1; flush ruleset' },
    { resolver: '::1' },
    { six: { ...SIX, near: ['2a00::/64; flush ruleset'] } },
    { six: { ...SIX, prefix: 'eth0' } },
    { names: { table: 'a b', devices: 'sb-' } },
  ])('takes no text that could be a rule: %o', (wrong) => {
    expect(() => renderRules({ ...OPTIONS, ...wrong })).toThrow(RangeError);
  });

  it('knows platforms by eight digits alone', () => {
    for (const name of ['', '0123abcde', '0123ABCD', '"0123abc']) expect(() => networkNames(name)).toThrow(RangeError);
  });
});

function chainOf(name: string, six?: RulesOptions['six'], opened: readonly Opened[] = []): string[] {
  const rules = renderRules({ ...OPTIONS, six, opened });
  const text = new RegExp(`chain ${name} \\{\\n[^\\n]*?\\n?((?:    [^\\n]*\\n)*)  \\}`, 'u').exec(rules)?.[1] ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('type '));
}

function isRefused(address: string): boolean {
  const one = { first: parseIpv4(address) ?? -1, size: 1 };
  return REFUSED.some(([range]) => isWithin(one, parseIpv4Range(range) ?? { first: 0, size: 0 }));
}

function isRefused6(address: string): boolean {
  const one = parseIpv6(address) ?? -1n;
  return REFUSED6.some(([range]) => isInRange6(one, parseIpv6Range(range) ?? { first: -1n, prefix: 128 }));
}
