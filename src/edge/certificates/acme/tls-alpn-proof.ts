/**
 * Proves a name by TLS-ALPN-01 (RFC 8737): a handshake, led here by the edge (src/edge/nginx/handshake-front.ts), is answered with a certificate
 * that says what was asked. Nobody listens unless a name is being proven: what anyone on the Internet may send reaches root's process only then.
 */
import { once } from 'node:events';
import { chmod, chown, rm } from 'node:fs/promises';
import { createSecureContext, createServer } from 'node:tls';
import type { SecureContext, Server } from 'node:tls';
import { KeyedLock } from '../../../lib/keyed-lock.ts';
import { keyPem, makeChallenge, newKey } from '../x509.ts';
import type { Proof, Question } from './proof.ts';

/** The only protocol that is spoken, and all that is said in it is the handshake. */
export const ALPN_PROTOCOL = 'acme-tls/1';
const VALID_MS = 86_400_000;
const HANDSHAKE_WITHIN_MS = 10_000;
/** Authorities look from a handful of places at once. */
const MAX_CONNECTIONS = 64;

export interface TlsAlpnPlace {
  readonly socket: string;
  /** Group that may connect: the edge's. */
  readonly edgeGid: number;
}

export class TlsAlpnProof implements Proof {
  readonly type = 'tls-alpn-01';
  readonly needs = 'port 443';
  readonly #place: TlsAlpnPlace;
  readonly #contexts = new Map<string, SecureContext>();
  readonly #turns = new KeyedLock();
  #server: Server | undefined;

  constructor(place: TlsAlpnPlace) {
    this.#place = place;
  }

  placeOf(name: string): string {
    return `https://${name}/`;
  }

  async answer({ name, keyAuthorization }: Question): Promise<AsyncDisposable> {
    const key = newKey();
    const cert = makeChallenge(name, key, { keyAuthorization, now: Date.now(), validMs: VALID_MS });
    const context = createSecureContext({ key: keyPem(key), cert, minVersion: 'TLSv1.2' });
    await this.#inTurn(async () => {
      this.#server ??= await this.#listen();
      this.#contexts.set(name, context);
    });
    return { [Symbol.asyncDispose]: () => this.#inTurn(() => this.#forget(name)) };
  }

  async #listen(): Promise<Server> {
    const { socket, edgeGid } = this.#place;
    const server = createServer({
      ALPNProtocols: [ALPN_PROTOCOL],
      handshakeTimeout: HANDSHAKE_WITHIN_MS,
      SNICallback: (name, show) => {
        const context = this.#contexts.get(name.toLowerCase());
        if (context === undefined) show(new Error('this name is not being proven'));
        else show(null, context);
      },
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('tlsClientError', () => undefined); // whoever it was gets nothing
    server.on('secureConnection', (connection) => connection.on('error', () => connection.destroy()).end());
    await rm(socket, { force: true });
    server.listen(socket);
    await once(server, 'listening');
    server.on('error', () => undefined); // no descriptor for a connection: that one is lost, and the authority asks again
    await chown(socket, 0, edgeGid);
    await chmod(socket, 0o660);
    return server;
  }

  /** Handshakes under way end by themselves, or at their time limit. */
  async #forget(name: string): Promise<void> {
    this.#contexts.delete(name);
    if (this.#contexts.size > 0) return;
    this.#server?.close();
    this.#server = undefined;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return this.#turns.run('socket', work);
  }
}
