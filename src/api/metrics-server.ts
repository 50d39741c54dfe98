/** Figures for Prometheus, at an address of the operator's choice. Nothing else is answered there. */
import { once } from 'node:events';
import { createServer } from '../lib/node-http.ts';
import { SubakoError } from '../domain/errors.ts';

/** @param address HOST:PORT. @throws SubakoError `port_taken` */
export async function startMetricsServer(address: string, text: () => Promise<string>): Promise<AsyncDisposable> {
  const [host = '', port = ''] = address.split(':');
  const server = createServer((request, response) => {
    request.resume();
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    return void text().then(
      (body) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(Number(port), host);
  await once(server, 'listening').catch((error: unknown) => {
    throw new SubakoError('port_taken', `figures cannot be served at ${address}`, { hint: 'choose another `metrics` in the definition file', cause: error });
  });
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
