/** What the kernel tells of IPv6 on this machine. */
import { readFileSync } from 'node:fs';

export interface Address6 {
  /** 32 hexadecimal digits. */
  readonly hex: string;
  readonly prefix: number;
  readonly device: string;
}

export interface Route6 {
  readonly isDefault: boolean;
  readonly flags: number;
  readonly device: string;
}

const CONF = '/proc/sys/net/ipv6/conf';
const EVERYWHERE = `${'0'.repeat(32)}/00`;

/** Of every device. Undefined: the kernel has no IPv6. */
export function readAddresses6(): string | undefined {
  return readQuietly('/proc/net/if_inet6');
}

/** @param text of `/proc/net/if_inet6` */
export function parseAddresses6(text: string): Address6[] {
  const rows = rowsOf(text).filter((row) => row.length === 6);
  return rows.map(([hex = '', , prefix = '', , , device = '']) => ({ hex, prefix: Number.parseInt(prefix, 16), device }));
}

export function readRoutes6(): string {
  return readQuietly('/proc/net/ipv6_route') ?? '';
}

/** @param text of `/proc/net/ipv6_route` */
export function parseRoutes6(text: string): Route6[] {
  const rows = rowsOf(text).filter((row) => row.length === 10);
  return rows.map((row) => ({ isDefault: `${row[0]}/${row[1]}` === EVERYWHERE, flags: Number.parseInt(row[8] ?? '', 16), device: row[9] ?? '' }));
}

/** Such as `all/forwarding`. Empty where there is none. */
export function readSetting6(name: string): string {
  return readQuietly(`${CONF}/${name}`)?.trim() ?? '';
}

/** Without lo, and without those that have it for their link alone, as every device has. */
export function devicesWithIpv6(text = readAddresses6() ?? ''): string[] {
  const all = parseAddresses6(text).filter(({ hex, device }) => device !== 'lo' && !hex.startsWith('fe80'));
  return [...new Set(all.map(({ device }) => device))];
}

function rowsOf(text: string): string[][] {
  return text.split('\n').map((line) => line.trim().split(/\s+/u));
}

function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
