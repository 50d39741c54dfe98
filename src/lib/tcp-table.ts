/** What /proc says about connections of TCP. */
import { readFile } from 'node:fs/promises';

/** How many open connections this machine has to each IPv4 address and port, such as `10.0.0.7:80`. */
export async function tcpConnections(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { remote, state } of parseTcpTable(await readFile('/proc/net/tcp', 'utf8'))) {
    if (state !== ESTABLISHED && state !== CONNECTING) continue;
    const place = addressOf(remote);
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

/** Who can reach a port: `all` who have a way there; the container alone, where it listens at a `loopback` address; or `none`. */
export type Reach = 'all' | 'loopback' | 'none';

/** Who can reach a port of this process's network namespace. No connection is made. */
export async function reachOfPort(pid: number, port: number): Promise<Reach> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')));
  return reachIn(tables.join(''), port);
}

/** The same, in the text of the kernel's tables. */
export function reachIn(tables: string, port: number): Reach {
  const listening = parseTcpTable(tables).filter(({ state, local }) => state === LISTENING && portOf(local) === port);
  if (listening.length === 0) return 'none';
  return listening.every(({ local }) => LOOPBACK.test(local)) ? 'loopback' : 'all';
}

interface Line {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
}

const [ESTABLISHED, CONNECTING, LISTENING] = ['01', '02', '0A'];
/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/8 as the kernel writes them: each four bytes the last one first. */
const LOOPBACK = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F):/u;

function parseTcpTable(text: string): Line[] {
  const lines = [...text.matchAll(/^\s*\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]{2}) /gmu)];
  return lines.map(([, local = '', remote = '', state = '']) => ({ local, remote, state }));
}

function portOf(place: string): number {
  return Number.parseInt(place.split(':')[1] ?? '', 16);
}

function addressOf(place: string): string {
  const bytes = (place.split(':')[0]?.match(/../gu) ?? []).map((byte) => Number.parseInt(byte, 16));
  return `${bytes.toReversed().join('.')}:${portOf(place)}`;
}
