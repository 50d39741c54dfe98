/** Follows the edge's access log. Each line tells of a request that went to a container. */
import { open, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Fill } from './page-cache/page-cache.ts';

export interface AccessEvent {
  /** Unix time in milliseconds when the request ended. */
  readonly at: number;
  /** Canonical host. */
  readonly host: string;
  readonly role: Role;
  readonly status: number;
  readonly ms: number;
  /** How the site was woken for it: `thaw`, `template`, `checkpoint`, `boot`; empty when it was awake. */
  readonly woken: string;
  /** Set where the edge asked for a page in order to keep it. */
  readonly fill?: Fill;
}

export interface AccessLogOptions {
  readonly path: string;
  /** Bytes at which the log is renamed and the edge asked to open a new one. */
  readonly maxBytes: number;
  readonly onEvents: (events: readonly AccessEvent[]) => void;
  /** Asks the edge to open its logs anew. */
  readonly reopen: () => void | Promise<void>;
}

const LOOK_EVERY_MS = 500;
const CHUNK = 256 * 1024;

/** Starts at the log's end, so what happened before is not told again; runs until stopped. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #stopping = new AbortController();
  #file: FileHandle | undefined;
  #offset = 0;
  #rest = '';
  #rotating = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#open();
    this.#offset = (await this.#file?.stat())?.size ?? 0;
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#file?.close();
  }

  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // A full disk, perhaps: the next look tries again.
      await this.#look().catch(() => undefined);
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    await this.#readNew();
    await this.#rotateIfLarge();
    await this.#switchIfReplaced();
  }

  async #readNew(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const lines = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      const events = lines.map(parseAccessLine).filter((event) => event !== undefined);
      if (events.length > 0) this.#options.onEvents(events);
    }
  }

  async #rotateIfLarge(): Promise<void> {
    if (this.#offset < this.#options.maxBytes || this.#rotating) return;
    this.#rotating = true; // until the new one is open: the edge takes a moment
    await rename(this.#options.path, `${this.#options.path}.1`);
    await this.#options.reopen();
  }

  /** The old file is read to its end first: the edge may have written to it until the moment it opened the new one. */
  async #switchIfReplaced(): Promise<void> {
    const now = await stat(this.#options.path).catch(() => undefined);
    const before = await this.#file?.stat();
    if (now === undefined || (before !== undefined && now.ino === before.ino)) return;
    await this.#readNew();
    await this.#file?.close();
    await this.#open();
  }

  async #open(): Promise<void> {
    this.#file = await open(this.#options.path, 'r').catch(() => undefined);
    this.#rotating = false;
    this.#offset = 0;
    this.#rest = '';
  }
}

/** Undefined for a line that is not one of ours (a torn one, say). */
export function parseAccessLine(line: string): AccessEvent | undefined {
  try {
    const {
      at,
      host,
      role,
      status,
      seconds,
      woken = '',
      page,
      site,
      kept,
    } = JSON.parse(line) as {
      at: number;
      host: string;
      role: Role;
      status: number;
      seconds: number;
      woken?: string;
      page?: string;
      site?: string;
      kept?: string;
    };
    if (typeof host !== 'string' || !ROLES.includes(role)) return undefined;
    const fill = page === undefined || site === undefined ? {} : { fill: { page, site, kept: Number(kept) > 0 } };
    return { at: Math.round(at * 1000), host, role, status, ms: Math.round(seconds * 1000), woken, ...fill };
  } catch {
    return undefined;
  }
}
