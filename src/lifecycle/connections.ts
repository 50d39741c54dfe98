/** Counts connections to instances in the kernel's own tables: those that were accepted, and those that wait in a backlog. */
import { exec } from '../lib/exec.ts';
import { unixConnections } from '../lib/proc.ts';
import { tcpConnections } from '../lib/tcp-table.ts';
import type { Live } from './live.ts';

/** How many connections there are to each `Live.place`. */
export type Connections = ReadonlyMap<string, number>;

export class ConnectionCounter {
  /** Path of the program `ss`. */
  readonly #ss: string;

  constructor({ ss }: { readonly ss: string }) {
    this.#ss = ss;
  }

  /** Reads each table once that one of these instances is listed in. */
  async to(lives: readonly Live[]): Promise<Connections> {
    const kinds = new Set(lives.map((live) => live.kindOfPlace));
    const counts = [unixConnections(), ...(kinds.has('address') ? [tcpConnections()] : []), ...(kinds.has('inode') ? [this.#byInode()] : [])];
    return new Map((await Promise.all(counts)).flatMap((count) => [...count]));
  }

  /** Apps of one image all listen at the same path, and `/proc/net/unix` tells no more of a socket than its path. `ss` also learns the inode. */
  async #byInode(): Promise<Connections> {
    return inodeCounts((await exec([this.#ss, '--no-header', '--unix', '--extended', 'state', 'connected'])).stdout);
  }
}

/** Reads what `ss` prints. */
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
