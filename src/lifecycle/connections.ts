/** Counts the connections to what listens in containers, by the kernel's own tables: those that were accepted, and those that wait for it. */
import { exec } from '../lib/exec.ts';
import { unixConnections } from '../lib/proc.ts';
import { tcpConnections } from '../lib/tcp-table.ts';
import type { Live } from './live.ts';

/** How many connections there are to each place that an instance listens at (see `Live.place`). */
export type Connections = ReadonlyMap<string, number>;

export class ConnectionCounter {
  /** The program. */
  readonly #ss: string;

  constructor({ ss }: { readonly ss: string }) {
    this.#ss = ss;
  }

  /** One count for all of these. */
  async to(lives: readonly Live[]): Promise<Connections> {
    const kinds = new Set(lives.map((live) => live.kindOfPlace));
    const counts = [unixConnections(), ...(kinds.has('address') ? [tcpConnections()] : []), ...(kinds.has('inode') ? [this.#byInode()] : [])];
    return new Map((await Promise.all(counts)).flatMap((count) => [...count]));
  }

  /** Apps of one image listen at one path, and the kernel's text says no more of a socket; what it tells `ss` says which file it is. */
  async #byInode(): Promise<Connections> {
    return inodeCounts((await exec([this.#ss, '--no-header', '--unix', '--extended', 'state', 'connected'])).stdout);
  }
}

/** From the words of `ss`. */
export function inodeCounts(text: string): Connections {
  const counts = new Map<string, number>();
  for (const [, path = '', inode = ''] of text.matchAll(/^u_str\s+\S+\s+\d+\s+\d+\s+(\/\S+)\s.*\sino:(\d+)\s/gmu)) {
    const place = placeOfSocket(path, Number(inode));
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

export function placeOfSocket(path: string, inode: number): string {
  return `${path} ${inode}`;
}
