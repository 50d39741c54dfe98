/** A site's two containers: what faces the public reads, what the owner uses writes, and each sleeps and wakes on its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply, PsRow } from '../../src/api/types.ts';
import { Visitor } from '../helpers/admin.ts';
import type { Reply } from '../helpers/reply.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'roles.localhost';
let platform: TestPlatform;
let site: CreatedSiteReply;
let cookies: string | undefined;

const WHO = '<?php require "/srv/wordpress/wp-load.php"; echo SUBAKO_ROLE;';
const WRITE = `<?php require "/srv/wordpress/wp-load.php";
  $GLOBALS["wpdb"]->suppress_errors();
  echo json_encode(["role" => SUBAKO_ROLE, "option" => update_option("probe", uniqid()), "file" => @file_put_contents(WP_CONTENT_DIR . "/uploads/probe.txt", "x"), "transient" => set_transient("probe", "x")]);`;

const who = (options: Parameters<TestPlatform['fetch']>[2] = {}, query = '') => platform.fetch(SITE, `/wp-content/plugins/who.php${query}`, options);
const write = async (method: string) => JSON.parse((await platform.fetch(SITE, '/wp-content/plugins/write.php', { method })).text) as unknown;
const statesOf = async () =>
  Object.fromEntries((await platform.api.get<PsRow[]>('/v1/ps')).filter((row) => row.site === SITE).map(({ role, state }) => [role, state]));

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never' });
  site = await platform.createSite(SITE, '--title', 'Two roles');
  await platform.plantPhp(SITE, 'who.php', WHO);
  await platform.plantPhp(SITE, 'write.php', WRITE);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a visitor who only reads', () => {
  it('is answered by the public container, and wakes no other', async () => {
    await platform.sleep(SITE, 'cold');
    expect((await platform.fetch(SITE, '/')).text).toContain('<title>Two roles</title>');
    expect((await who()).text).toBe('public');
    expect(await statesOf()).toEqual({ public: 'running' });
  });

  it('can make it write nothing, and breaks nothing by trying', async () => {
    expect(await write('GET')).toEqual({ role: 'public', option: false, file: false, transient: false });
    const log = await platform.cli(['logs', SITE, '--role', 'public']);
    expect(log.stdout).not.toMatch(/denied/u);
    expect((await platform.fetch(SITE, '/?s=hello')).status).toBe(200);
    expect((await platform.fetch(SITE, '/no-such-page/')).status).toBe(404);
    expect((await platform.fetch(SITE, '/feed/')).headers['content-type']).toContain('application/rss+xml');
    expect((await platform.fetch(SITE, '/wp-json/')).status).toBe(200);
  });
});

describe('what writes', () => {
  it('wakes the admin container, and there it can', async () => {
    await platform.sleep(SITE, 'cold');
    expect(await write('POST')).toEqual({ role: 'admin', option: true, file: 1, transient: true });
    expect(await statesOf()).toEqual({ public: 'cold', admin: 'running' });
    expect((await platform.fetch(SITE, '/wp-content/uploads/probe.txt')).text).toBe('x');
  });

  it.each([
    ['a form', { method: 'POST' }, ''],
    ['somebody who is logged in', { headers: { cookie: 'wordpress_logged_in_abc=admin%7C1' } }, ''],
    ['an application password', { headers: { authorization: 'Basic YTpi' } }, ''],
    ['a cart', { headers: { cookie: 'a=b; woocommerce_items_in_cart=1' } }, ''],
    ['something put into a cart', {}, '?add-to-cart=1'],
  ])('%s is served by it', async (_what, options, query) => {
    expect((await who(options, query)).text).toBe('admin');
  });

  it('is seen by visitors at once: the owner logs in and publishes, a visitor comments', async () => {
    const cookie = await login();
    const page = await platform.fetch(SITE, '/wp-admin/post-new.php', { headers: { cookie } });
    const nonce = /createNonceMiddleware\( "([0-9a-f]+)" \)/u.exec(page.text);
    const posted = await platform.fetch(SITE, '/wp-json/wp/v2/posts', {
      method: 'POST',
      headers: { cookie, 'x-wp-nonce': nonce?.[1] ?? '', 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Fresh honey', content: 'Sweet.', status: 'publish' }),
    });
    expect(posted.status, posted.text.slice(0, 500)).toBe(201);
    const { id, link } = JSON.parse(posted.text) as { id: number; link: string };
    const path = new URL(link).pathname;
    expect((await platform.fetch(SITE, path)).text).toContain('Fresh honey');
    await form('/wp-comments-post.php', { comment: 'Tasty words', author: 'Bee', email: 'bee@example.org', comment_post_ID: String(id) }, cookie);
    expect((await platform.fetch(SITE, path)).text).toContain('Tasty words');
  });
});

describe('wp-admin', () => {
  it('has no editor of plugins and themes', async () => {
    const headers = { cookie: await login() };
    for (const editor of ['plugin-editor.php', 'theme-editor.php']) {
      expect([editor, (await platform.fetch(SITE, `/wp-admin/${editor}`, { headers })).status]).toEqual([editor, 403]);
    }
    expect((await platform.fetch(SITE, '/wp-admin/plugins.php', { headers })).text).toContain('plugin-install.php');
  });
});

describe('each container', () => {
  it('sleeps and wakes on its own, and both when nobody says which', async () => {
    await platform.wake(SITE, 'public');
    await platform.wake(SITE, 'admin');
    expect(await platform.sleep(SITE, 'frozen', 'admin')).toMatchObject({ from: 'running', to: 'frozen' });
    expect(await statesOf()).toEqual({ public: 'running', admin: 'frozen' });
    expect((await who()).text).toBe('public');
    expect(await statesOf()).toEqual({ public: 'running', admin: 'frozen' });
    expect((await who({ method: 'POST' })).text).toBe('admin');
    expect(await statesOf()).toEqual({ public: 'running', admin: 'running' });
    expect(await platform.sleep(SITE, 'cold')).toMatchObject({ from: 'running', to: 'cold' });
    expect(await statesOf()).toEqual({ public: 'cold' });
  });

  it('keeps no checkpoint when it is the one that people log in to', async () => {
    await platform.wake(SITE, 'admin');
    expect(await platform.sleep(SITE, 'checkpointed', 'admin')).toMatchObject({ to: 'cold' });
  });

  it('has limits of its own', async () => {
    await platform.set(SITE, 'memory=200m', 'admin.memory=300m');
    for (const role of ['public', 'admin'] as const) await platform.wake(SITE, role);
    expect((await platform.inside(SITE, ['php8.4', '-r', 'echo "here";'], { role: 'public' })).stdout).toBe('here');
    expect((await platform.inside(SITE, ['sh', '-c', 'echo x > /srv/wordpress/wp-content/uploads/by-exec.txt && echo wrote'])).stdout).toBe('wrote\n');
    const refused = await platform.inside(SITE, ['sh', '-c', 'echo x > /srv/wordpress/wp-content/uploads/by-exec.txt'], { role: 'public' });
    expect(refused.code).not.toBe(0);
  });
});

describe('the doors of the admin container', () => {
  it('open to the addresses that the owner names, and the public one to all', async () => {
    await platform.set(SITE, 'admin.from=192.0.2.0/24');
    expect((await who({ method: 'POST' })).status).toBe(403);
    expect((await platform.fetch(SITE, '/wp-login.php')).status).toBe(403);
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
    await platform.set(SITE, 'admin.from=192.0.2.0/24,127.0.0.0/8');
    expect((await who({ method: 'POST' })).text).toBe('admin');
    await platform.set(SITE, 'admin.from=any');
    expect((await who({ method: 'POST' })).text).toBe('admin');
  });

  it('are shut to XML-RPC unless it is asked for', async () => {
    const call = () =>
      platform.fetch(SITE, '/xmlrpc.php', {
        method: 'POST',
        body: '<?xml version="1.0"?><methodCall><methodName>system.listMethods</methodName></methodCall>',
      });
    expect((await call()).status).toBe(403);
    await platform.set(SITE, 'xmlrpc=yes');
    expect((await call()).text).toContain('<methodResponse>');
    // Many tries of a password in one call are one.
    const value = (text: string): string => `<value><string>${text}</string></value>`;
    const member = (name: string, of: string): string => `<member><name>${name}</name>${of}</member>`;
    const array = (values: string): string => `<value><array><data>${values}</data></array></value>`;
    const attempt = `<value><struct>${member('methodName', value('wp.getUsersBlogs'))}${member('params', array(value('multi') + value('wrong')))}</struct></value>`;
    const body = `<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params><param>${array(attempt.repeat(50))}</param></params></methodCall>`;
    expect((await platform.fetch(SITE, '/xmlrpc.php', { method: 'POST', body })).text.split('faultCode').length).toBe(51);
    expect((await platform.wordpress(SITE, 'echo get_transient(subako_login_key("multi"));')).stdout).toBe('1');
    await platform.set(SITE, 'xmlrpc=no');
    expect((await call()).status).toBe(403);
  });

  it('tell no stranger the names of users', async () => {
    expect((await platform.fetch(SITE, '/?author=1')).status).toBe(404);
    for (const path of ['/wp-json/wp/v2/users', '/wp-json/wp/v2/users/1', '/?rest_route=/wp/v2/users']) {
      expect([path, (await platform.fetch(SITE, path)).status]).toEqual([path, 404]);
    }
    const embed = await platform.fetch(SITE, `/wp-json/oembed/1.0/embed?url=${encodeURIComponent(`http://${SITE}:${platform.http}/sample-page/`)}`);
    expect(JSON.parse(embed.text)).toMatchObject({ title: 'Sample Page' });
    expect(JSON.parse(embed.text)).not.toHaveProperty('author_name');
    expect((await platform.wordpress(SITE, 'echo count(get_users());')).stdout).toBe('1');
    const sitemap = await platform.fetch(SITE, '/wp-sitemap.xml');
    expect([sitemap.text.includes('wp-sitemap-posts-post-1.xml'), sitemap.text.includes('users')]).toEqual([true, false]);
    const wrong = async (log: string) =>
      (await form('/wp-login.php', { log, pwd: 'wrong', testcookie: '1' }, 'wordpress_test_cookie=WP%20Cookie%20check')).text;
    const [known, unknown] = [await wrong(site.admin.user), await wrong('nobody-of-this-name')];
    for (const text of [known, unknown]) expect(text).toContain('The name or the password is wrong.');
  });

  it('count failed logins of an account, and those of an address sooner', async () => {
    const tries = await Promise.all(Array.from({ length: 30 }, () => form('/wp-login.php', { log: 'somebody', pwd: 'wrong' }, '')));
    expect(new Set(tries.map((reply) => reply.status))).toEqual(new Set([200, 429]));
    // Reading is not trying.
    expect((await platform.fetch(SITE, '/wp-login.php')).status).toBe(200);
    // From wherever they come: asked as the edge asks, from many addresses.
    await platform.plantPhp(
      SITE,
      'guess.php',
      '<?php require "/srv/wordpress/wp-load.php"; for ($n = 0; $n < 25; $n++) { $last = wp_authenticate("victim", "wrong")->get_error_code(); if (str_starts_with($last, "subako")) break; } echo $n, " ", $last;',
    );
    expect((await platform.fetch(SITE, '/wp-content/plugins/guess.php', { method: 'POST' })).text).toBe('20 subako_too_many_logins');
  });
});

describe('a site that is set to be open', () => {
  it('has one container for all, from the next request on, and has two again when it is strict', async () => {
    await platform.set(SITE, 'mode=open');
    expect((await who()).text).toBe('admin');
    expect(await write('GET')).toMatchObject({ role: 'admin', option: true });
    await platform.set(SITE, 'mode=strict');
    expect((await who()).text).toBe('public');
  });
});

/** Cookies of the site's owner, who logs in once: tries are counted. */
async function login(): Promise<string> {
  cookies ??= await loggedIn();
  return cookies;
}

async function loggedIn(): Promise<string> {
  const owner = new Visitor(platform, SITE);
  expect(await owner.logIn(site.admin.user, site.admin.password)).toBe(true);
  expect(owner.cookie).toContain('wordpress_logged_in_');
  return owner.cookie;
}

function form(path: string, fields: Readonly<Record<string, string>>, cookie: string): Promise<Reply> {
  const body = new URLSearchParams(fields).toString();
  return platform.fetch(SITE, path, { method: 'POST', headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' }, body });
}
