/** The firewall of containers with a network: the whole nftables table, as text for `nft -f -`. Pure. */
import { GATEWAY } from '../../domain/gateway.ts';
import { formatIpv4, parseIpv4 } from '../../lib/ipv4.ts';
import type { Ipv4Range } from '../../lib/ipv4.ts';
import { parseIpv6Range } from '../../lib/ipv6.ts';
import { CLOSED_GROUPS, SERVING_GROUPS, SMTP_GROUPS } from './groups.ts';
import { gateway6 } from './address6.ts';
import type { NetworkNames } from './names.ts';
import { asking, ledTo } from './published-rules.ts';
import type { Led, Opened } from './published-rules.ts';
import { REFUSED, REFUSED6 } from './refused.ts';

export interface RulesOptions {
  readonly names: NetworkNames;
  /** Ports of the edge on this machine: what a site reaches when it asks for its own pages. */
  readonly http: number;
  readonly https: number;
  /** Addresses of containers, and the user id of the edge: from which none of these leaves the machine, though its container is gone. */
  readonly range: Ipv4Range;
  readonly edge: number;
  /** Address of a resolver; undefined: no names are resolved. */
  readonly resolver: string | undefined;
  /** Undefined: no container has IPv6, and what came of it is dropped. */
  readonly six?: Six | undefined;
  /** Containers that something is opened for. */
  readonly opened: readonly Opened[];
}

interface Six {
  /** Four groups of the containers' addresses. */
  readonly prefix: string;
  /** Networks that the machine itself is in (see refused.ts). */
  readonly near: readonly string[];
  /** Devices of the machine that it does not lead from one to another, though it forwards for containers: it did not before. */
  readonly apart: readonly string[];
}

/** Devices of containers, whatever platform of this machine they are of (see names.ts). */
export const OF_ANY_PLATFORM = 'sb';

const SMTP_PORTS: readonly number[] = [25, 465, 587, 2525];

/** Of a name that needs no thought. */
const DEVICE = /^[\w.@-]{1,15}$/u;

const DNS = 'meta l4proto { tcp, udp } th dport 53';

const KINDS = [
  ['', 'ipv4_addr'],
  ['6', 'ipv6_addr'],
] as const;

/** Of each container, with IPv4 and with IPv6: new connections a second, at once, and connections that may be open. */
const NEW_PER_SECOND = 50;
const BURST = 200;
const OPEN_AT_ONCE = 512;

/**
 * Replaces the table in one transaction: there is no moment without it.
 * It looks at addresses, not at names, after every translation: a name that leads to a private address leads nowhere.
 *
 * @throws RangeError for what is not a name, a port or an address
 */
export function renderRules({ names, http, https, range, edge, resolver, six, opened }: RulesOptions): string {
  const { table } = names;
  if (!/^\w+$/u.test(table) || !/^\w+-$/u.test(names.devices)) throw new RangeError(`not a name: ${table}`);
  for (const port of [http, https]) if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  if (resolver !== undefined && parseIpv4(resolver) === undefined) throw new RangeError(`not an address: ${resolver}`);
  for (const one of rangesOf(six)) if (parseIpv6Range(one) === undefined) throw new RangeError(`not a range: ${one}`);
  const ours = `"${names.devices}*"`;
  const door = `ct original ip daddr ${GATEWAY}`;
  const asks = asking(opened);
  const asked = rules([...(resolver === undefined ? [] : [`${door} ${DNS} accept`]), ...asksOf(asks)]);
  const led = opened.flatMap(ledTo);
  const parts = [
    sets(six, asks),
    guard(ours, six),
    doors(ours, { http, https, resolver, six }, led),
    refusals(),
    machine(ours, `${door} tcp dport { ${http}, ${https} }`, asked),
    own(ours, { range, edge }, led),
    beyond(ours, { asked, six }, led),
  ];
  return `table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {\n${parts.join('')}}\n`;
}

function rules(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}\n`).join('');
}

function sets(six: Six | undefined, asks: ReturnType<typeof asking>): string {
  const refused6 = [...REFUSED6.map(([range]) => range), ...(six?.near ?? [])];
  return [
    set('refused', 'ipv4_addr', ['flags interval', elements(REFUSED.map(([range]) => range))]),
    // Networks of the machine may lie in one another.
    set('refused6', 'ipv6_addr', ['flags interval', 'auto-merge', elements(refused6)]),
    ...KINDS.map(([which, type]) => set(`fresh${which}`, type, ['size 65535', 'flags dynamic,timeout', 'timeout 1m'])),
    ...KINDS.map(([which, type]) => set(`open${which}`, type, ['size 65535', 'flags dynamic'])),
    set('asks', 'ipv4_addr . ipv4_addr', [elements(asks.four)]),
    set('asks6', 'ipv6_addr . ipv6_addr', [elements(asks.six)]),
  ].join('');
}

function set(name: string, type: string, more: readonly string[]): string {
  return `  set ${name} {\n${rules([`type ${type}`, ...more].filter((line) => line !== ''))}  }\n`;
}

function elements(all: readonly string[]): string {
  return all.length === 0 ? '' : `elements = { ${all.join(', ')} }`;
}

/** Resolvers of a container's own, whatever address they have, at their port alone. Where it asks from is true: `guard` looks at that. */
function asksOf({ four, six }: ReturnType<typeof asking>): string[] {
  return [...(four.length > 0 ? [`ip saddr . ip daddr @asks ${DNS} accept`] : []), ...(six.length > 0 ? [`ip6 saddr . ip6 daddr @asks6 ${DNS} accept`] : [])];
}

function rangesOf(six: Six | undefined): readonly string[] {
  return six === undefined ? [] : [`${six.prefix}::/64`, ...six.near];
}

/** Only from the address that was given, and never to the machine's own loopback. */
function guard(ours: string, six: Six | undefined): string {
  return `  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname != ${ours} accept
${six === undefined ? '    meta nfproto != ipv4 counter drop\n' : '    ip6 daddr ::1 counter drop\n'}    fib saddr . iif oif 0 counter drop
    ip daddr 127.0.0.0/8 counter drop
  }
`;
}

function doors(ours: string, { http, https, resolver, six }: Pick<RulesOptions, 'http' | 'https' | 'resolver' | 'six'>, led: readonly Led[]): string {
  const at = `iifname ${ours} ip daddr ${GATEWAY}`;
  return `  chain doors {
    type nat hook prerouting priority dstnat; policy accept;
    ${at} tcp dport { ${[...new Set([80, http])].join(', ')} } redirect to :${http}
    ${at} tcp dport { ${[...new Set([443, https])].join(', ')} } redirect to :${https}
${resolver === undefined ? '' : `    ${at} ${DNS} dnat ip to ${resolver}\n`}${rules(led.map(({ translate }) => `iifname != ${ours} ${translate}`))}  }
  chain published {
    type nat hook output priority -100; policy accept;
${rules(led.map(({ translate }) => translate))}  }
  chain translation {
    type nat hook postrouting priority srcnat; policy accept;
    iifname ${ours} oifname != ${ours} masquerade
    oifname ${ours} ip saddr 127.0.0.0/8 masquerade
${six === undefined ? '' : `    oifname ${ours} ip6 saddr ::1 snat ip6 to ${gateway6(six.prefix)}\n`}  }
`;
}

/** At once, so that nobody waits for an answer that will not come; in silence where there are too many. */
function refusals(): string {
  return `  chain refuse {
    meta l4proto tcp counter reject with tcp reset
    counter reject with icmpx admin-prohibited
  }
  chain limits {
    update @fresh { ip saddr limit rate over ${NEW_PER_SECOND}/second burst ${BURST} packets } counter drop
    add @open { ip saddr ct count over ${OPEN_AT_ONCE} } counter drop
    update @fresh6 { ip6 saddr limit rate over ${NEW_PER_SECOND}/second burst ${BURST} packets } counter drop
    add @open6 { ip6 saddr ct count over ${OPEN_AT_ONCE} } counter drop
  }
`;
}

/** To the machine itself, the edge and a resolver alone. */
function machine(ours: string, edge: string, asked: string): string {
  return `  chain machine {
    type filter hook input priority filter - 5; policy accept;
    iifname != ${ours} accept
    ct state established,related accept
    iifgroup ${setOf(CLOSED_GROUPS)} goto refuse
    ct state new jump limits
    ${edge} accept
${asked}    goto refuse
  }
`;
}

/**
 * The machine begins nothing with a container but at a published port, and the edge (and root, who looks whether it is well) with those that serve. What the edge
 * sends to an address whose container is gone is refused at once, on whatever way it would have left.
 */
function own(ours: string, { range, edge }: Pick<RulesOptions, 'range' | 'edge'>, led: readonly Led[]): string {
  const addresses = `${formatIpv4(range.first)}-${formatIpv4(range.first + range.size - 1)}`;
  return `  chain own {
    type filter hook output priority filter - 5; policy accept;
${rules(led.map(({ admit }) => `oifname ${ours} ${admit}`))}    oifname ${ours} oifgroup ${setOf(SERVING_GROUPS)} meta skuid { 0, ${edge} } tcp dport 1-65535 accept
    oifname ${ours} ct state new counter drop
    oifname != "${OF_ANY_PLATFORM}*" meta skuid ${edge} ip daddr ${addresses} meta l4proto tcp counter reject with tcp reset
  }
`;
}

function setOf(groups: readonly number[]): string {
  return `{ ${groups.join(', ')} }`;
}

/** Inward, answers alone: neither a neighbour nor the world begins anything, but at a published port. */
function beyond(ours: string, { asked, six }: { asked: string; six: Six | undefined }, led: readonly Led[]): string {
  const apart = (six?.apart ?? []).filter((device) => DEVICE.test(device)).map((device) => `"${device}"`);
  return `  chain inward {
    ct state established,related accept
${rules(led.map(({ admit }) => `iifname != ${ours} ${admit}`))}    goto refuse
  }
  chain outward {
    ct state established,related accept
    ct state != new counter drop
    iifgroup ${setOf(CLOSED_GROUPS)} goto refuse
    jump limits
${asked}    ct original ip daddr @refused goto refuse
    ip daddr @refused goto refuse
    ct original ip6 daddr @refused6 goto refuse
    ip6 daddr @refused6 goto refuse
    tcp dport { ${SMTP_PORTS.join(', ')} } iifgroup != ${setOf(SMTP_GROUPS)} goto refuse
    tcp flags syn tcp option maxseg size set rt mtu
    meta l4proto tcp accept
    goto refuse
  }
  chain beyond {
    type filter hook forward priority filter - 5; policy accept;
${rules(apart.length === 0 ? [] : [`meta nfproto ipv6 iifname { ${apart.join(', ')} } oifname { ${apart.join(', ')} } counter drop`])}    oifname ${ours} jump inward
    iifname ${ours} jump outward
  }
`;
}

export function renderNoRules({ table }: NetworkNames): string {
  return `table inet ${table}\ndelete table inet ${table}\n`;
}
