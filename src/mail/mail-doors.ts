/**
 * Mail doors: a socket for each container that may send mail. Only that container can see it, so whoever connects to it is that site.
 * A connection brings one message, which ends where the other side stops writing, and is answered with one line: `ok`, or why not.
 */
import { chmod, chown, mkdir, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PostOffice } from './post-office.ts';

export interface MailDoorsOptions {
  readonly office: PostOffice;
  /** A directory with a short path, on the file system of the sockets. */
  readonly shortDir: string;
}

export interface MailDoor {
  readonly site: string;
  /** Id of the container. */
  readonly instance: string;
  /** Path of the socket, on the host. */
  readonly path: string;
  /** Host uid that may connect. */
  readonly owner: number;
}

/** How long one message may take, and how many one container may bring at once. */
const WITHIN_MS = 60_000;
const AT_ONCE = 4;

export class MailDoors {
  readonly #options: MailDoorsOptions;
  readonly #servers = new Map<string, Server>();

  constructor(options: MailDoorsOptions) {
    this.#options = options;
  }

  /** Opens the door of a container; replaces one that an earlier daemon left. */
  async open({ site, instance, path, owner }: MailDoor): Promise<void> {
    const { shortDir } = this.#options;
    this.close(instance);
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#receive(site, socket));
    server.maxConnections = AT_ONCE;
    this.#servers.set(instance, server);
    await mkdir(shortDir, { recursive: true, mode: 0o700 });
    // A socket's address holds 107 bytes, and its own path may be longer.
    const short = join(shortDir, `mail-${instance}`);
    await rm(short, { force: true });
    server.unref(); // open doors are no reason for a daemon to stay
    server.listen(short);
    await once(server, 'listening');
    await chown(short, owner, owner);
    await chmod(short, 0o600);
    await rename(short, path);
  }

  /** Closes the door of a container; the socket's file goes with the container. Idempotent. */
  close(instance: string): void {
    this.#servers.get(instance)?.close();
    this.#servers.delete(instance);
  }

  #receive(site: string, socket: Socket): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const { office } = this.#options;
    socket.setTimeout(WITHIN_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy()); // it went away; nobody waits for an answer
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // What is too large is read to its end, so that the answer can be heard, and not kept.
      if (bytes <= office.maxSize) chunks.push(chunk);
    });
    socket.on('end', () => {
      void office.post(site, Buffer.concat(chunks), bytes).then((why) => socket.end(why === undefined ? 'ok\n' : `${why}\n`));
    });
  }
}
