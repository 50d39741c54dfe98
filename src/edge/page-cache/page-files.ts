/** The files of kept pages, as nginx lays them out: one for each page and encoding, in two levels of directories. The edge may remove any of them at any time. */
import { statSync } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DropFromEdge } from './drop-from-edge.ts';
import { pageFile, pageKeys, parsePageKey } from './page-name.ts';
import type { PageKey } from './page-name.ts';

/** Enough for the key, which stands behind nginx's own header. */
const HEAD_BYTES = 4_096;

export interface KeptFile {
  readonly key: PageKey;
  /** The beginning of the file, up to and beyond the key. */
  readonly head: string;
}

export class PageFiles {
  readonly #dir: string;
  readonly #dropFromEdge: DropFromEdge;

  constructor(dir: string, dropFromEdge: DropFromEdge) {
    this.#dir = dir;
    this.#dropFromEdge = dropFromEdge;
  }

  /** Bytes of each file that there is of a page; empty where the page is not kept. */
  async sizesOf(name: string): Promise<number[]> {
    const sizes = await Promise.all(pageKeys(name).map((key) => sizeOf(this.#path(key))));
    return sizes.filter((size) => size !== undefined);
  }

  /** Removes a page in all encodings. False when there was nothing. @param madeBefore Unix time in milliseconds: what was made later stays */
  async remove(name: string, madeBefore = Number.POSITIVE_INFINITY): Promise<boolean> {
    const removed = await Promise.all(
      pageKeys(name).map(async (key) => {
        const isYounger = madeBefore !== Number.POSITIVE_INFINITY && madeAt(await headOf(this.#path(key))) >= madeBefore;
        return !isYounger && this.drop(key);
      }),
    );
    return removed.includes(true);
  }

  /**
   * Removes the file of one key, the edge first: it has it open, and shows it from there for a second if it is not told. False when there was none.
   *
   * @throws when the edge fails; the file is gone all the same
   */
  async drop(key: string): Promise<boolean> {
    const path = this.#path(key);
    if ((await sizeOf(path)) === undefined) return false;
    try {
      await this.#dropFromEdge(key);
    } finally {
      await rm(path, { force: true });
    }
    return true;
  }

  /** Names of a host's pages whose files changed since this time. */
  async namesSince(host: string, since: number): Promise<string[]> {
    const isYoung = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since;
    const files: string[] = [];
    // A directory's own time shows when the last file came into it.
    for (const dir of (await entriesOf(this.#dir)).filter(isYoung)) files.push(...(await entriesOf(dir)).filter(isYoung));
    const keys = await Promise.all(files.map(async (file) => parsePageKey(await headOf(file))));
    return keys.flatMap((key) => (key?.host === host ? [key.name] : []));
  }

  /** Every file that holds a page of ours. */
  async *all(): AsyncGenerator<KeptFile> {
    for (const path of await this.#paths()) {
      const head = await headOf(path);
      const key = parsePageKey(head);
      if (key !== undefined) yield { key, head };
    }
  }

  async removeAll(): Promise<void> {
    for (const path of await this.#paths()) {
      const key = parsePageKey(await headOf(path));
      if (key !== undefined) await this.drop(key.key);
      // Also what holds no page of ours, or another one than its name says.
      await rm(path, { force: true });
    }
  }

  #path(key: string): string {
    return join(this.#dir, pageFile(key));
  }

  async #paths(): Promise<string[]> {
    const entries = await readdir(this.#dir, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile() && /^[0-9a-f]{32}$/u.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  }
}

async function entriesOf(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).map((name) => join(dir, name));
}

function sizeOf(path: string): Promise<number | undefined> {
  return lstat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** Unix time in milliseconds at which a page was made, as the edge keeps it with the page; 0 when it does not say. */
function madeAt(head: string): number {
  return Number(/^X-Subako-At: (\d+\.\d+)/imu.exec(head)?.[1] ?? 0) * 1_000;
}

async function headOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return ''; // the edge removed it meanwhile
  }
}
