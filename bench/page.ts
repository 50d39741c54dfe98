/** One page, timed from the first byte sent to the last byte read, on a connection of its own. */
import { request } from 'node:http';

export interface TimedPage {
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
  readonly timing: string;
}

export function fetchPage(host: string, port: number, path = '/'): Promise<TimedPage> {
  const began = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<TimedPage>();
  const sent = request({ host: '127.0.0.1', port, path, headers: { host: `${host}:${port}` }, agent: false }, (response) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    response.on('end', () =>
      resolve({ ms: performance.now() - began, status: response.statusCode ?? 0, bytes, timing: String(response.headers['server-timing'] ?? '') }),
    );
  });
  sent.on('error', reject);
  sent.end();
  return promise;
}

/** As above, but the page must be there. */
export async function fetchWholePage(host: string, port: number): Promise<TimedPage> {
  const page = await fetchPage(host, port);
  if (page.status !== 200) throw new Error(`${host} answered ${page.status}`);
  return page;
}
