/** IPv4 addresses and ranges as numbers. */

export interface Ipv4Range {
  readonly first: number;
  /** How many addresses it holds. */
  readonly size: number;
}

/** Undefined for what is not four plain decimal numbers. */
export function parseIpv4(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/u.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part <= 255) ? parts.reduce((value, part) => value * 256 + part, 0) : undefined;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}

/** `10.201.0.0/16`. Undefined where the address is not the first one of the range. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const first = parseIpv4(address);
  if (first === undefined || !/^\d{1,2}$/u.test(prefix) || Number(prefix) > 32) return undefined;
  const size = 2 ** (32 - Number(prefix));
  return first % size === 0 ? { first, size } : undefined;
}

export function isWithin(inner: Ipv4Range, outer: Ipv4Range): boolean {
  return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
}
