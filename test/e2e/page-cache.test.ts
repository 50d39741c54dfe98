/** The page cache: visitors get kept pages from a site that sleeps, and never an old one after it changed. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorityReply, CacheReply, PsRow, PurgeReply, RefreshReply } from '../../src/api/types.ts';
import { ENCODINGS } from '../../src/edge/nginx/page-cache.ts';
import { pageFile, pageKeys } from '../../src/edge/page-cache/page-name.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import { cacheStatus, isHit, KeptPages, madeOf, textOf } from '../helpers/kept-pages.ts';
import { TestPlatform } from '../helpers/platform.ts';
import type { Reply } from '../helpers/reply.ts';
import { fetchHttps } from '../helpers/tls.ts';

const SITE = 'kept.localhost';
const PATIENT = { timeoutMs: 120_000, everyMs: 200 } as const;
let platform: TestPlatform;
let pages: KeptPages;
/** Where the first post of a new site stands. */
let firstPost: string;

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(SITE, '--title', 'Kept pages');
  // It leaves memory in one way only.
  await platform.set(SITE, 'checkpoint=never');
  pages = new KeptPages(platform, SITE);
  firstPost = await pages.plantPlugin(
    'update_option("comment_previously_approved", 0); update_option("comment_moderation", 0); echo wp_parse_url(get_permalink(1), PHP_URL_PATH);',
  );
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

const states = async (): Promise<string[]> => (await platform.api.get<PsRow[]>('/v1/ps')).filter(({ site }) => site === SITE).map(({ state }) => state);

describe('a page that nothing speaks against', () => {
  it('is kept in three encodings, each made once, and answered with its age', async () => {
    for (const [accept, encoding] of [
      ['gzip, deflate, br', 'br'],
      ['gzip', 'gzip'],
      ['identity', undefined],
      ['zstd;q=1, br;q=0.5, gzip;q=0', 'br'],
      ['br;q=0, gzip;q=0', undefined],
    ] as const) {
      const hit = await pages.untilKept('/', { 'accept-encoding': accept });
      expect([accept, hit.status, hit.headers['content-encoding'], hit.headers.vary]).toEqual([accept, 200, encoding, 'Accept-Encoding']);
      expect(hit.headers.age).toMatch(/^\d+$/u);
      expect(cacheStatus(hit)).toMatch(/^Subako; hit; ttl=3[0-6]\d\d$/u);
      expect(hit.headers).not.toHaveProperty('x-subako-at');
      expect(textOf(hit).trim()).toMatch(/<title>Kept pages<\/title>[^]*<\/html>$/u);
    }
  });

  it('grows older, and is good for as much less', async () => {
    const told = (hit: Reply): readonly [age: number, left: number] => [Number(hit.headers.age), Number(cacheStatus(hit).split('ttl=')[1])];
    const [age, left] = told(await pages.untilKept('/'));
    const older = await poll(async () => [told(await pages.get('/'))].find(([later]) => later > age + 1), PATIENT);
    expect(older).toEqual([expect.any(Number), age + left - (older?.[0] ?? 0)]);
  });

  it('comes from a site that sleeps, wakes nothing, and keeps nobody awake', async () => {
    await pages.untilKept('/');
    await platform.fetch(SITE, '/');
    await platform.set(SITE, 'freeze=never', 'idle=1s');
    const asleep = await poll(async () => {
      expect(isHit(await pages.get('/'))).toBe(true);
      return (await states()).every((state) => state === 'cold');
    }, PATIENT);
    expect(asleep).toBe(true);
    const { wakes } = await platform.row(SITE);
    for (const path of ['/', '/?utm_source=letter&gclid=1', '/']) expect(isHit(await pages.get(path))).toBe(true);
    const head = await pages.get('/', {}, 'HEAD');
    expect([head.status, isHit(head), head.body.length]).toEqual([200, true, 0]);
    expect(await states()).not.toContain('running');
    expect((await platform.row(SITE)).wakes).toBe(wakes);
    await platform.set(SITE, 'freeze=1m', 'idle=15m');
  });

  it('says how the wake was only to the one who waited for it', async () => {
    await platform.sleep(SITE, 'cold');
    await platform.json('cache', 'purge', SITE);
    const first = await pages.get('/');
    expect(cacheStatus(first)).toMatch(/^Subako; fwd=miss/u);
    expect(first.headers['server-timing']).toContain('wake;desc="cold"');
    expect((await pages.untilKept('/')).headers['server-timing']).toBeUndefined();
  });
});

describe('a site whose pages depend on the device', () => {
  const PHONE = { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1' };
  const DESKTOP = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
  const code =
    '<?php if (isset($_GET["device"])) add_action("template_redirect", function () { header("Vary: User-Agent"); exit(wp_is_mobile() ? "for phones" : "for desktops"); });';

  it('has one for phones and one for all others, and a purge drops both', async () => {
    await pages.plantPlugin('', { name: 'device.php', code });
    expect(isHit(await pages.get('/?device=0', PHONE)) || isHit(await pages.get('/?device=0', PHONE))).toBe(false);
    await platform.set(SITE, 'cache.vary=device');
    const path = '/?device=1';
    const [phone, desktop] = [await pages.untilKept(path, PHONE), await pages.untilKept(path, DESKTOP)];
    expect([textOf(phone), textOf(desktop)]).toEqual(['for phones', 'for desktops']);
    expect(phone.headers.vary).toMatch(/User-Agent, Sec-CH-UA-Mobile, Accept-Encoding$/u);
    const hinted = await pages.get(path, { ...DESKTOP, 'sec-ch-ua-mobile': '?1' });
    expect([isHit(hinted), madeOf(hinted)]).toEqual([true, madeOf(phone)]);
    const { purged } = await platform.api.post<PurgeReply>(`/v1/sites/${SITE}/cache/purge`, { path });
    expect(purged).toEqual([path]);
    for (const device of [PHONE, DESKTOP]) expect(isHit(await pages.get(path, device))).toBe(false);
    await platform.set(SITE, 'cache.vary=nothing');
    expect(madeOf(await pages.untilKept('/sample-page/', PHONE))).toBe(madeOf(await pages.untilKept('/sample-page/', DESKTOP)));
  });
});

describe('what is not kept', () => {
  it.each([
    ['somebody who is logged in', { path: '/', headers: { cookie: 'wordpress_logged_in_abc=x' }, method: 'GET' }],
    ['a password for a post', { path: '/', headers: { cookie: 'a=1; wp-postpass_abc=x' }, method: 'GET' }],
    ['somebody who commented', { path: '/', headers: { cookie: 'comment_author_abc=x' }, method: 'GET' }],
    ['a cart', { path: '/', headers: { cookie: 'woocommerce_items_in_cart=1' }, method: 'GET' }],
    ['a search', { path: '/?s=hello', headers: {}, method: 'GET' }],
    ['a search in disguise', { path: '/?%73=hello', headers: {}, method: 'GET' }],
    ['a preview', { path: '/?p=1&preview=true', headers: {}, method: 'GET' }],
    ['REST', { path: '/wp-json/', headers: {}, method: 'GET' }],
    ['credentials', { path: '/', headers: { authorization: 'Basic YTpi' }, method: 'GET' }],
    ['a POST', { path: '/', headers: {}, method: 'POST' }],
    ['the login form', { path: '/wp-login.php', headers: {}, method: 'GET' }],
  ])('%s', async (_what, { path, headers, method }) => {
    for (let index = 0; index < 2; index += 1) {
      const reply = await pages.get(path, headers, method);
      expect(cacheStatus(reply)).toBe(`Subako; fwd=${method === 'POST' ? 'method' : 'bypass'}`);
      expect(reply.headers.age).toBeUndefined();
    }
  });

  it.each(['Set-Cookie: a=b', 'Cache-Control: no-store', 'Cache-Control: private', 'Vary: User-Agent'])('what says %s', async (header) => {
    const path = `/?say=${encodeURIComponent(header)}`;
    const made = [await pages.get(path), await pages.get(path)];
    expect([made.some(isHit), new Set(made.map(madeOf)).size]).toEqual([false, 2]);
  });

  it.each([
    [418, 418],
    [420, 420],
    [503, 503],
    // The edge's own, which no client knows.
    [598, 500],
    [599, 500],
  ])('what is answered with %i; and each time it was made once', async (status, seen) => {
    // Each run leaves a letter in the container's scratch space.
    const count = `file_put_contents("/tmp/ran-${status}", "x", FILE_APPEND); echo "run ", strlen(file_get_contents("/tmp/ran-${status}"));`;
    const hook = `if (($_GET["status"] ?? "") === "${status}") { header("HTTP/1.1 ${status} Own"); ${count} exit; }`;
    await pages.plantPlugin('', { name: `status-${status}.php`, code: `<?php add_action("template_redirect", function () { ${hook} });` });
    for (const run of [1, 2, 3]) {
      const reply = await pages.get(`/?status=${status}`);
      expect([reply.status, textOf(reply)]).toEqual([seen, `run ${run}`]);
    }
  });

  it('wakes the site that sleeps again', async () => {
    const path = `/?say=${encodeURIComponent('Cache-Control: no-store')}&asleep=1`;
    await pages.get(path);
    await platform.sleep(SITE, 'cold');
    const reply = await pages.get(path);
    expect([reply.status, cacheStatus(reply)]).toEqual([200, 'Subako; fwd=bypass']);
    expect(reply.headers['server-timing']).toContain('wake;desc="cold"');
  });

  it('anything of a site that is set so', async () => {
    await platform.set(SITE, 'cache=off');
    expect(await platform.json<CacheReply>('cache', 'status', SITE)).toMatchObject({ keep: 'off', pages: 0 });
    for (let index = 0; index < 3; index += 1) expect(isHit(await pages.get('/?off=1'))).toBe(false);
    await platform.set(SITE, 'cache=10m');
    expect(cacheStatus(await pages.untilKept('/'))).toMatch(/ttl=(?:600|[2-5]\d\d)$/u);
    await platform.set(SITE, 'cache=on');
  });
});

describe('a change', () => {
  const kept = async (...paths: string[]): Promise<void> => {
    for (const path of paths) await pages.untilKept(path);
  };

  it('of a post drops its page and the lists it is in, in every encoding, and nothing else', async () => {
    const make = 'wp_insert_post(["post_title" => "First words", "post_status" => "publish"])';
    const [id = '', path = ''] = (await pages.php(`$id = ${make}; echo $id, " ", wp_parse_url(get_permalink($id), PHP_URL_PATH);`)).split(' ');
    await kept('/', path, '/sample-page/', '/feed/');
    await pages.untilKept(path, { 'accept-encoding': 'gzip' });
    await pages.php(`wp_update_post(["ID" => ${id}, "post_title" => "Other words"]);`);
    for (const encoding of ['br', 'gzip', 'identity']) expect(await changed(path, encoding)).toContain('Other words');
    for (const list of ['/', '/feed/']) expect(await changed(list)).toContain('Other words');
    expect(isHit(await pages.get('/sample-page/'))).toBe(true);
    await kept('/', path);
    await pages.php(`wp_trash_post(${id});`);
    expect((await pages.get(path)).status).toBe(404);
    expect(await changed('/')).not.toContain('Other words');
  });

  it('by a comment drops the page it stands on', async () => {
    await kept(firstPost);
    const words = `What a post ${Date.now()}`;
    const body = new URLSearchParams({
      comment: words,
      author: 'Ann',
      email: `ann${Date.now()}@example.org`,
      comment_post_ID: '1',
      comment_parent: '0',
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await platform.fetch(SITE, '/wp-comments-post.php', { kept: true, method: 'POST', body, headers })).status).toBe(302);
    expect(await changed(firstPost)).toContain(words);
  });

  it.each([
    ['the title', 'update_option("blogname", "Another name " . time());'],
    ['a menu', 'do_action("wp_update_nav_menu", 1);'],
    ['the theme', 'do_action("switch_theme");'],
  ])('of %s drops all', async (_what, code) => {
    await kept('/', '/sample-page/');
    await pages.php(code);
    for (const path of ['/', '/sample-page/']) expect([path, isHit(await pages.get(path))]).toEqual([path, false]);
  });

  it('by command: one page, all below, or everything; or only shown', async () => {
    await kept('/', '/sample-page/', '/?page_id=2&x=1');
    const purge = (path: string, dryRun = false) => platform.api.post<PurgeReply>(`/v1/sites/${SITE}/cache/purge`, { path, dryRun });
    expect(await purge('/sample-page', true)).toMatchObject({ dryRun: true, purged: ['/sample-page/'] });
    expect(isHit(await pages.get('/sample-page/'))).toBe(true);
    expect(await platform.json<PurgeReply>('cache', 'purge', SITE, '/sample-page')).toMatchObject({ dryRun: false, purged: ['/sample-page/'] });
    expect(isHit(await pages.get('/sample-page/'))).toBe(false);
    expect(isHit(await pages.get('/'))).toBe(true);
    expect((await purge('/*', true)).purged).toContain('/?page_id=2&x=1');
    // The daemon reads of fills twice a second.
    const told = await poll(async () => (await platform.api.get<CacheReply>(`/v1/sites/${SITE}/cache`)).pages >= 2, PATIENT);
    expect(told).toBe(true);
    expect((await purge('/*')).purged).toEqual(expect.arrayContaining(['/', '/?page_id=2&x=1']));
    expect(isHit(await pages.get('/'))).toBe(false);
    await expect(platform.api.post('/v1/sites/nobody.localhost/cache/purge', {})).rejects.toThrow('no site');
  });

  it('by command has the pages made again where that is asked for, each as it was kept', async () => {
    const paths = ['/', '/sample-page/'];
    await kept(...paths);
    const old = madeOf(await pages.get('/'));
    await poll(async () => (await platform.api.get<CacheReply>(`/v1/sites/${SITE}/cache`)).pages >= 2, PATIENT);
    await platform.sleep(SITE, 'cold');
    const reply = await platform.json<RefreshReply>('cache', 'purge', SITE, '--warm');
    expect(reply.purged).toEqual(expect.arrayContaining(paths));
    expect([reply.asked, reply.warmed]).toEqual([reply.purged.length, reply.purged.length]);
    await platform.sleep(SITE, 'cold');
    for (const path of paths) {
      const hit = await pages.get(path);
      expect([path, isHit(hit), madeOf(hit) === old]).toEqual([path, true, false]);
    }
    expect(await states()).not.toContain('running');
    // Shown alone, nothing is dropped and nothing asked for.
    expect(await platform.json<PurgeReply>('cache', 'purge', SITE, '/', '--warm', '--dry-run')).toMatchObject({ dryRun: true, purged: ['/'] });
    expect(isHit(await pages.get('/'))).toBe(true);
  });

  it('is heard by every worker of the edge, whatever it has open', async () => {
    const everywhere = (path: string) => Promise.all(Array.from({ length: 16 }, () => pages.get(path)));
    const other = '/?other=1';
    const files = pageKeys(`http://${SITE}:${platform.http}${other}`).map((key) => join(platform.state, 'edge', 'scratch', 'pages', pageFile(key)));
    // A file that goes by itself is shown for up to a second. Without that, this test would prove nothing.
    const isOpen = await poll(async () => {
      const old = madeOf(await pages.untilKept(other));
      await everywhere(other);
      for (const file of files) await rm(file, { force: true });
      return madeOf(await pages.get(other)) === old;
    }, PATIENT);
    expect(isOpen).toBe(true);
    for (let round = 0; round < 10; round += 1) {
      const old = madeOf(await pages.untilKept('/'));
      for (const reply of await everywhere('/')) expect(madeOf(reply)).toBe(old);
      expect((await platform.api.post<PurgeReply>(`/v1/sites/${SITE}/cache/purge`, { path: '/', dryRun: false })).purged).toEqual(['/']);
      for (const reply of await everywhere('/')) expect(madeOf(reply)).not.toBe(old);
    }
  });

  it.each(['whole', 'parts'])('while a page is made keeps it from being kept, sent %s', async (way) => {
    const option = (name: string) => `$GLOBALS["wpdb"]->get_var("SELECT option_value FROM wp_options WHERE option_name = '${name}'")`;
    const flush = 'if ("parts" === $_GET["slow"]) { while (ob_get_level()) ob_end_flush(); flush(); }';
    const wait = `error_log("begun " . $_GET["mark"]); while ("yes" !== ${option('test_go')}) usleep(50000);`;
    const hook = `if (isset($_GET["slow"])) { echo "the word is ", ${option('test_word')}, "."; ${flush} ${wait} exit; }`;
    const mark = `m${Date.now()}`;
    const ask = () => pages.get(`/?slow=${way}&mark=${mark}`, { 'accept-encoding': 'identity' });
    const code = `<?php add_action("template_redirect", function () { ${hook} });`;
    await pages.plantPlugin('update_option("test_word", "old"); update_option("test_go", "no");', { name: 'slow.php', code });
    const slow = ask();
    const begun = await poll(async () => (await platform.cli(['logs', SITE, '-n', '1000'])).stdout.includes(`begun ${mark}`), PATIENT);
    expect(begun).toBe(true);
    await pages.php('update_option("test_word", "new"); do_action("subako_purge_all"); Subako_Page_Cache::send(); update_option("test_go", "yes");');
    expect((await slow).text).toContain('the word is old.');
    // Sent in parts, it may be kept for the moment until the platform reads the edge's log.
    const word = await poll(async () => /the word is (new)\./u.exec((await ask()).text)?.[1], way === 'whole' ? { timeoutMs: 0, everyMs: 1 } : PATIENT);
    expect(word).toBe('new');
  });

  it('survives down and up: kept pages stay, and can be dropped', async () => {
    await kept('/');
    await platform.cli(['down']);
    await platform.up();
    expect(isHit(await pages.get('/'))).toBe(true);
    expect(await states()).not.toContain('running');
    expect((await platform.json<PurgeReply>('cache', 'purge', SITE)).purged).toContain('/');
    expect(isHit(await pages.get('/'))).toBe(false);
  });

  /** The page as it is after a change: the site was asked. */
  async function changed(path: string, encoding = 'br'): Promise<string> {
    const reply = await pages.get(path, { 'accept-encoding': encoding });
    expect([path, encoding, isHit(reply)]).toEqual([path, encoding, false]);
    return textOf(reply);
  }
});

describe('a page that many ask for', () => {
  it('for the first time is one run of PHP', async () => {
    const path = `/?first=${Date.now()}`;
    const replies = await Promise.all(Array.from({ length: 120 }, () => pages.get(path)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(madeOf)).size).toBe(1);
    expect(replies.filter((reply) => !isHit(reply)).length).toBe(1);
  });
});

describe('a page that cannot be kept', () => {
  it('is made for each who asks, side by side: nobody waits for another’s', async () => {
    const path = `/?side=${Date.now()}`;
    // Each leaves a mark in the container's scratch space, and ends when there are two: a mark stays, so neither can miss the other.
    const mark = `"/tmp/side-" . (int) $_GET["side"] . "-"`;
    const wait = `if (get_option("test_side")) touch(${mark} . getmypid()); $until = time() + (get_option("test_side") ? 30 : 0); do { $made = count(glob(${mark} . "*")); usleep(20000); } while ($made < 2 && time() < $until);`;
    const hook = `if (isset($_GET["side"])) { header("Cache-Control: no-store"); ${wait} exit("made at once: $made."); }`;
    await pages.plantPlugin('', { name: 'side.php', code: `<?php add_action("template_redirect", function () { ${hook} });` });
    await pages.get(path);
    await pages.php('update_option("test_side", 1);');
    const replies = await Promise.all([pages.get(path), pages.get(path)]);
    for (const reply of replies) expect([cacheStatus(reply), textOf(reply)]).toEqual(['Subako; fwd=bypass', 'made at once: 2.']);
  });
});

describe('a page whose time is over', () => {
  /** Made in these encodings to be good for a second; the next ones will be for an hour. Says which they are, in the order asked for. */
  async function expired(path: string, encodings: readonly string[]): Promise<string[]> {
    await pages.php('update_option("test_max_age", 1); delete_option("test_broken");');
    const first: Reply[] = [];
    for (const encoding of encodings) first.push(await pages.get(path, { 'accept-encoding': encoding }));
    expect(new Set(first.map(cacheStatus))).toEqual(new Set(['Subako; fwd=miss; stored']));
    await pages.php('delete_option("test_max_age");');
    for (const made of first) await untilOld(made);
    return first.map(madeOf);
  }

  async function untilOld(made: Reply): Promise<void> {
    const until = Date.parse(String(made.headers.date)) + 3_000;
    while (Date.now() < until) await sleep(100);
  }

  it('is made anew by one run of PHP for each encoding however many ask, and nobody waits for it', async () => {
    const stampede = `/?stampede=${Date.now()}`;
    const olds = await expired(stampede, ENCODINGS);
    const ask = (encoding: string) => pages.get(stampede, { 'accept-encoding': encoding });
    const clients = Array.from({ length: 500 }, (_, index) => ENCODINGS[index % ENCODINGS.length] ?? 'br');
    const replies = await Promise.all(clients.map(ask));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    for (const [at, encoding] of ENCODINGS.entries()) {
      const old = olds[at] ?? '';
      const made = replies.filter((_, index) => clients[index] === encoding).map(madeOf);
      expect(made).toContain(old);
      const fresh = await poll(async () => [madeOf(await ask(encoding))].find((one) => one !== old), PATIENT);
      expect([encoding, new Set([...made, fresh])]).toEqual([encoding, new Set([old, fresh])]);
    }
  });

  it('is shown while the site is broken, and made anew when it is mended', async () => {
    const broken = `/?broken=${Date.now()}`;
    const [old = ''] = await expired(broken, ['br']);
    await pages.php('update_option("test_broken", 1);');
    expect((await platform.fetch(SITE, broken)).status).toBe(500);
    for (let index = 0; index < 5; index += 1) {
      const reply = await pages.get(broken);
      expect([reply.status, madeOf(reply)]).toEqual([200, old]);
      expect(cacheStatus(reply)).toMatch(/^Subako; hit; ttl=-\d+$/u);
    }
    await pages.php('delete_option("test_broken");');
    expect(await poll(async () => madeOf(await pages.get(broken)) !== old, PATIENT)).toBe(true);
  });
});

describe('what a site says of https and of its names', () => {
  const ALSO = 'also.localhost';
  const cookie = `/?say=${encodeURIComponent('Set-Cookie: a=b')}&https=1`;
  let ca: string;

  beforeAll(async () => {
    ca = (await platform.json<AuthorityReply>('cert', 'ca')).pem;
  });

  const secure = (path: string) => fetchHttps({ port: platform.https, ca, host: SITE, path, headers: { 'accept-encoding': 'br' } });
  const secureHit = () => poll(async () => [await secure('/')].find(isHit), PATIENT);
  const also = (path: string) => platform.fetch(ALSO, path, { kept: true });
  const alsoHit = () => poll(async () => [await also('/')].find(isHit), PATIENT);

  it('holds for kept pages as for any other, and for what could not be kept', async () => {
    await pages.get(cookie);
    expect(cacheStatus(await pages.get(cookie))).toBe('Subako; fwd=bypass');
    await pages.untilKept('/');
    expect((await secureHit())?.headers['strict-transport-security']).toBeUndefined();
    await platform.set(SITE, 'https=redirect', 'hsts=1y');
    for (const path of ['/', cookie, '/', cookie]) {
      const reply = await pages.get(path);
      expect([path, reply.status, reply.headers.location]).toEqual([path, 301, `https://${SITE}:${platform.https}${path}`]);
    }
    expect((await secure('/')).headers['strict-transport-security']).toBe('max-age=31536000');
    expect((await secureHit())?.headers['strict-transport-security']).toBe('max-age=31536000');
    expect((await secure(cookie)).headers['strict-transport-security']).toBe('max-age=31536000');
    await platform.set(SITE, 'https=both', 'hsts=off');
    // At once, though not from what is kept yet.
    expect((await pages.get('/')).status).toBe(200);
    await pages.untilKept('/');
    expect((await secureHit())?.headers['strict-transport-security']).toBeUndefined();
  });

  it('are said with a kept page as with any other: the same headers, each of them once', async () => {
    const names = ['x-content-type-options', 'referrer-policy', 'x-frame-options', 'alt-svc', 'vary'];
    const headersOf = ({ headers }: Reply) => names.map((name) => headers[name]);
    const expected = ['nosniff', 'strict-origin-when-cross-origin', 'SAMEORIGIN', `h3=":${platform.https}"; ma=86400`, 'Accept-Encoding'];
    await secureHit();
    expect(headersOf(await secure('/'))).toEqual(expected);
    const embed = `${firstPost}embed/`;
    for (const reply of [await pages.get(embed), await pages.untilKept(embed)]) expect(reply.headers['x-frame-options']).toBeUndefined();
    const own = `/?say=${encodeURIComponent('X-Frame-Options: DENY')}`;
    for (const reply of [await pages.get(own), await pages.untilKept(own)]) expect(reply.headers['x-frame-options']).toBe('DENY');
  });

  it('is asked for as it was kept when pages are made again', async () => {
    const kept = await secureHit();
    await platform.json('cache', 'purge', SITE, '/', '--warm');
    const again = await secure('/');
    expect([kept === undefined, isHit(again), kept !== undefined && madeOf(again) === madeOf(kept)]).toEqual([false, true, false]);
  });

  it('holds for the pages of a further name: none is shown once it is sent on, or is no name of the site any more', async () => {
    const add = (redirect: boolean) => platform.api.post('/v1/domains', { domain: SITE, name: ALSO, redirect });
    await add(false);
    expect(await alsoHit()).toBeDefined();
    await add(true);
    const sent = await also('/');
    expect([sent.status, sent.headers.location]).toEqual([301, `http://${SITE}:${platform.http}/`]);
    await add(false);
    expect((await also('/')).status).toBe(200);
    expect(await alsoHit()).toBeDefined();
    await platform.api.delete(`/v1/domains/${ALSO}`);
    expect((await also('/')).status).toBe(421);
  });
});

describe('a site that is removed', () => {
  it('leaves no page', async () => {
    await pages.untilKept('/');
    expect(await keptFiles()).not.toBe('');
    expect((await platform.cli(['site', 'rm', SITE])).code).toBe(0);
    expect(await keptFiles()).toBe('');
    expect((await pages.get('/')).status).toBe(421);
  });

  async function keptFiles(): Promise<string> {
    return (await execAny(['grep', '-rlF', SITE, join(platform.state, 'edge', 'scratch', 'pages')])).stdout;
  }
});
