/** Connections of a visitor that stay open: WebSockets, and answers that come bit by bit. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TestPlatform } from './platform.ts';

/** A WebSocket, as raw bytes: what a server of a test's own says over it is no frames. */
export async function openSocket(platform: TestPlatform, host: string, path = '/ws'): Promise<Talk> {
  const headers = {
    host: `${host}:${platform.http}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  };
  const asked = request({ host: '127.0.0.1', port: platform.http, path, headers, agent: false }).end();
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  asked.once('upgrade', (_answer, socket) => resolve(socket));
  asked.once('response', (answer) => reject(new Error(`no WebSocket: ${answer.statusCode}`)));
  asked.once('error', reject);
  return new Talk(await promise);
}

export class Talk implements Disposable {
  readonly #socket: Duplex;
  #closed = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('close', () => (this.#closed = true));
    socket.on('error', () => undefined);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What is answered. */
  async say(text: string): Promise<string> {
    const heard = once(this.#socket, 'data') as Promise<[Buffer]>;
    this.#socket.write(text);
    return String((await heard)[0]);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The parts of an answer as they came, each with the time when it did, in milliseconds. */
export async function partsOf(platform: TestPlatform, host: string, path: string): Promise<{ readonly at: number; readonly text: string }[]> {
  const asked = request({ host: '127.0.0.1', port: platform.http, path, headers: { host: `${host}:${platform.http}` }, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const parts: { at: number; text: string }[] = [];
  for await (const part of answer) parts.push({ at: performance.now(), text: String(part) });
  return parts;
}
