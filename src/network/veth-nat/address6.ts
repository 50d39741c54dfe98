/** IPv6 addresses of containers' links: a container has the same place in the platform's /64 that it has in its IPv4 range. Pure. */
import { formatIpv6, parseIpv6 } from '../../lib/ipv6.ts';
import type { Ipv6Range } from '../../lib/ipv6.ts';

/** All links of a platform have the same, as all have the same gateway of IPv4. */
export function gateway6(prefix: string): string {
  return shortest(`${prefix}:ffff::1`);
}

/** @param prefix four groups, such as `fd5c:123:abcd:0` */
export function address6At(prefix: string, place: number): string {
  return shortest(`${prefix}::${Math.floor(place / 65_536).toString(16)}:${(place % 65_536).toString(16)}`);
}

/** What the addresses of a /64 have in common. */
export function prefixOf({ first }: Pick<Ipv6Range, 'first'>): string {
  return (first.toString(16).padStart(32, '0').match(/.{4}/gu) ?? []).slice(0, 4).join(':');
}

/**
 * Of a platform that was told none: in RFC 4193's part that everybody may take from.
 * @param platform eight hexadecimal digits
 */
export function ownPrefix(platform: string): string {
  return `fd5c:${platform.slice(0, 4)}:${platform.slice(4)}:0`;
}

function shortest(text: string): string {
  return formatIpv6(parseIpv6(text) ?? 0n);
}
