/** Where no container may connect to, whatever name led there. Pure. */
import { formatIpv6, isInRange6, networkOf, parseIpv6Range } from '../../lib/ipv6.ts';
import { parseAddresses6 } from './machine6.ts';

export type Refused = readonly (readonly [range: string, what: string])[];

export const REFUSED: Refused = [
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

/** The Internet's addresses are those of 2000::/3; everything around them, and what in there is no single place of it. */
export const REFUSED6: Refused = [
  ['::/3', 'loopback; IPv4 in other clothes (::ffff:0:0/96, 64:ff9b::/96); nobody’s'],
  ['2001::/23', 'protocol assignments; Teredo; benchmarks'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4: IPv4 in other clothes'],
  ['3fff::/20', 'documentation'],
  ['4000::/2', 'nobody’s; segment routing'],
  ['8000::/1', 'private (fc00::/7), with metadata services; link-local; multicast; nobody’s'],
];

/**
 * The networks that the machine itself is in. IPv6 has no private addresses behind a translation: what IPv4 calls 192.168.0.0/16, is with IPv6 a part of the
 * Internet's addresses, and its neighbours trust one another all the same.
 *
 * @param table text of `/proc/net/if_inet6`
 * @param ours beginning of the names of containers' devices, of whatever platform
 */
export function networksNear(table: string, ours: string): string[] {
  const theirs = parseAddresses6(table).filter(({ device }) => device !== 'lo' && !device.startsWith(ours));
  const near = theirs.flatMap(({ hex, prefix }) => {
    const address = BigInt(`0x${hex}`);
    return isRefused6(address) ? [] : [`${formatIpv6(networkOf(address, prefix))}/${prefix}`];
  });
  return [...new Set(near)].toSorted();
}

function isRefused6(address: bigint): boolean {
  return REFUSED6.some(([range]) => isInRange6(address, parseIpv6Range(range) ?? { first: -1n, prefix: 128 }));
}
