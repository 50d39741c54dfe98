/** A visitor over https who trusts the platform's own authority, and says what was shown. */
import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { replyTo } from './reply.ts';
import type { Reply } from './reply.ts';

export interface Visit {
  readonly port: number;
  readonly ca: string;
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  /** Host header, where it is not the name of the handshake. */
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function fetchHttps({ port, ca, host, path = '/', method = 'GET', header = host, headers = {} }: Visit): Promise<Reply> {
  const options = { host: '127.0.0.1', port, servername: host, ca, method, path, headers: { host: `${header}:${port}`, ...headers }, agent: false as const };
  return replyTo(request(options), { what: `${host}${path}` });
}

/** An open connection. Rejects with what the server, or our own check of its certificate, said. */
export async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Why no connection came about. */
export function refusal(options: ConnectionOptions): Promise<string> {
  return handshake(options).then(
    (socket) => {
      socket.destroy();
      return 'none: it was taken';
    },
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}
