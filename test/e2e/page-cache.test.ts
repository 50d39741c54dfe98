/** The page cache: visitors get kept pages from a site that sleeps, and never an old one after it changed. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheReply, PurgeReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import { cacheStatus, isHit, KeptPages, madeOf } from '../helpers/kept-pages.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'kept.localhost';
let platform: TestPlatform;
let pages: KeptPages;

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(SITE, '--title', 'Kept pages');
  pages = new KeptPages(platform, SITE);
  await pages.plantPlugin();
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a page that nothing speaks against', () => {
  it('is kept in three encodings, each made once, and answered with its age', async () => {
    const bodies = [];
    for (const [accept, encoding, decode] of [
      ['gzip, deflate, br', 'br', brotliDecompressSync],
      ['gzip', 'gzip', gunzipSync],
      ['identity', undefined, (body: Buffer) => body],
    ] as const) {
      const hit = await pages.untilKept('/', { 'accept-encoding': accept });
      expect(hit.status).toBe(200);
      expect(hit.headers['content-encoding']).toBe(encoding);
      expect(hit.headers.vary).toBe('Accept-Encoding');
      expect(hit.headers.age).toMatch(/^\d+$/u);
      expect(cacheStatus(hit)).toMatch(/^Subako; hit; ttl=3[56]\d\d$/u);
      expect(hit.headers).not.toHaveProperty('x-subako-at');
      bodies.push(decode(hit.body).toString());
    }
    for (const body of bodies) expect(body.trim()).toMatch(/<title>Kept pages<\/title>[^]*<\/html>$/u);
    const again = await pages.untilKept('/', { 'accept-encoding': 'zstd;q=1, br;q=0.5, gzip;q=0' });
    expect(again.headers['content-encoding']).toBe('br');
    expect((await pages.get('/', { 'accept-encoding': 'br;q=0, gzip;q=0' })).headers['content-encoding']).toBeUndefined();
  });

  it('comes from a site that sleeps, and wakes nothing', async () => {
    await pages.untilKept('/');
    await platform.sleep(SITE, 'cold');
    const before = (await platform.row(SITE)).wakes;
    for (let index = 0; index < 10; index += 1) expect(isHit(await pages.get('/'))).toBe(true);
    expect(isHit(await pages.get('/?utm_source=letter&gclid=1'))).toBe(true);
    const head = await pages.get('/', {}, 'HEAD');
    expect([head.status, isHit(head), head.body.length]).toEqual([200, true, 0]);
    expect(await platform.row(SITE)).toMatchObject({ state: 'cold', wakes: before });
    expect(await platform.row(SITE, 'admin')).toMatchObject({ state: 'cold' });
  });

  it('keeps nobody awake', async () => {
    await platform.fetch(SITE, '/');
    await platform.set(SITE, 'freeze=never', 'idle=2s');
    const asleep = await poll(
      async () => {
        expect(isHit(await pages.get('/'))).toBe(true);
        return (await platform.row(SITE)).state === 'cold';
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
    expect(asleep).toBe(true);
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

  it('a page that sets a cookie, says no-store, or depends on more than its address', async () => {
    for (const header of ['Set-Cookie: a=b', 'Cache-Control: no-store', 'Cache-Control: private', 'Vary: User-Agent']) {
      await pages.php(`update_option("test_header", "${header}");`);
      await platform.json('cache', 'purge', SITE);
      const path = `/?n=${header.length}${header.slice(0, 3)}`;
      const made = [await pages.get(path), await pages.get(path)];
      expect([header, made.some(isHit), new Set(made.map(madeOf)).size]).toEqual([header, false, 2]);
    }
    await pages.php('delete_option("test_header");');
  });

  it('anything of a site that is set so', async () => {
    await platform.set(SITE, 'cache=off');
    expect(await platform.json<CacheReply>('cache', 'status', SITE)).toMatchObject({ keep: 'off', pages: 0 });
    for (let index = 0; index < 3; index += 1) expect(isHit(await pages.get('/?off=1'))).toBe(false);
    await platform.set(SITE, 'cache=10m');
    expect(cacheStatus(await pages.untilKept('/'))).toMatch(/ttl=(?:600|5\d\d)$/u);
    await platform.set(SITE, 'cache=on');
  });
});

describe('a change', () => {
  const kept = async (...paths: string[]): Promise<void> => {
    for (const path of paths) await pages.untilKept(path);
  };

  it('of a post drops its page and the lists it is in, in every encoding, and nothing else', async () => {
    const id = (await pages.php('echo wp_insert_post(["post_title" => "First words", "post_name" => "first-words", "post_status" => "publish"]);')).trim();
    const path = (await pages.php(`echo wp_parse_url(get_permalink(${id}), PHP_URL_PATH);`)).trim();
    await kept('/', path, '/sample-page/', '/feed/');
    await pages.untilKept(path, { 'accept-encoding': 'gzip' });
    await pages.php(`wp_update_post(["ID" => ${id}, "post_title" => "Other words"]);`);
    for (const encoding of ['br', 'gzip', 'identity']) expect((await changed(path, encoding)).text).toContain('Other words');
    expect((await changed('/', 'identity')).text).toContain('Other words');
    expect((await changed('/feed/', 'identity')).text).toContain('Other words');
    expect(isHit(await pages.get('/sample-page/'))).toBe(true);
    await kept('/', path);
    await pages.php(`wp_trash_post(${id});`);
    expect((await pages.get(path)).status).toBe(404);
    expect((await changed('/', 'identity')).text).not.toContain('Other words');
  });

  it('by a comment drops the page it stands on', async () => {
    await pages.php('update_option("comment_previously_approved", 0); update_option("comment_moderation", 0);');
    const path = (await pages.php('echo wp_parse_url(get_permalink(1), PHP_URL_PATH);')).trim();
    await kept(path);
    const form = 'comment=What+a+post+indeed&author=Ann&email=ann%40example.org&comment_post_ID=1&comment_parent=0';
    const reply = await platform.fetch(SITE, '/wp-comments-post.php', {
      kept: true,
      method: 'POST',
      body: form,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(reply.status).toBe(302);
    expect((await changed(path, 'identity')).text).toContain('What a post indeed');
  });

  it('of what every page shows drops all', async () => {
    await kept('/', '/sample-page/');
    await pages.php('update_option("blogname", "Another name");');
    expect((await changed('/sample-page/', 'identity')).text).toContain('Another name');
    await kept('/');
    await pages.php('wp_update_nav_menu_object(0, ["menu-name" => "Main"]); do_action("wp_update_nav_menu", 1);');
    expect(isHit(await pages.get('/'))).toBe(false);
    await kept('/');
    await pages.php('do_action("switch_theme");');
    expect(isHit(await pages.get('/'))).toBe(false);
  });

  it('by command: one page, all below, or everything; or only shown', async () => {
    await kept('/', '/sample-page/', '/?page_id=2&x=1');
    expect((await platform.json<CacheReply>('cache', 'status', SITE)).pages).toBeGreaterThanOrEqual(3);
    const purge = (...args: string[]) => platform.json<PurgeReply>('cache', 'purge', SITE, ...args);
    expect(await purge('/sample-page', '--dry-run')).toMatchObject({ dryRun: true, purged: ['/sample-page/'] });
    expect(isHit(await pages.get('/sample-page/'))).toBe(true);
    expect(await purge('/sample-page')).toMatchObject({ purged: ['/sample-page/'] });
    expect(isHit(await pages.get('/sample-page/'))).toBe(false);
    expect(isHit(await pages.get('/'))).toBe(true);
    expect((await purge('/*')).purged).toEqual(expect.arrayContaining(['/', '/?page_id=2&x=1']));
    expect(isHit(await pages.get('/'))).toBe(false);
    expect((await platform.cli(['cache', 'purge', 'nobody.localhost'])).code).toBe(1);
  });

  it('while a page is made keeps it from being kept, held back or sent in parts', async () => {
    const option = (name: string) => `$GLOBALS["wpdb"]->get_var("SELECT option_value FROM wp_options WHERE option_name = '${name}'")`;
    const flush = 'if ("parts" === $_GET["slow"]) { while (ob_get_level()) ob_end_flush(); flush(); }';
    const wait = `error_log("begun " . $_GET["slow"]); while ("yes" !== ${option('test_go')}) usleep(50000);`;
    const hook = `if (isset($_GET["slow"])) { echo "the word is ", ${option('test_word')}; ${flush} ${wait} exit; }`;
    await platform.plant(SITE, 'mu-plugins/slow.php', `<?php add_action("template_redirect", function () { ${hook} });`);
    for (const way of ['whole', 'parts']) {
      const ask = () => pages.get(`/?slow=${way}`, { 'accept-encoding': 'identity' });
      await pages.php('update_option("test_word", "old"); update_option("test_go", "no");');
      const slow = ask();
      const begun = await poll(async () => (await platform.cli(['logs', SITE, '-n', '1000'])).stdout.includes(`begun ${way}`), {
        timeoutMs: 120_000,
        everyMs: 200,
      });
      expect(begun).toBe(true);
      await pages.php('update_option("test_word", "new");');
      await platform.json('cache', 'purge', SITE);
      await pages.php('update_option("test_go", "yes");');
      expect((await slow).text).toContain('the word is old');
      // Sent in parts, it could be kept for the moment until the platform reads the edge's log.
      const word = await poll(async () => /the word is (new)/u.exec((await ask()).text)?.[1], { timeoutMs: way === 'whole' ? 0 : 120_000, everyMs: 100 });
      expect([way, word]).toEqual([way, 'new']);
    }
    await pages.php('unlink(WP_CONTENT_DIR . "/mu-plugins/slow.php");');
  });

  it('survives down and up: kept pages stay, and can be dropped', async () => {
    await kept('/');
    await platform.cli(['down']);
    await platform.up();
    expect(isHit(await pages.get('/'))).toBe(true);
    expect((await platform.row(SITE)).state).toBe('cold');
    expect((await platform.json<PurgeReply>('cache', 'purge', SITE)).purged).toContain('/');
    expect(isHit(await pages.get('/'))).toBe(false);
  });

  /** The first visit after a change: the site was asked. */
  async function changed(path: string, encoding: string) {
    const reply = await pages.get(path, { 'accept-encoding': encoding });
    expect([path, encoding, isHit(reply)]).toEqual([path, encoding, false]);
    return reply;
  }
});

describe('the end of a page’s time', () => {
  /** Makes a page that is old now; the next one will be good for an hour. */
  async function expired(path: string): Promise<string> {
    await pages.php('update_option("test_max_age", 1);');
    const made = madeOf(await untilFilled(path));
    await pages.php('delete_option("test_max_age");');
    await sleep(2_500); // its time is a second
    return made;
  }

  async function untilFilled(path: string) {
    const filled = await poll(
      async () => {
        const reply = await pages.get(path);
        return cacheStatus(reply).includes('stored') ? reply : undefined;
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
    if (filled === undefined) throw new Error(`${path} was not kept`);
    return filled;
  }

  it('is one run of PHP however many ask, and nobody waits for it', async () => {
    const old = await expired('/?stampede=1');
    const replies = await Promise.all(Array.from({ length: 150 }, () => pages.get('/?stampede=1')));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(replies.filter((reply) => madeOf(reply) === old).length).toBeGreaterThan(0);
    const fresh = await poll(async () => [madeOf(await pages.get('/?stampede=1'))].find((made) => made !== old), { timeoutMs: 120_000, everyMs: 100 });
    expect(new Set([...replies.map(madeOf), fresh])).toEqual(new Set([old, fresh]));
  });

  it('of a page that nobody kept yet is one run, too', async () => {
    const replies = await Promise.all(Array.from({ length: 120 }, () => pages.get('/?first=1')));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(madeOf)).size).toBe(1);
    expect(replies.filter((reply) => !isHit(reply)).length).toBe(1);
  });

  it('shows the old page while the site is broken, and a new one when it is mended', async () => {
    const old = await expired('/?broken=1');
    await pages.php('update_option("test_broken", 1);');
    expect((await platform.fetch(SITE, '/?broken=1')).status).toBe(500);
    for (let index = 0; index < 5; index += 1) {
      const reply = await pages.get('/?broken=1');
      expect([reply.status, madeOf(reply)]).toEqual([200, old]);
      expect(cacheStatus(reply)).toMatch(/^Subako; hit; ttl=-\d+$/u);
    }
    await pages.php('delete_option("test_broken");');
    const mended = await poll(async () => madeOf(await pages.get('/?broken=1')) !== old, { timeoutMs: 120_000, everyMs: 200 });
    expect(mended).toBe(true);
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
