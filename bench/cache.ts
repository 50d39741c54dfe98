/** Hits of the page cache, beside nginx with the same compressed bytes as a file, and beside the stock way to cache a page. */
import { chmod, link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { StatusReply } from '../src/api/types.ts';
import { poll } from '../src/lib/deadline.ts';
import { exec, start } from '../src/lib/exec.ts';
import { isHit } from '../test/helpers/kept-pages.ts';
import { markdownTable, median, writeSection } from './report.ts';
import { endStand, NO_POLICY, startStand } from './stand.ts';
import type { Stand } from './stand.ts';

const SITE = 'cache.localhost';
const ROUNDS = 7;
const SECONDS = 4;
const CONNECTIONS = 32;
/** The server has one core, and the one who asks another. */
const SERVER_CORE = '1';
const CLIENT_CORE = '0';
const STATIC_PORT_OFFSET = 1;
const STOCK_PORT_OFFSET = 2;
const TICKS_A_SECOND = 100;
const FASTER = { static: 0.75, stock: 25 } as const;

interface Way {
  readonly name: string;
  readonly encoding: 'br' | 'gzip';
  readonly port: number;
  readonly path: string;
  /** Processes of the server. */
  readonly pids: readonly number[];
}

interface Figures {
  /** By the CPU time that the server took, whatever else the machine did. */
  readonly perCore: number[];
  readonly perSecond: number[];
  readonly p99Ms: number[];
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
  const peer = await startPeer(stand, { bytes, undo });
  const { edge } = await stand.api.get<StatusReply>('/v1/status');
  const ours = await pin(edge.pid ?? 0);
  const ways: Way[] = [
    { name: 'hit', encoding: 'br', port: platform.http, path: '/', pids: ours },
    { name: 'static', encoding: 'br', port: platform.http + STATIC_PORT_OFFSET, path: '/page.html', pids: peer },
    { name: 'hit', encoding: 'gzip', port: platform.http, path: '/', pids: ours },
    { name: 'static', encoding: 'gzip', port: platform.http + STATIC_PORT_OFFSET, path: '/page.html', pids: peer },
    { name: 'stock', encoding: 'gzip', port: platform.http + STOCK_PORT_OFFSET, path: '/', pids: peer },
  ];
  const figures = new Map<Way, Figures>(ways.map((way) => [way, { perCore: [], perSecond: [], p99Ms: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    console.log(`round ${round + 1} of ${rounds}`);
    for (const way of ways) {
      const { perCore, perSecond, p99Ms } = await load(way);
      figures.get(way)?.perCore.push(perCore);
      figures.get(way)?.perSecond.push(perSecond);
      figures.get(way)?.p99Ms.push(p99Ms);
    }
  }
  await writeSection('cache', tell(figures, { whole: whole.length, br: bytes.br.length, gzip: bytes.gzip.length }), { keep: rounds >= ROUNDS });
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

/** One plain nginx of the toolbox with both peers, on ports of its own. */
async function startPeer({ platform }: Stand, { bytes, undo }: { bytes: { br: Buffer; gzip: Buffer }; undo: AsyncDisposableStack }): Promise<number[]> {
  const [toolbox = ''] = await readdir(join(platform.state, 'toolbox'));
  const rootfs = join(platform.state, 'toolbox', toolbox, 'rootfs');
  const dir = join(rootfs, 'tmp', 'bench');
  await mkdir(join(dir, 'html'), { recursive: true });
  for (const path of [join(dir, 'html'), dir]) await chmod(path, 0o755);
  await writeFile(join(dir, 'html', 'page.html'), gunzipSync(bytes.gzip));
  await writeFile(join(dir, 'html', 'page.html.gz'), bytes.gzip);
  await writeFile(join(dir, 'html', 'page.html.br'), bytes.br);
  await link(join(platform.run, 'hosts', SITE, 'public.sock'), join(dir, 'fpm.sock'));
  await writeFile(join(dir, 'nginx.conf'), peerConfig(platform.http));
  const peer = start(['chroot', rootfs, '/usr/sbin/nginx', '-e', 'stderr', '-c', '/tmp/bench/nginx.conf'], { stdio: ['ignore', 'inherit', 'inherit'] });
  undo.defer(async () => {
    const ended = new Promise((resolve) => peer.once('exit', resolve));
    peer.kill('SIGTERM');
    await ended;
  });
  const listens = await poll(() => curlWorks(platform.http + STATIC_PORT_OFFSET), { timeoutMs: 20_000, everyMs: 100 });
  if (listens !== true) throw new Error('the plain nginx does not answer');
  return pin(peer.pid ?? 0);
}

async function curlWorks(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/page.html`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Files as Debian's nginx serves them; and fastcgi_cache with gzip on, as most guides give it. */
function peerConfig(http: number): string {
  const temporary = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/bench/t-${name};`).join(' ');
  const params = ['SCRIPT_FILENAME /srv/wordpress/index.php', 'DOCUMENT_ROOT /srv/wordpress', 'SCRIPT_NAME /index.php', 'REQUEST_URI $request_uri'];
  const more = ['QUERY_STRING $query_string', 'REQUEST_METHOD $request_method', 'SERVER_PROTOCOL $server_protocol', `HTTP_HOST ${SITE}:${http}`];
  return `daemon off; user root; worker_processes auto; pid /tmp/bench/nginx.pid; error_log stderr error;
load_module /usr/lib/nginx/modules/ngx_http_brotli_static_module.so;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types; access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000; ${temporary}
  fastcgi_cache_path /tmp/bench/stock levels=1:2 keys_zone=stock:10m inactive=60m;
  server { listen 127.0.0.1:${http + STATIC_PORT_OFFSET}; root /tmp/bench/html; gzip_static on; brotli_static on; }
  server {
    listen 127.0.0.1:${http + STOCK_PORT_OFFSET}; gzip on; gzip_types text/css application/javascript; fastcgi_buffers 32 16k;
    fastcgi_cache stock; fastcgi_cache_key "$scheme$request_method$host$request_uri"; fastcgi_cache_valid 200 60m;
    location / { fastcgi_pass unix:/tmp/bench/fpm.sock; ${[...params, ...more].map((param) => `fastcgi_param ${param};`).join(' ')} }
  }
}
`;
}

/** A server with all its workers on one core. Those that look after its cache take no part in answering, and one of them ends by itself. */
async function pin(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/u).filter(Boolean).map(Number);
  const titles = await Promise.all(children.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')));
  const workers = children.filter((_, index) => titles[index]?.includes('worker process'));
  for (const worker of workers) await exec(['taskset', '-cp', SERVER_CORE, String(worker)]);
  return workers;
}

async function load({ port, path, encoding, pids }: Way): Promise<{ perCore: number; perSecond: number; p99Ms: number }> {
  const asked = ['-H', `Host: ${SITE}:${port}`, '-H', `Accept-Encoding: ${encoding}`];
  const argv = [
    'taskset',
    '-c',
    CLIENT_CORE,
    'wrk',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    '--timeout',
    '20s',
    '--latency',
    ...asked,
    `http://127.0.0.1:${port}${path}`,
  ];
  const before = await cpuSeconds(pids);
  const { stdout } = await exec(argv, { timeoutMs: 60_000 });
  const seconds = (await cpuSeconds(pids)) - before;
  if (/Non-2xx|Socket errors/u.test(stdout)) throw new Error(`wrong answers:\n${stdout}`);
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/u.exec(stdout) ?? [];
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/u.exec(stdout)?.[1]);
  const requests = Number(/(\d+) requests in/u.exec(stdout)?.[1]);
  return { perCore: requests / seconds, perSecond, p99Ms: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN) };
}

async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')));
  const ticks = stats.map((text) => text.slice(text.lastIndexOf(')') + 2).split(' ')).map((fields) => Number(fields[11]) + Number(fields[12]));
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND;
}

function tell(figures: ReadonlyMap<Way, Figures>, sizes: { whole: number; br: number; gzip: number }): string {
  const of = (name: string, encoding: string): number => {
    const [, found] = [...figures].find(([way]) => way.name === name && way.encoding === encoding) ?? [];
    return median(found?.perCore ?? []);
  };
  const names: Readonly<Record<string, string>> = {
    hit: 'a hit of the page cache',
    static: 'nginx, the same bytes as a file',
    stock: 'nginx, fastcgi_cache and gzip on',
  };
  const rows = [...figures].map(([{ name, encoding }, { perCore, perSecond, p99Ms }]) => [
    names[name] ?? name,
    encoding,
    Math.round(median(perCore)).toLocaleString('en'),
    Math.round(median(perSecond)).toLocaleString('en'),
    `${median(p99Ms).toFixed(2)} ms`,
    name === 'hit' ? '1' : (of('hit', encoding) / median(perCore)).toFixed(2),
  ]);
  return `## Page cache

WordPress's front page, ${sizes.whole.toLocaleString('en')} bytes (br ${sizes.br.toLocaleString('en')}, gzip ${sizes.gzip.toLocaleString('en')}), asked for by wrk over loopback: ${CONNECTIONS} connections, ${SECONDS} s a turn, the ways in turns, medians of ${[...figures.values()][0]?.perSecond.length ?? 0} rounds.
Each server has one core with all its workers, wrk the other one. Requests a second of a core are counted by the CPU time that the server's processes took, so what else the machine does matters little. Asked for: at least ${FASTER.static} of the file and ${FASTER.stock} times stock.

${markdownTable(['way', 'encoding', 'requests a second of a core', 'answered a second', 'p99', 'our hit, over this'], rows)}`;
}
