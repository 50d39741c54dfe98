/** A checker as oauth2-proxy is one, that knows people by a plain cookie: `who=mia` may come in, anybody else with one may not. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Checker {
  /** What it was told, the newest last. */
  readonly asked: IncomingHttpHeaders[] = [];
  /** What it answers instead; 0: nothing at all. */
  answer: number | undefined;
  readonly #server = createServer({ maxHeaderSize: 80 * 1024 }, (request, response) => {
    this.asked.push(request.headers);
    const who = /(?:^|;\s*)who=(\w+)/u.exec(request.headers.cookie ?? '')?.[1];
    const status = this.answer ?? (who === undefined ? 401 : who === 'mia' ? 202 : 403);
    if (status !== 0) response.writeHead(status).end('whatever it says');
  });

  /** Its address. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/oauth2/auth`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
