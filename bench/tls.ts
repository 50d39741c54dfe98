/** HTTPS beside a plain nginx with the same certificate: new handshakes, and hits of the page cache against the same bytes as a file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import type { AuthorityReply } from '../src/api/types.ts';
import { TLS_PROTOCOLS } from '../src/edge/nginx/tls.ts';
import { poll } from '../src/lib/deadline.ts';
import { exec } from '../src/lib/exec.ts';
import { isHit } from '../test/helpers/kept-pages.ts';
import { fetchHttps } from '../test/helpers/tls.ts';
import { CLIENT, CONNECTIONS, howCounted, inRounds, ourWorkers, PEER_DIR, ROUNDS, SECONDS, startPeer, wrk } from './beside-nginx.ts';
import type { Load, Way } from './beside-nginx.ts';
import { markdownTable, writeSection } from './report.ts';
import { endStand, NO_POLICY, startStand } from './stand.ts';
import type { Stand } from './stand.ts';

/** wrk says in its handshake the name that it resolves, so it must be one that every machine resolves. */
const SITE = 'localhost';
const HANDSHAKES_AT_ONCE = 8;
const ASKED_FOR = 0.9;

interface TlsWay extends Way {
  readonly what: 'handshake' | 'hit';
  readonly whose: 'ours' | 'nginx';
  readonly port: number;
}

export async function run(rounds = ROUNDS): Promise<void> {
  const stand = await startStand(NO_POLICY);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(stand));
  const { platform } = stand;
  await platform.createSite(SITE, '--title', 'TLS');
  const page = await keptPage(stand);
  const plain = platform.http + 1;
  const secure = platform.https + 1;
  const peer = await startPeer(
    stand,
    {
      http: `${TLS_PROTOCOLS}
  server { listen 127.0.0.1:${plain}; root ${PEER_DIR}/html; }
  server {
    listen ${secure} ssl; server_name ${SITE};
    ssl_certificate ${PEER_DIR}/pair.pem; ssl_certificate_key ${PEER_DIR}/pair.pem;
    root ${PEER_DIR}/html; index page.html; brotli_static on;
  }`,
      modules: ['ngx_http_brotli_static_module'],
      files: {
        'pair.pem': await readFile(join(platform.state, 'certs', SITE, 'pair.pem')),
        'html/page.html': brotliDecompressSync(page),
        'html/page.html.br': page,
      },
      port: plain,
    },
    undo,
  );
  const ours = { whose: 'ours', port: platform.https, pids: await ourWorkers(stand) } as const;
  const theirs = { whose: 'nginx', port: secure, pids: peer } as const;
  const ways: TlsWay[] = (['handshake', 'hit'] as const).flatMap((what) => [
    { what, ...ours },
    { what, ...theirs },
  ]);
  const figures = await inRounds(ways, rounds, ({ what, port }) => (what === 'handshake' ? handshakes(port) : hits(port)));
  await writeSection('tls', tell(figures, { br: page.length, rounds }), { keep: rounds >= ROUNDS });
}

/** The front page as it is kept for visitors over https. */
async function keptPage({ platform, api }: Stand): Promise<Buffer> {
  const { pem: ca } = await api.get<AuthorityReply>('/v1/certificate-authority');
  const visit = { port: platform.https, ca, host: SITE, headers: { 'accept-encoding': 'br' } };
  const found = await poll(
    async () => {
      const reply = await fetchHttps(visit);
      return isHit(reply) ? reply.body : undefined;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  if (found === undefined) throw new Error('the front page is not kept');
  return found;
}

async function handshakes(port: number): Promise<Load> {
  const client = fileURLToPath(new URL('handshakes.ts', import.meta.url));
  const { stdout } = await exec([...CLIENT, process.execPath, client, String(port), SITE, String(SECONDS), String(HANDSHAKES_AT_ONCE)], { timeoutMs: 60_000 });
  return JSON.parse(stdout) as Load;
}

function hits(port: number): Promise<Load> {
  return wrk(`https://${SITE}:${port}/`, ['Accept-Encoding: br']);
}

function tell(figures: Awaited<ReturnType<typeof inRounds<TlsWay>>>, { br, rounds }: { br: number; rounds: number }): string {
  const ofUs = (what: string): number => [...figures].find(([way]) => way.what === what && way.whose === 'ours')?.[1].perCore ?? Number.NaN;
  const names = {
    handshake: { ours: 'a new handshake with the edge', nginx: 'nginx, the certificate in its configuration' },
    hit: { ours: 'a hit of the page cache over https', nginx: 'nginx, the same bytes as a file over https' },
  } as const;
  const rows = [...figures].map(([{ what, whose }, { perCore, perSecond, p99Ms }]) => [
    names[what][whose],
    Math.round(perCore).toLocaleString('en'),
    Math.round(perSecond).toLocaleString('en'),
    `${p99Ms.toFixed(2)} ms`,
    whose === 'ours' ? '1' : (ofUs(what) / perCore).toFixed(2),
  ]);
  return `## HTTPS

One certificate (ECDSA, P-256) and the same protocols, curves and session settings on both sides. Handshakes are new ones of TLS 1.3, none resumed, ${HANDSHAKES_AT_ONCE} at once by one Node process; hits are WordPress's front page, ${br.toLocaleString('en')} bytes of br, by wrk over ${CONNECTIONS} connections that stay open, HTTP/1.1.
${howCounted(rounds)} Asked for: at least ${ASKED_FOR} of nginx for both.

${markdownTable(['way', 'a second of a core', 'a second', 'p99', 'ours, over this'], rows)}`;
}
