import { describe, expect, it } from 'vitest';
import { parseIpv4, parseIpv4Range, isWithin } from '../../lib/ipv4.ts';
import { groupOf } from './groups.ts';
import { networkNames } from './names.ts';
import { REFUSED, renderRules } from './render-rules.ts';

const OPTIONS = {
  names: networkNames('0123abcd'),
  http: 8080,
  https: 8443,
  range: { first: 0x0a_c9_00_00, size: 65_536 },
  edge: 1234,
  resolver: '192.0.2.53',
  published: [],
};

describe('the firewall of containers', () => {
  it('refuses every address that is not of the public Internet', () => {
    const places = `10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255
      192.0.0.192 192.168.0.1 198.18.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 0.0.0.0`.split(/\s+/u);
    expect(places.filter((place) => !isRefused(place))).toEqual([]);
    expect(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255'].filter(isRefused)).toEqual([]);
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
      published: [{ address: '10.1.2.3', ports: [port, { ...port, protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 53 }] }],
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
    expect(() => renderRules({ ...OPTIONS, published: [{ address, ports }] })).toThrow(RangeError);
  });

  it.each([
    { http: 0 },
    { https: 70_000 },
    { http: 1.5 },
    { resolver: '1.1.1.1; flush ruleset' },
    { resolver: '::1' },
    { names: { table: 'a b', devices: 'sb-' } },
  ])('takes no text that could be a rule: %o', (wrong) => {
    expect(() => renderRules({ ...OPTIONS, ...wrong })).toThrow(RangeError);
  });

  it('knows platforms by eight digits alone', () => {
    for (const name of ['', '0123abcde', '0123ABCD', '"0123abc']) expect(() => networkNames(name)).toThrow(RangeError);
  });
});

function chainOf(name: string): string[] {
  const text = new RegExp(`chain ${name} \\{\\n[^\\n]*?\\n?((?:    [^\\n]*\\n)*)  \\}`, 'u').exec(renderRules(OPTIONS))?.[1] ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('type '));
}

function isRefused(address: string): boolean {
  const one = { first: parseIpv4(address) ?? -1, size: 1 };
  return REFUSED.some(([range]) => isWithin(one, parseIpv4Range(range) ?? { first: 0, size: 0 }));
}
