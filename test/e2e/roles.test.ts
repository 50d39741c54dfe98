/** A site's two containers: what faces the public reads, what the owner uses writes, and each sleeps and wakes on its own. */
import { randomInt } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply, PsRow, SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, execAny } from '../../src/lib/exec.ts';
import { Checker } from '../helpers/checker.ts';
import { Visitor } from '../helpers/admin.ts';
import { replyTo } from '../helpers/reply.ts';
import type { Reply } from '../helpers/reply.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'roles.localhost';
/** What the first user of a new site is called before others. */
const SHOWN = 'Editor';
let platform: TestPlatform;
let site: CreatedSiteReply;
let cookies: string | undefined;

const WHO = '<?php require "/srv/wordpress/wp-load.php"; echo SUBAKO_ROLE;';
const WRITE = `<?php require "/srv/wordpress/wp-load.php";
  $GLOBALS["wpdb"]->suppress_errors();
  echo json_encode(["role" => SUBAKO_ROLE, "option" => update_option("probe", uniqid()), "file" => @file_put_contents(WP_CONTENT_DIR . "/uploads/probe.txt", "x"), "transient" => set_transient("probe", "x")]);`;

/** Tries passwords of these names in turn until it is refused, and says how many it could try. */
const GUESS = `<?php require "/srv/wordpress/wp-load.php";
  for ($n = 0; $n < 25; $n++) { $last = wp_authenticate($_POST["names"][$n % count($_POST["names"])], "wrong")->get_error_code(); if (str_starts_with($last, "subako")) break; }
  echo $n, " ", $last;`;

const who = (options: Parameters<TestPlatform['fetch']>[2] = {}, query = '') => platform.fetch(SITE, `/wp-content/plugins/who.php${query}`, options);
const write = async (method: string) => JSON.parse((await platform.fetch(SITE, '/wp-content/plugins/write.php', { method })).text) as unknown;
const guess = (...names: string[]) => form('/wp-content/plugins/guess.php', Object.fromEntries(names.map((name, index) => [`names[${index}]`, name])), '');
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
  });

  it('tell no stranger by a post, a byline or a feed with which name to log in', async () => {
    expect((await platform.wordpress(SITE, 'echo get_user_by("id", 1)->user_login;')).stdout).toBe(site.admin.user);
    for (const fields of [{ author: '1' }, { 'author[]': '1' }]) expect((await form('/', fields, '')).status).toBe(404);
    const feed = await platform.fetch(SITE, '/feed/');
    expect(feed.text).toContain('<dc:creator><![CDATA[Editor]]></dc:creator>');
    expect((await platform.fetch(SITE, '/author/editor/')).status).toBe(200);
    expect((await platform.fetch(SITE, `/author/${site.admin.user}/`)).status).toBe(404);
  });

  it('answer the same of a name that is a user’s and of one that is nobody’s', async () => {
    const answers = async (name: string) => {
      const wrong = await form('/wp-login.php', { log: name, pwd: 'wrong', testcookie: '1' }, 'wordpress_test_cookie=WP%20Cookie%20check');
      const lost = await form('/wp-login.php?action=lostpassword', { user_login: name }, '');
      const rest = await platform.fetch(SITE, '/wp-json/', { headers: { authorization: `Basic ${Buffer.from(`${name}:wrong`).toString('base64')}` } });
      return [wrong, lost, rest].map(({ status, headers, text }) => ({ status, location: headers.location, text: text.replaceAll(name, 'NAME') }));
    };
    // With an application password, of which there are else none over http; and something that asks who it is before WordPress does, as many plugins do.
    await platform.wordpress(
      SITE,
      `wp_mkdir_p(WP_CONTENT_DIR . "/mu-plugins"); $id = wp_insert_user(["user_login" => "beekeeper", "user_email" => "bees@example.org", "user_pass" => "honey"]);
       WP_Application_Passwords::create_new_application_password($id, ["name" => "hive"]);`,
    );
    await platform.plant(
      SITE,
      'mu-plugins/app-passwords.php',
      '<?php add_filter("wp_is_application_passwords_available", "__return_true"); add_filter("rest_authentication_errors", fn($error) => is_user_logged_in() ? true : $error);',
    );
    const [known, unknown] = [await answers('beekeeper'), await answers('nobody-of-this-name')];
    expect(known.map(({ status }) => status)).toEqual([200, 302, 401]);
    expect(known).toEqual(unknown);
    expect([0, 2].map((at) => known[at]?.text.includes('The name or the password is wrong.'))).toEqual([true, true]);
    expect((await platform.fetch(SITE, '/wp-login.php?checkemail=confirm')).text).toContain('If there is such an account');
    // The form works: it wants a name, and a user's key is made.
    expect((await form('/wp-login.php?action=lostpassword', { user_login: '' }, '')).text).toContain('id="lostpasswordform"');
    expect((await platform.wordpress(SITE, 'echo get_user_by("login", "beekeeper")->user_activation_key === "" ? "none" : "key";')).stdout).toBe('key');
    await platform.wordpress(SITE, 'require ABSPATH . "wp-admin/includes/user.php"; wp_delete_user(get_user_by("login", "beekeeper")->ID);');
  });

  it('tell them where nobody hides them: to whom is logged in, and without what the platform adds', async () => {
    const owner = new Visitor(platform, SITE);
    expect(await owner.logIn(site.admin.user, site.admin.password)).toBe(true);
    const { text: nonce } = await owner.get('/wp-admin/admin-ajax.php?action=rest-nonce');
    const users = await platform.fetch(SITE, '/wp-json/wp/v2/users', { headers: { cookie: owner.cookie, 'x-wp-nonce': nonce } });
    expect([users.status, JSON.parse(users.text)]).toEqual([200, [expect.objectContaining({ slug: SHOWN.toLowerCase() })]]);
    // The page that ?author=1 would lead to.
    expect((await platform.fetch(SITE, `/author/${SHOWN.toLowerCase()}/`)).status).toBe(200);
    const bare = await platform.wordpress(
      SITE,
      `remove_filter("oembed_response_data", "subako_hide_author_in_embed"); remove_filter("wp_sitemaps_add_provider", "subako_hide_users_in_sitemap");
      wp_register_sitemap_provider("users", new WP_Sitemaps_Users());
      echo get_oembed_response_data(get_page_by_path("sample-page"), 600)["author_name"], json_encode(wp_sitemaps_get_server()->index->get_sitemap_list());`,
    );
    expect(bare.stdout).toMatch(new RegExp(`^${SHOWN}.*wp-sitemap-users-1\\.xml`, 'u'));
  });

  it('count failed logins of an account, and those of an address sooner', async () => {
    const tries = await Promise.all(Array.from({ length: 30 }, () => form('/wp-login.php', { log: 'somebody', pwd: 'wrong' }, '')));
    expect(new Set(tries.map((reply) => reply.status))).toEqual(new Set([200, 429]));
    // Reading is not trying.
    expect((await platform.fetch(SITE, '/wp-login.php')).status).toBe(200);
    // From wherever they come: asked as the edge asks, from many addresses.
    await platform.plantPhp(SITE, 'guess.php', GUESS);
    expect((await guess('victim')).text).toBe('20 subako_too_many_logins');
  });

  it('count those of a user together, however the name is spelled, and those of others apart', async () => {
    const user = 'get_user_by("login", "baker")';
    await platform.wordpress(SITE, 'wp_insert_user(["user_login" => "baker", "user_email" => "baker@example.org", "user_pass" => "flour"]);');
    // As the database compares names, these are the same.
    const spellings = ['baker', '\u{ff42}\u{ff41}ker', 'B\u{e1}ker', 'baker@example.org', ' BAKER@example.org'];
    expect((await platform.wordpress(SITE, `echo get_user_by("login", "${spellings[1]}")->ID === ${user}->ID ? "same" : "another";`)).stdout).toBe('same');
    expect((await guess(...spellings)).text).toBe('20 subako_too_many_logins');
    expect((await guess(site.admin.user)).text).toMatch(/^20 /u);
    // Whoever logs in begins anew, whatever name was tried.
    expect(
      (await platform.wordpress(SITE, `do_action("wp_login", "baker", ${user}); echo get_transient(subako_login_key("baker@example.org")) ?: "none";`)).stdout,
    ).toBe('none');
    await platform.wordpress(SITE, `delete_transient(subako_login_key("${site.admin.user}"));`);
  });
});

describe('many addresses of IPv6', () => {
  // Nobody on a test machine has business there; several tests may run at once.
  const block = `fd5b:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}`;
  const [house, other] = [Array.from({ length: 30 }, (_, index) => `${block}:1:${index}::1`), `${block}:2::1`];
  const addresses = (verb: string, flags = '') =>
    exec(['ip', '-batch', '-'], { input: [...house, other].map((one) => `addr ${verb} ${one}/128 dev lo ${flags}\n`).join('') });
  const tryFrom = (localAddress: string) => {
    const headers = { host: `${SITE}:${platform.http}`, 'content-length': 0 };
    const asked = { host: other, port: platform.http, localAddress, family: 6, method: 'POST', path: '/wp-login.php', headers, agent: false };
    return replyTo(request(asked), { what: 'a try' });
  };

  beforeAll(async () => {
    await addresses('add', 'nodad');
  });

  afterAll(async () => {
    await addresses('del');
  });

  it('count as one where they are of one network, and as two where they are of two', async () => {
    expect(new Set((await Promise.all(house.map(tryFrom))).map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect((await tryFrom(other)).status).toBe(200);
  });
});

describe('the doors before wp-admin', () => {
  const basic = (login: string) => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });
  const at = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') => platform.fetch(SITE, path, { method, headers });
  /** What visitors ask goes on, whatever door is shut. */
  async function expectVisitorsServed(): Promise<void> {
    for (const path of ['/', '/wp-json/', '/wp-admin/css/forms.css']) expect([path, (await at(path)).status]).toEqual([path, 200]);
    expect((await at('/wp-admin/admin-ajax.php', {}, 'POST')).text).toBe('0');
    for (const path of ['/wp-admin/admin-post.php', '/wp-comments-post.php']) expect([path, (await at(path, {}, 'POST')).status]).toEqual([path, 200]);
    expect((await who({ method: 'POST' })).text).toBe('admin');
  }

  it('ask for an extra password, of which PHP hears nothing and a hash alone is kept', async () => {
    const password = 'honey, wax and bees';
    await platform.plantPhp(
      SITE,
      'said.php',
      '<?php echo json_encode(array_intersect_key($_SERVER, array_flip(["HTTP_AUTHORIZATION", "PHP_AUTH_USER", "PHP_AUTH_PW"])));',
    );
    expect((await platform.cli(['site', 'admin-password', SITE, 'mia', '--stdin'], `${password}\n`)).code).toBe(0);
    expect((await platform.api.get<SiteReply>(`/v1/sites/${SITE}`)).settings['admin.password']).toBe('mia');
    await platform.sleep(SITE, 'cold');
    for (const path of ['/wp-login.php', '/wp-admin/', '/wp-admin/index.php', '/wp-admin/users.php']) {
      const refused = await at(path);
      expect([path, refused.status, refused.headers['www-authenticate']]).toEqual([path, 401, 'Basic realm="Administration"']);
    }
    expect((await at('/wp-login.php', basic('mia:wrong'))).status).toBe(401);
    expect(await statesOf()).toEqual({ public: 'cold' });
    expect((await at('/wp-login.php', basic(`mia:${password}`))).text).toContain('id="loginform"');
    expect((await at('/wp-admin/', basic(`mia:${password}`))).headers.location).toContain('wp-login.php');
    await expectVisitorsServed();
    expect((await at('/wp-content/plugins/said.php', basic(`mia:${password}`))).text).toBe('[]');
    expect((await at('/wp-content/plugins/said.php', basic('mia:another'))).text).toContain('"PHP_AUTH_PW":"another"');
    const kept = [join(platform.run, 'hosts'), ...['cmdb.sqlite', 'cmdb.sqlite-wal', 'log', 'edge/log'].map((name) => join(platform.state, name))];
    expect((await execAny(['grep', '-rlF', '--', password, ...kept])).stdout).toBe('');
    expect((await execAny(['grep', '-rlF', '--', 'mia:{SSHA}', ...kept])).stdout).toContain('/password\n');
  });

  it('let nobody try that password at will, and are not in the way of who has it', async () => {
    const login = await platform.api.post<{ user: string; password: string }>(`/v1/sites/${SITE}/admin-password`, { user: 'mia' });
    const right = basic(`mia:${login.password}`);
    // However the tries before count: in the end it is let in.
    const isIn = async (): Promise<boolean> => (await at('/wp-login.php', right)).status === 200;
    expect(await poll(isIn, { timeoutMs: 120_000, everyMs: 1_000 })).toBe(true);
    const tries = await Promise.all(Array.from({ length: 60 }, (_, index) => at('/wp-login.php', basic(`mia:${index}`))));
    expect(new Set(tries.map(({ status }) => status))).toContain(429);
    expect(tries.every(({ status }) => status === 401 || status === 429)).toBe(true);
    expect(await isIn()).toBe(true);
    await platform.set(SITE, 'admin.password=none');
    expect((await at('/wp-login.php')).status).toBe(200);
  });

  it('ask a checker who somebody is, together with all other doors, and are shut when it fails', async () => {
    const checker = new Checker();
    await platform.set(SITE, `admin.auth=${await checker.start()}`, 'admin.signin=https://login.example/?rd=');
    const mia = { cookie: 'who=mia' };
    try {
      await platform.sleep(SITE, 'cold');
      const unknown = await at('/wp-admin/index.php?a=1');
      const back = encodeURIComponent(`http://${SITE}:${platform.http}/wp-admin/index.php?a=1`);
      expect([unknown.status, unknown.headers.location]).toEqual([302, `https://login.example/?rd=${back}`]);
      expect((await at('/wp-admin/options.php', {}, 'POST')).status).toBe(401);
      expect((await at('/wp-login.php', { cookie: 'who=max' })).status).toBe(403);
      expect(await statesOf()).toEqual({ public: 'cold' });
      expect((await at('/wp-login.php', mia)).text).toContain('id="loginform"');
      expect(checker.asked.at(-1)).toMatchObject({ cookie: 'who=mia', 'x-forwarded-uri': '/wp-login.php', 'x-forwarded-host': `${SITE}:${platform.http}` });
      await expectVisitorsServed();

      const { password } = await platform.api.post<{ password: string }>(`/v1/sites/${SITE}/admin-password`, { user: 'mia' });
      const [asked, both] = [checker.asked.length, { ...mia, ...basic(`mia:${password}`) }];
      expect((await at('/wp-login.php', mia)).status).toBe(401);
      expect(checker.asked.length).toBe(asked);
      const isIn = async (): Promise<boolean> => (await at('/wp-login.php', both)).status === 200;
      expect(await poll(isIn, { timeoutMs: 120_000, everyMs: 1_000 })).toBe(true);
      expect(checker.asked.at(-1)).not.toHaveProperty('authorization');
      await platform.set(SITE, 'admin.from=192.0.2.0/24');
      expect((await at('/wp-login.php', both)).status).toBe(403);
      await platform.set(SITE, 'admin.from=any', 'admin.password=none');

      checker.answer = 500;
      expect((await at('/wp-login.php', mia)).status).toBe(503);
      await checker.stop();
      expect((await at('/wp-login.php', mia)).status).toBe(503);
      expect((await platform.events(SITE)).filter(({ type }) => type === 'checker.failed')).toHaveLength(1);
    } finally {
      await checker.stop();
      await platform.set(SITE, 'admin.auth=off', 'admin.signin=off', 'admin.from=any', 'admin.password=none');
    }
    expect((await at('/wp-login.php')).status).toBe(200);
  });
});

describe('a transient that a page sets while somebody reads', () => {
  const ask = async (query = '', options: Parameters<TestPlatform['fetch']>[2] = {}) =>
    (await platform.fetch(SITE, `/wp-content/plugins/transient.php${query}`, options)).text;

  beforeAll(async () => {
    await platform.plantPhp(
      SITE,
      'transient.php',
      `<?php require "/srv/wordpress/wp-load.php"; $name = $_GET["name"] ?? "worked-out";
      if (isset($_GET["delete"])) delete_transient($name);
      $value = get_transient($name);
      if ($value === false) { $value = ["it's", SUBAKO_ROLE, uniqid()]; set_transient($name, $value, (int) ($_GET["for"] ?? 300)); }
      echo json_encode($value);`,
    );
  });

  it('is there for the next page, and goes when the plugin drops it', async () => {
    const first = await ask();
    expect(JSON.parse(first)).toEqual(["it's", 'public', expect.any(String)]);
    expect(await ask()).toBe(first);
    const other = await ask('?delete');
    expect(other).not.toBe(first);
    expect(await ask()).toBe(other);
  });

  it('ends at its time', async () => {
    const first = await ask('?name=short&for=1');
    expect(await poll(async () => (await ask('?name=short&for=1')) !== first, { timeoutMs: 60_000, everyMs: 200 })).toBe(true);
  });

  it('is the container’s own: one that wp-admin or a form sets is in the database, and read from there', async () => {
    const ofAdmin = await ask('?name=of-admin', { method: 'POST' });
    expect(JSON.parse(ofAdmin)).toEqual(["it's", 'admin', expect.any(String)]);
    expect(await ask('?name=of-admin')).toBe(ofAdmin);
    expect(JSON.parse(await ask('', { method: 'POST' }))).toEqual(["it's", 'admin', expect.any(String)]);
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

  it('is woken by those who may come near it, and by nobody else', async () => {
    await platform.set(SITE, 'mode=open', 'admin.from=192.0.2.0/24');
    await platform.sleep(SITE, 'cold');
    expect((await platform.fetch(SITE, '/', { kept: true })).status).toBe(403);
    await platform.set(SITE, 'admin.from=127.0.0.0/8');
    await platform.sleep(SITE, 'cold');
    // The page cache is asked anew.
    expect((await platform.fetch(SITE, '/sample-page/', { kept: true })).headers['server-timing']).toContain('wake;desc="cold"');
    await platform.set(SITE, 'mode=strict', 'admin.from=any');
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
