/** The machine's resolver, as containers can reach it. */
import { readFileSync } from 'node:fs';
import { parseIpv4 } from '../../lib/ipv4.ts';

/** systemd's list of the real ones stands behind its own, which listens on loopback alone. */
const LISTS = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** Undefined when the machine has none but on loopback, where no container comes. */
export function hostResolver(lists: readonly string[] = LISTS): string | undefined {
  for (const path of lists) {
    const found = firstResolver(readQuietly(path));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first IPv4 address of a resolv.conf that is not a loopback one. */
export function firstResolver(text: string): string | undefined {
  const addresses = [...text.matchAll(/^nameserver[ \t]+(\S+)/gmu)].map(([, address = '']) => address);
  return addresses.find((address) => parseIpv4(address) !== undefined && !address.startsWith('127.'));
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
