/** The firewall of containers with a network: the whole nftables table, as text for `nft -f -`. Pure. */
import { GATEWAY } from '../../domain/gateway.ts';
import { formatIpv4, parseIpv4 } from '../../lib/ipv4.ts';
import type { Ipv4Range } from '../../lib/ipv4.ts';
import { CLOSED_GROUPS, SERVING_GROUPS, SMTP_GROUPS } from './groups.ts';
import type { Published } from '../networks.ts';
import type { NetworkNames } from './names.ts';

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
  /** Containers that something of the machine's is led to. */
  readonly published: readonly { readonly address: string; readonly ports: readonly Published[] }[];
}

/** Where no container may connect to, whatever name led there. IPv6 is refused as a whole. */
export const REFUSED: readonly (readonly [range: string, what: string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private; other containers'],
  ['100.64.0.0/10', 'carrier-grade NAT; a metadata service'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local; metadata services'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments; a metadata service'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', '6to4 relays'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarks'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved; broadcast'],
];

/** Devices of containers, whatever platform of this machine they are of (see names.ts). */
const OF_ANY_PLATFORM = 'sb*';

const SMTP_PORTS: readonly number[] = [25, 465, 587, 2525];

/** Of each container: new connections a second, at once, and connections that may be open. */
const NEW_PER_SECOND = 50;
const BURST = 200;
const OPEN_AT_ONCE = 512;

/**
 * Replaces the table in one transaction: there is no moment without it.
 * It looks at addresses, not at names, after every translation: a name that leads to a private address leads nowhere.
 *
 * @throws RangeError for what is not a name, a port or an address
 */
export function renderRules({ names, http, https, range, edge, resolver, published }: RulesOptions): string {
  const { table } = names;
  if (!/^\w+$/u.test(table) || !/^\w+-$/u.test(names.devices)) throw new RangeError(`not a name: ${table}`);
  for (const port of [http, https]) if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  if (resolver !== undefined && parseIpv4(resolver) === undefined) throw new RangeError(`not an address: ${resolver}`);
  const ours = `"${names.devices}*"`;
  const door = `ct original ip daddr ${GATEWAY}`;
  const asked = resolver === undefined ? '' : `    ${door} meta l4proto { tcp, udp } th dport 53 accept\n`;
  const led = published.flatMap(({ address, ports }) => ports.map((port) => leading(address, port)));
  const parts = [
    sets(),
    guard(ours),
    doors(ours, { http, https, resolver }, led),
    refusals(),
    machine(ours, `${door} tcp dport { ${http}, ${https} }`, asked),
    own(ours, { range, edge }, led),
    beyond(ours, asked, led),
  ];
  return `table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {\n${parts.join('')}}\n`;
}

/** A published port: how it is translated, and what then is let in. */
interface Led {
  readonly translate: string;
  readonly admit: string;
}

/** @throws RangeError for what is not an address or a port */
function leading(address: string, { protocol, hostAddress, hostPort, containerPort }: Published): Led {
  for (const one of [address, hostAddress ?? address]) if (parseIpv4(one) === undefined) throw new RangeError(`not an address: ${one}`);
  for (const port of [hostPort, containerPort]) if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  if (protocol !== 'tcp' && protocol !== 'udp') throw new RangeError(`not a protocol: ${String(protocol)}`);
  const at = hostAddress === undefined ? 'fib daddr type local' : `ip daddr ${hostAddress}`;
  return {
    translate: `meta nfproto ipv4 ${at} ${protocol} dport ${hostPort} dnat ip to ${address}:${containerPort}`,
    admit: `ip daddr ${address} ${protocol} dport ${containerPort} ct status dnat accept`,
  };
}

function rules(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}\n`).join('');
}

function sets(): string {
  return `  set refused {
    type ipv4_addr
    flags interval
    elements = { ${REFUSED.map(([range]) => range).join(', ')} }
  }
  set fresh {
    type ipv4_addr
    size 65535
    flags dynamic,timeout
    timeout 1m
  }
  set open {
    type ipv4_addr
    size 65535
    flags dynamic
  }
`;
}

/** Only from the address that was given, and never to the machine's own loopback. */
function guard(ours: string): string {
  return `  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname != ${ours} accept
    meta nfproto != ipv4 counter drop
    fib saddr . iif oif 0 counter drop
    ip daddr 127.0.0.0/8 counter drop
  }
`;
}

function doors(ours: string, { http, https, resolver }: Pick<RulesOptions, 'http' | 'https' | 'resolver'>, led: readonly Led[]): string {
  const at = `iifname ${ours} ip daddr ${GATEWAY}`;
  return `  chain doors {
    type nat hook prerouting priority dstnat; policy accept;
    ${at} tcp dport { ${[...new Set([80, http])].join(', ')} } redirect to :${http}
    ${at} tcp dport { ${[...new Set([443, https])].join(', ')} } redirect to :${https}
${resolver === undefined ? '' : `    ${at} meta l4proto { tcp, udp } th dport 53 dnat ip to ${resolver}\n`}${rules(led.map(({ translate }) => `iifname != ${ours} ${translate}`))}  }
  chain published {
    type nat hook output priority -100; policy accept;
${rules(led.map(({ translate }) => translate))}  }
  chain translation {
    type nat hook postrouting priority srcnat; policy accept;
    iifname ${ours} oifname != ${ours} masquerade
    oifname ${ours} ip saddr 127.0.0.0/8 masquerade
  }
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
    oifname != "${OF_ANY_PLATFORM}" meta skuid ${edge} ip daddr ${addresses} meta l4proto tcp counter reject with tcp reset
  }
`;
}

function setOf(groups: readonly number[]): string {
  return `{ ${groups.join(', ')} }`;
}

/** Inward, answers alone: neither a neighbour nor the world begins anything, but at a published port. */
function beyond(ours: string, asked: string, led: readonly Led[]): string {
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
    tcp dport { ${SMTP_PORTS.join(', ')} } iifgroup != ${setOf(SMTP_GROUPS)} goto refuse
    tcp flags syn tcp option maxseg size set rt mtu
    meta l4proto tcp accept
    goto refuse
  }
  chain beyond {
    type filter hook forward priority filter - 5; policy accept;
    oifname ${ours} jump inward
    iifname ${ours} jump outward
  }
`;
}

export function renderNoRules({ table }: NetworkNames): string {
  return `table inet ${table}\ndelete table inet ${table}\n`;
}
