/** IPv6 addresses and ranges as numbers. */
import { isIPv6 } from 'node:net';

export interface Ipv6Range {
  readonly first: bigint;
  /** How many bits all its addresses have in common. */
  readonly prefix: number;
}

const BITS = 128;

/** Undefined for what is no address, or one of a single link (`%eth0`). */
export function parseIpv6(text: string): bigint | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = withoutDots(text).split('::');
  const [left, right] = [groups(head), groups(tail ?? '')];
  const between = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...between, ...right].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

/** In the shortest spelling. */
export function formatIpv6(value: bigint): string {
  const text = value.toString(16).padStart(32, '0').match(/.{4}/gu) ?? [];
  return new URL(`http://[${text.join(':')}]`).hostname.slice(1, -1);
}

/** `fd12:3456:789a:1::/64`. Undefined where the address is not the first one of the range. */
export function parseIpv6Range(text: string): Ipv6Range | undefined {
  const [address = '', length = ''] = text.split('/');
  const first = parseIpv6(address);
  if (first === undefined || !/^\d{1,3}$/u.test(length) || Number(length) > BITS) return undefined;
  const prefix = Number(length);
  return networkOf(first, prefix) === first ? { first, prefix } : undefined;
}

/** The first address of the range of that size that holds it. */
export function networkOf(address: bigint, prefix: number): bigint {
  const rest = BigInt(BITS - prefix);
  return (address >> rest) << rest;
}

export function isInRange6(address: bigint, { first, prefix }: Ipv6Range): boolean {
  return networkOf(address, prefix) === first;
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

/** The last four bytes may be written as an IPv4 address. */
function withoutDots(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/u, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}
