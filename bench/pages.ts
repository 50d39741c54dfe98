/** Pages that no cache answers, through the edge and through a plain nginx, from the same files and database, in turns. */
import { createHash } from 'node:crypto';
import { FIRST_SITE_RANGE } from '../src/domain/uid-range.ts';
import { poll } from '../src/lib/deadline.ts';
import { fetchPage, fetchWholePage } from '../src/lib/timed-page.ts';
import { PodmanPeer } from './podman.ts';
import { markdownTable, median, percentile, writeSection } from './report.ts';
import { endStand, NO_POLICY, startStand } from './stand.ts';

const SITE = 'pages.localhost';
const ROUNDS = 60;
const WARM_UP_ROUNDS = 10;
const PEER_PORT_OFFSET = 1;
/** Keeps a request out of every page cache. */
const UNCACHED = 'wordpress_no_cache=1';

interface Kind {
  readonly name: string;
  readonly path: string;
  readonly isLoggedIn: boolean;
}

const KINDS: readonly Kind[] = [
  { name: 'front page, nobody logged in', path: '/', isLoggedIn: false },
  { name: 'search, nobody logged in', path: '/?s=hello', isLoggedIn: false },
  { name: 'front page, logged in', path: '/', isLoggedIn: true },
  { name: 'dashboard', path: '/wp-admin/', isLoggedIn: true },
  { name: 'list of posts', path: '/wp-admin/edit.php', isLoggedIn: true },
];

export async function run(rounds = ROUNDS): Promise<void> {
  const ours = await startStand({ ...NO_POLICY });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(ours));
  const site = await ours.platform.createSite(SITE, '--title', 'Bench');
  const peer = await PodmanPeer.create(ours.platform, { id: site.id, uidRange: FIRST_SITE_RANGE });
  undo.defer(() => peer.dispose());
  const { http } = ours.platform;
  const peerPort = http + PEER_PORT_OFFSET;
  await peer.prepare();
  await peer.startNginx(peerPort);
  await peer.run('pages', 'none');
  undo.defer(() => peer.remove('pages'));
  if ((await poll(async () => (await fetchPage(SITE, peerPort)).status === 200, { timeoutMs: 120_000, everyMs: 50 })) !== true) {
    throw new Error('podman gave no page');
  }

  const session = await login(ours.platform.fetch.bind(ours.platform), site.admin);
  const timed = KINDS.map((kind) => ({ kind, ours: [] as number[], plain: [] as number[] }));
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
    for (const { kind, ours: through, plain } of timed) {
      const one = async (port: number): Promise<number> => {
        const cookie = kind.isLoggedIn ? `${UNCACHED}; ${cookiesAt(port, session)}` : UNCACHED;
        return (await fetchWholePage(SITE, port, { path: kind.path, headers: { cookie } })).ms;
      };
      // Whoever comes second finds the database's pages warm: in turns.
      const [first, second] = round % 2 === 0 ? [http, peerPort] : [peerPort, http];
      const [a, b] = [await one(first), await one(second)];
      if (round < WARM_UP_ROUNDS) continue;
      through.push(round % 2 === 0 ? a : b);
      plain.push(round % 2 === 0 ? b : a);
    }
  }

  const rows = timed.map(({ kind, ours: a, plain: b }) => [
    kind.name,
    median(a).toFixed(1),
    percentile(a, 0.99).toFixed(1),
    median(b).toFixed(1),
    percentile(b, 0.99).toFixed(1),
    (median(b) / median(a)).toFixed(2),
  ]);
  const head = ['page', 'Subako, ms', 'p99', 'plain, ms', 'p99', 'plain over Subako (above 1: Subako is quicker)'];
  const text = `## pages

Pages that no cache answers, awake, ${rounds} of each in turns, medians; podman ${await peer.version()} with php-fpm behind a plain nginx, on the same files and database.

${markdownTable(head, rows)}`;
  await writeSection('pages', text, { keep: rounds >= ROUNDS });
}

type Fetch = (host: string, path: string, options: object) => Promise<{ readonly headers: Readonly<Record<string, string | string[] | undefined>> }>;

/** The values of the owner's two cookies, by the beginning of their names. */
async function login(fetch: Fetch, admin: { user: string; password: string }): Promise<Map<string, string>> {
  const body = new URLSearchParams({ log: admin.user, pwd: admin.password, testcookie: '1' }).toString();
  const headers = { cookie: 'wordpress_test_cookie=WP%20Cookie%20check', 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await fetch(SITE, '/wp-login.php', { method: 'POST', headers, body });
  const found = [reply.headers['set-cookie'] ?? []].flat().map((line) => /^(wordpress_logged_in_|wordpress_)[0-9a-f]{32}=([^;]+)/u.exec(line));
  const values = new Map(found.flatMap((match) => (match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const])));
  if (values.size < 2) throw new Error('the owner could not log in');
  return values;
}

/** WordPress names its cookies after its address, and the peer has another port. */
function cookiesAt(port: number, values: ReadonlyMap<string, string>): string {
  const hash = createHash('md5').update(`http://${SITE}:${port}`).digest('hex');
  return [...values].map(([name, value]) => `${name}${hash}=${value}`).join('; ');
}
