/**
 * What is known of the members of segments, a file each, so that a daemon that was started anew knows it too. Below the run directory: it is about
 * what the kernel has, and gone with that.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attachment, HostsFile } from '../networks.ts';
import type { Seat } from './segment-batches.ts';

export interface SegmentMember extends Seat {
  readonly id: string;
  readonly attachment: Attachment;
  readonly hosts: HostsFile;
  /** Whether it has its addresses. One that a crash left without is no member. */
  readonly isSeated: boolean;
}

const SUFFIX = '.json';

export class MemberFiles {
  readonly #dir: string;

  /** @param dir root's alone */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Where the namespace of a segment is, as a file. */
  namespaceOf(networkId: string): string {
    return join(this.#dir, networkId, 'net');
  }

  /** An empty file, for a namespace to be mounted on. */
  async begin(networkId: string): Promise<void> {
    await mkdir(join(this.#dir, networkId), { recursive: true, mode: 0o700 });
    await writeFile(this.namespaceOf(networkId), '', { mode: 0o600 });
  }

  async write(member: SegmentMember): Promise<void> {
    await writeFile(this.#pathOf(member.attachment.network.id, member.id), JSON.stringify(member), { mode: 0o600 });
  }

  async remove(networkId: string, id: string): Promise<void> {
    await rm(this.#pathOf(networkId, id), { force: true });
  }

  /** The namespace is unmounted. */
  async removeAll(networkId: string): Promise<void> {
    await rm(join(this.#dir, networkId), { recursive: true, force: true });
  }

  /** Of all segments. */
  networks(): Promise<string[]> {
    return readdir(this.#dir).catch(() => []);
  }

  /** Without what a crash left half written. */
  async members(networkId: string): Promise<SegmentMember[]> {
    const names = (await readdir(join(this.#dir, networkId))).filter((name) => name.endsWith(SUFFIX));
    const found = await Promise.all(names.map(async (name) => parse(await readFile(join(this.#dir, networkId, name), 'utf8'))));
    return found.filter((member) => member !== undefined);
  }

  #pathOf(networkId: string, id: string): string {
    return join(this.#dir, networkId, `${id}${SUFFIX}`);
  }
}

function parse(text: string): SegmentMember | undefined {
  try {
    return JSON.parse(text) as SegmentMember;
  } catch {
    return undefined;
  }
}
