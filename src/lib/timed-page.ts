import { request } from './node-http.ts';
/** A visit to a site of this machine, timed. */

interface PageAsked {
  /** Default: the front page. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TimedPage {
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
  /** The Server-Timing header. */
  readonly timing: string;
}

/**
 * One page over loopback, from the first byte sent to the last byte read, on a connection of its own.
 * It does not depend on the machine's resolver knowing the host, and is led past the edge's page cache: the site itself is asked.
 */
export function fetchPage(host: string, port: number, { path = '/', headers = {} }: PageAsked = {}): Promise<TimedPage> {
  const began = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<TimedPage>();
  const sent = request(
    { host: '127.0.0.1', port, path, headers: { host: `${host}:${port}`, cookie: 'wordpress_no_cache=1', ...headers }, agent: false },
    (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () =>
        resolve({ ms: performance.now() - began, status: response.statusCode ?? 0, bytes, timing: String(response.headers['server-timing'] ?? '') }),
      );
    },
  );
  sent.on('error', reject);
  sent.end();
  return promise;
}

/** As `fetchPage`, but the page must be there. */
export async function fetchWholePage(host: string, port: number, asked: PageAsked = {}): Promise<TimedPage> {
  const page = await fetchPage(host, port, asked);
  if (page.status !== 200) throw new Error(`${host} answered ${page.status}`);
  return page;
}
