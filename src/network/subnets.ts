/** Addresses of networks of one's own: which network gets which, and which member has which. */
import { readFileSync } from 'node:fs';
import { SubakoError } from '../domain/errors.ts';
import { formatIpv4, isWithin, parseIpv4, parseIpv4Range } from '../lib/ipv4.ts';
import type { Ipv4Range } from '../lib/ipv4.ts';

/** Of a network: a /24. */
const SIZE = 256;
/** The first is nobody's by custom, where elsewhere a gateway is. */
export const FIRST_PLACE = 2;
export const LAST_PLACE = SIZE - 2;

/**
 * A /24 of the range that no network has and that this machine has no route into.
 * @throws SubakoError `host_unfit` when there is none
 */
export function freeSubnet(range: Ipv4Range, taken: ReadonlySet<string>, routed: readonly Ipv4Range[] = routedRanges()): string {
  for (let offset = 0; offset < range.size; offset += SIZE) {
    const one = { first: range.first + offset, size: SIZE };
    const subnet = `${formatIpv4(one.first)}/24`;
    if (!taken.has(subnet) && !routed.some((other) => isWithin(one, other) || isWithin(other, one))) return subnet;
  }
  throw new SubakoError('host_unfit', 'every network of the range is taken', {
    hint: 'remove some (subako network prune), or set a larger networkRange in the definition file',
  });
}

/**
 * The /64 that belongs to a /24: of a platform's own prefix (RFC 4193), and as its place in the range.
 * @param platform eight hexadecimal digits
 */
export function subnet6Of(platform: string, subnet: string): string {
  const number = Math.floor((parseIpv4Range(subnet)?.first ?? 0) / SIZE) % 65_536;
  return `fd5b:${platform.slice(0, 4)}:${platform.slice(4)}:${number.toString(16)}::/64`;
}

export function addressAt(subnet: string, place: number): string {
  return formatIpv4((parseIpv4(subnet.split('/')[0] ?? '') ?? 0) + place);
}

export function address6At(subnet6: string, place: number): string {
  return `${subnet6.split('/')[0]}${place.toString(16)}`;
}

/** Of this machine, but for the default one; in the kernel's spelling each is hexadecimal, the last byte first. */
function routedRanges(): Ipv4Range[] {
  const rows = readFileSync('/proc/net/route', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));
  return rows
    .filter((row) => row.length > 7)
    .map((row) => ({ first: backwards(row[1] ?? ''), size: 2 ** 32 - backwards(row[7] ?? '') }))
    .filter(({ size }) => size < 2 ** 32);
}

function backwards(hex: string): number {
  return (hex.match(/../gu) ?? []).toReversed().reduce((value, byte) => value * 256 + Number.parseInt(byte, 16), 0);
}
