/** Who listens at a port of this machine. */
import { readFile, readdir, readlink } from 'node:fs/promises';

export interface PortOwner {
  readonly pid: number;
  readonly command: string;
}

type Protocol = 'tcp' | 'udp';

/** States of a socket, as the kernel numbers those of TCP: UDP has none that listens, but one that is bound and takes what comes from anybody. */
const LISTENS: Readonly<Record<Protocol, string>> = { tcp: '0A', udp: '07' };

/** Undefined when nobody listens; pid 0 when somebody does whom we may not see. At whatever address. */
export async function portOwner(port: number, protocol: Protocol): Promise<PortOwner | undefined> {
  const inodes = await listeningInodes(port, protocol);
  if (inodes.size === 0) return undefined;
  for (const name of await readdir('/proc')) {
    if (/^\d+$/u.test(name) && (await holdsSocket(name, inodes))) {
      const command = (await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '?')).trim();
      return { pid: Number(name), command };
    }
  }
  return { pid: 0, command: 'an unknown process' };
}

async function listeningInodes(port: number, protocol: Protocol): Promise<Set<string>> {
  const tables = await Promise.all([protocol, `${protocol}6`].map((table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')));
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = tables.flatMap((table) => table.split('\n').slice(1)).map((row) => row.trim().split(/\s+/u));
  return new Set(rows.filter((row) => row[3] === LISTENS[protocol] && row[1]?.endsWith(`:${wanted}`)).map((row) => `socket:[${row[9]}]`));
}

async function holdsSocket(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of fds) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    if (sockets.has(target)) return true;
  }
  return false;
}
