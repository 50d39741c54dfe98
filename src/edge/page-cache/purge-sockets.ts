/** Purge sockets: by its own socket, in a directory that only its admin container sees, a site says which of its pages changed. */
import { chmod, chown, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { KeyedLock } from '../../lib/keyed-lock.ts';
import { parsePurgeRequest } from './purge-request.ts';
import type { PurgeRequest } from './purge-request.ts';

export interface PurgeSocketSite {
  readonly id: string;
  readonly host: string;
  /** Host directory that the admin container sees as /etc/subako/site. Root's own. */
  readonly dir: string;
  /** Group id on the host of those who may connect. */
  readonly gid: number;
}

type Purge = (host: string, request: PurgeRequest) => Promise<unknown>;

const NAME = 'cache.sock';
const MOST_BYTES = 512 * 1024;
const PATIENCE_MS = 10_000;
const MOST_CONNECTIONS = 16;

export class PurgeSockets {
  readonly #purge: Purge;
  readonly #sites = new Map<string, AsyncDisposable>();
  /** Closing a socket removes its file by name, which must not happen while the next one is made. */
  readonly #lock = new KeyedLock();

  constructor(purge: Purge) {
    this.#purge = purge;
  }

  /** Idempotent. */
  listen(site: PurgeSocketSite): Promise<void> {
    return this.#lock.run(site.id, async () => {
      if (this.#sites.has(site.id)) return;
      this.#sites.set(site.id, await listenAt(site, (socket) => void answer(socket, (request) => this.#purge(site.host, request))));
    });
  }

  /** Idempotent. */
  close(siteId: string): Promise<void> {
    return this.#lock.run(siteId, async () => {
      await this.#sites.get(siteId)?.[Symbol.asyncDispose]();
      this.#sites.delete(siteId);
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sites.keys()].map((id) => this.close(id)));
  }
}

async function listenAt({ dir, gid }: PurgeSocketSite, onConnection: (socket: Socket) => void): Promise<AsyncDisposable> {
  await rm(join(dir, NAME), { force: true });
  // The path may be longer than a socket's address; by its descriptor the directory has a short one. Open until the end: the socket is removed by that name.
  const handle: FileHandle = await open(dir, 'r');
  const path = `/proc/self/fd/${handle.fd}/${NAME}`;
  const server = createServer(onConnection);
  server.maxConnections = MOST_CONNECTIONS;
  try {
    server.listen(path);
    await once(server, 'listening');
    await chown(path, 0, gid);
    await chmod(path, 0o660);
  } catch (error) {
    server.close();
    await handle.close();
    throw error;
  }
  const end = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await handle.close();
  };
  return { [Symbol.asyncDispose]: end };
}

/** Reads one line with a request, and answers with one line. */
async function answer(socket: Socket, purge: (request: PurgeRequest) => Promise<unknown>): Promise<void> {
  socket.on('error', () => socket.destroy());
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  socket.setEncoding('utf8');
  try {
    const request = parsePurgeRequest(await lineOf(socket));
    if (request === undefined) socket.end('bad\n');
    else {
      await purge(request);
      socket.end('done\n');
    }
  } catch {
    socket.destroy();
  }
}

async function lineOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
    if (text.length > MOST_BYTES) throw new Error('too long');
  }
  throw new Error('ended early');
}
