/** Hits of the page cache, beside nginx with the same compressed bytes as a file, and beside the stock way to cache a page. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { poll } from '../src/lib/deadline.ts';
import { exec } from '../src/lib/exec.ts';
import { isHit } from '../test/helpers/kept-pages.ts';
import { CONNECTIONS, howCounted, inRounds, ourWorkers, PEER_DIR, peerDir, ROUNDS, startPeer, wrk } from './beside-nginx.ts';
import type { Way } from './beside-nginx.ts';
import { markdownTable, writeSection } from './report.ts';
import { endStand, NO_POLICY, startStand } from './stand.ts';
import type { Stand } from './stand.ts';

const SITE = 'cache.localhost';
const STATIC_PORT_OFFSET = 1;
const STOCK_PORT_OFFSET = 2;
const FASTER = { static: 0.75, stock: 25 } as const;

interface CacheWay extends Way {
  readonly name: string;
  readonly encoding: 'br' | 'gzip';
  readonly port: number;
  readonly path: string;
}

export async function run(rounds = ROUNDS): Promise<void> {
  const stand = await startStand(NO_POLICY);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(stand));
  const { platform } = stand;
  await platform.createSite(SITE, '--title', 'Cache');
  const bytes = { br: await keptBody(stand, 'br'), gzip: await keptBody(stand, 'gzip') };
  const whole = gunzipSync(bytes.gzip);
  if (!brotliDecompressSync(bytes.br).equals(whole)) console.log('the two variants were made by two runs of PHP and differ in their nonces');
  await showSocket(join(platform.run, 'hosts', SITE, 'public.sock'), { at: join((await peerDir(stand)).dir, 'fpm.sock'), undo });
  const peer = await startPeer(
    stand,
    {
      http: peerHttp(platform.http),
      modules: ['ngx_http_brotli_static_module'],
      files: { 'html/page.html': whole, 'html/page.html.gz': bytes.gzip, 'html/page.html.br': bytes.br },
      port: platform.http + STATIC_PORT_OFFSET,
    },
    undo,
  );
  const ours = await ourWorkers(stand);
  const ways: CacheWay[] = [
    { name: 'hit', encoding: 'br', port: platform.http, path: '/', pids: ours },
    { name: 'static', encoding: 'br', port: platform.http + STATIC_PORT_OFFSET, path: '/page.html', pids: peer },
    { name: 'hit', encoding: 'gzip', port: platform.http, path: '/', pids: ours },
    { name: 'static', encoding: 'gzip', port: platform.http + STATIC_PORT_OFFSET, path: '/page.html', pids: peer },
    { name: 'two bytes', encoding: 'gzip', port: platform.http + STATIC_PORT_OFFSET, path: '/two-bytes', pids: peer },
    { name: 'stock', encoding: 'gzip', port: platform.http + STOCK_PORT_OFFSET, path: '/', pids: peer },
  ];
  const figures = await inRounds(ways, rounds, ({ port, path, encoding }) =>
    wrk(`http://127.0.0.1:${port}${path}`, [`Host: ${SITE}:${port}`, `Accept-Encoding: ${encoding}`]),
  );
  await writeSection('cache', tell(figures, { whole: whole.length, br: bytes.br.length, gzip: bytes.gzip.length, rounds }), { keep: rounds >= ROUNDS });
}

/** The site's own PHP, for the peer, whose root is another. */
async function showSocket(socket: string, { at, undo }: { at: string; undo: AsyncDisposableStack }): Promise<void> {
  await writeFile(at, '');
  await exec(['mount', '--bind', socket, at]);
  undo.defer(async () => void (await exec(['umount', at])));
}

/** The front page as it is kept: what both servers send. */
async function keptBody({ platform }: Stand, encoding: string): Promise<Buffer> {
  const found = await poll(
    async () => {
      const reply = await platform.fetch(SITE, '/', { kept: true, headers: { 'accept-encoding': encoding } });
      return isHit(reply) ? reply.body : undefined;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  if (found === undefined) throw new Error('the front page is not kept');
  return found;
}

/** Files as Debian's nginx serves them, and the least that it can answer; and fastcgi_cache with gzip on, as most guides give it. */
function peerHttp(http: number): string {
  const params = ['SCRIPT_FILENAME /srv/wordpress/index.php', 'DOCUMENT_ROOT /srv/wordpress', 'SCRIPT_NAME /index.php', 'REQUEST_URI $request_uri'];
  const more = ['QUERY_STRING $query_string', 'REQUEST_METHOD $request_method', 'SERVER_PROTOCOL $server_protocol', `HTTP_HOST ${SITE}:${http}`];
  return `  fastcgi_cache_path ${PEER_DIR}/stock levels=1:2 keys_zone=stock:10m inactive=60m;
  server { listen 127.0.0.1:${http + STATIC_PORT_OFFSET}; root ${PEER_DIR}/html; gzip_static on; brotli_static on; location = /two-bytes { return 200 ok; } }
  server {
    listen 127.0.0.1:${http + STOCK_PORT_OFFSET}; gzip on; gzip_types text/css application/javascript; fastcgi_buffers 32 16k;
    fastcgi_cache stock; fastcgi_cache_key "$scheme$request_method$host$request_uri"; fastcgi_cache_valid 200 60m;
    location / { fastcgi_pass unix:${PEER_DIR}/fpm.sock; ${[...params, ...more].map((param) => `fastcgi_param ${param};`).join(' ')} }
  }`;
}

function tell(figures: Awaited<ReturnType<typeof inRounds<CacheWay>>>, sizes: { whole: number; br: number; gzip: number; rounds: number }): string {
  const hit = (encoding: string): number => [...figures].find(([way]) => way.name === 'hit' && way.encoding === encoding)?.[1].perCore ?? Number.NaN;
  const names: Readonly<Record<string, string>> = {
    hit: 'a hit of the page cache',
    static: 'nginx, the same bytes as a file',
    'two bytes': 'nginx, two bytes from its configuration',
    stock: 'nginx, fastcgi_cache and gzip on',
  };
  const rows = [...figures].map(([{ name, encoding }, { perCore, perSecond, p99Ms }]) => [
    names[name] ?? name,
    encoding,
    Math.round(perCore).toLocaleString('en'),
    Math.round(perSecond).toLocaleString('en'),
    `${p99Ms.toFixed(2)} ms`,
    name === 'hit' ? '1' : (hit(encoding) / perCore).toFixed(2),
  ]);
  return `## Page cache

WordPress's front page, ${sizes.whole.toLocaleString('en')} bytes (br ${sizes.br.toLocaleString('en')}, gzip ${sizes.gzip.toLocaleString('en')}), asked for by wrk over loopback, ${CONNECTIONS} connections.
${howCounted(sizes.rounds)} Asked for: at least ${FASTER.static} of the file and ${FASTER.stock} times stock.

${markdownTable(['way', 'encoding', 'requests a second of a core', 'answered a second', 'p99', 'our hit, over this'], rows)}`;
}
