/** What an owner does with a WordPress site from the command line. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import type { HealthReply, LoginLinkReply, PluginReply, ReplacedReply, ThemeReply, UserReply, UserWithPassword } from '../../src/site/owner-types.ts';
import type { SubakoError } from '../../src/domain/errors.ts';
import { poll } from '../../src/lib/deadline.ts';
import { Visitor } from '../helpers/admin.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { zipOf } from '../helpers/zip.ts';

const SITE = 'owner.localhost';
const NEW_NAME = 'renamed.localhost';
const THIRD_NAME = 'third.localhost';
const PATIENCE = { timeoutMs: 120_000, everyMs: 200 };
const BASE = `/v1/sites/${SITE}`;
const MIB = 1024 ** 2;
let platform: TestPlatform;
let site: CreatedSiteReply;

/** Must fail, with this code; gives what it said. */
async function refused(code: string, ...args: string[]): Promise<string> {
  const result = await platform.cli([...args, '--json']);
  expect(result.code, result.stdout).not.toBe(0);
  const { error } = JSON.parse(result.stderr) as { error: { code: string; message: string; hint: string | null } };
  expect(error.code, error.message).toBe(code);
  return `${error.message} — ${error.hint}`;
}

/** The same of what was asked without the command line. */
async function declined(code: string, asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  const { message, hint } = error as SubakoError;
  return `${message} — ${hint}`;
}

async function fileOf(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(platform.dir, name);
  await writeFile(path, bytes);
  return path;
}

async function inside(code: string, input = ''): Promise<string> {
  const result = await platform.inside(SITE, ['php8.4', '-d', 'memory_limit=256M', '-r', `$_SERVER["HTTP_HOST"] = "${SITE}"; ${code}`], { input });
  expect(result.code, `${result.stdout}${result.stderr}`).toBe(0);
  return result.stdout;
}

const withWordPress = (code: string, input = ''): Promise<string> => inside(`require "/srv/wordpress/wp-load.php"; ${code}`, input);

beforeAll(async () => {
  platform = await TestPlatform.start();
  site = await platform.createSite(SITE);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('users', () => {
  it('are made, listed, and given a new password, which alone is right then', async () => {
    const mia = await platform.json<UserWithPassword>('user', 'create', SITE, 'mia', '--email', 'mia@example.org', '--role', 'editor');
    // Visitors do not see the name to log in with.
    expect(mia).toMatchObject({ user: 'mia', name: 'Editor', email: 'mia@example.org', roles: ['editor'] });
    expect((await platform.json<UserReply[]>('user', 'ls', SITE)).map(({ user }) => user)).toEqual(['admin', 'mia']);
    const open = new Visitor(platform, SITE);
    expect(await open.logIn('mia', mia.password)).toBe(true);
    expect(await open.isIn()).toBe(true);
    const changed = await platform.json<UserWithPassword>('user', 'reset-password', SITE, 'mia@example.org');
    expect(await open.isIn()).toBe(false);
    expect(await open.logIn('mia', mia.password)).toBe(false);
    expect(await new Visitor(platform, SITE).logIn('mia', changed.password)).toBe(true);
    expect(await platform.grep(changed.password)).toEqual([]);
  });

  it('are refused with a reason', async () => {
    await declined('already_exists', platform.api.post(`${BASE}/users`, { user: 'mia', email: 'other@example.org', role: 'editor' }));
    expect(await refused('bad_setting', 'user', 'create', SITE, 'eve', '--email', 'eve@example.org', '--role', 'god')).toContain('administrator');
    await declined('not_found', platform.api.post(`${BASE}/users/password`, { user: `x'); DROP TABLE wp_users; --` }));
  });
});

describe('a link to log in', () => {
  it('works once, and looking at it does not use it up', async () => {
    const { url, user } = await platform.json<LoginLinkReply>('login-link', SITE);
    expect(user).toBe('admin');
    const path = url.slice(url.indexOf('/wp-login.php'));
    const [first, second] = [new Visitor(platform, SITE), new Visitor(platform, SITE)];
    expect((await first.get(path)).text).toContain('<button');
    expect(await first.isIn()).toBe(false);
    const tries = await Promise.all([first.post(path), second.post(path)]);
    expect(tries.map(({ status }) => String(status)).toSorted()).toEqual(['302', '403']);
    const winner = tries[0]?.status === 302 ? first : second;
    expect(await winner.isIn()).toBe(true);
    expect((await new Visitor(platform, SITE).post(path)).status).toBe(403);
  });

  it('is kept as a hash, ends, and is no other user’s', async () => {
    const { url } = await platform.json<LoginLinkReply>('login-link', SITE, '--user', 'mia');
    const [, selector = '', secret = ''] = /subako_login=(\w+)\.([\w-]+)$/u.exec(url) ?? [];
    const row = await withWordPress(`echo $wpdb->get_var("SELECT option_value FROM wp_options WHERE option_name = '_subako_login_${selector}'");`);
    expect(row).toMatch(/"hash":"[0-9a-f]{64}"/u);
    expect(row).not.toContain(secret);
    const wrong = `/wp-login.php?subako_login=${selector}.${'A'.repeat(43)}`;
    expect((await new Visitor(platform, SITE).post(wrong)).status).toBe(403);
    await withWordPress(
      `$wpdb->query("UPDATE wp_options SET option_value = REPLACE(option_value, '\\"until\\":', '\\"until\\":1, \\"was\\":') WHERE option_name = '_subako_login_${selector}'");`,
    );
    expect((await new Visitor(platform, SITE).post(url.slice(url.indexOf('/wp-login')))).status).toBe(403);
  });
});

describe('plugins and themes', () => {
  it('are installed from a zip, switched on and off, and removed', async () => {
    const zip = await fileOf(
      'greeter.zip',
      zipOf({ 'greeter/greeter.php': `<?php\n/* Plugin Name: Greeter\nVersion: 1.2 */\nadd_action('wp_footer', function () { echo 'greetings!'; });` }),
    );
    expect(await platform.json<PluginReply>('plugin', 'install', SITE, zip, '--activate')).toMatchObject({ plugin: 'greeter', version: '1.2', active: true });
    expect((await platform.fetch(SITE, '/')).text).toContain('greetings!');
    await declined('already_exists', platform.api.post(`${BASE}/plugins`, { file: zip, replace: false }));
    await declined('conflict', platform.api.delete(`${BASE}/plugins/greeter`));
    expect(await platform.json<PluginReply>('plugin', 'deactivate', SITE, 'greeter')).toMatchObject({ active: false });
    await platform.json('plugin', 'rm', SITE, 'greeter');
    expect((await platform.json<PluginReply[]>('plugin', 'ls', SITE)).map(({ plugin }) => plugin)).not.toContain('greeter');
    await declined('command_failed', platform.api.post(`${BASE}/plugins`, { file: await fileOf('not.zip', 'nothing'), replace: false }));
  });

  it('that are broken can be found and switched off', async () => {
    await platform.plant(SITE, 'plugins/broken.php', '<?php\n/* Plugin Name: Broken */\nif (isset($GLOBALS["wp_version"])) { nowhere(); }');
    expect(await refused('command_failed', 'plugin', 'activate', SITE, 'broken')).toContain('nowhere');
    await withWordPress('update_option("active_plugins", array("broken.php"));');
    const sick = await platform.cli(['health', SITE, '--json']);
    expect(sick.code).toBe(1);
    expect((JSON.parse(sick.stdout) as HealthReply).checks[0]).toMatchObject({
      name: 'start',
      state: 'fail',
      said: expect.stringContaining('broken.php') as string,
    });
    await platform.api.post(`${BASE}/plugins/broken/deactivate`);
    const well = await platform.api.get<HealthReply>(`${BASE}/health`);
    expect(well.ok, JSON.stringify(well)).toBe(true);
  });

  it('change how the site looks', async () => {
    const zip = await fileOf('plain.zip', zipOf({ 'plain/style.css': '/*\nTheme Name: Plain\nTemplate: twentytwentyfive\nVersion: 3 */' }));
    expect(await platform.json<ThemeReply>('theme', 'install', SITE, zip, '--replace', '--activate')).toMatchObject({
      theme: 'plain',
      parent: 'twentytwentyfive',
      active: true,
    });
    expect(await platform.json<ThemeReply>('theme', 'activate', SITE, 'twentytwentyfive')).toMatchObject({ active: true });
    expect((await platform.json<ThemeReply[]>('theme', 'ls', SITE)).map(({ theme, active }) => [theme, active])).toEqual([
      ['plain', false],
      ['twentytwentyfive', true],
    ]);
  });
});

describe('search-replace', () => {
  it('changes what PHP serialised as PHP would have done it, whatever it is', async () => {
    const [old, fresh] = ['alt-é', 'ほげ neuer"; Text'];
    const word = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(old, `x${old}y${old}`, '";s:3:"', '{}', 'N;', 'a:1:{', 'i:5;'));
    const { tree } = fc.letrec<{ tree: unknown; pairs: unknown }>((tie) => ({
      pairs: fc.array(fc.tuple(fc.oneof(fc.integer({ min: 0, max: 99 }), word), tie('tree')), { maxLength: 4 }),
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        word.map((v) => ({ t: 's', v })),
        fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)).map((v) => ({ t: 'l', v })),
        tie('pairs').map((v) => ({ t: 'a', v })),
        tie('pairs').map((v) => ({ t: 'o', v })),
        tie('tree').map((v) => ({ t: 'x', v })),
        tie('tree').map((v) => ({ t: 'z', v })),
      ),
    }));
    const cases = fc.sample(tree, { numRuns: 1_500, seed: 20_261_128 });
    const tool = (await readFile(new URL('../../src/stack/wordpress/tools/serialized.php', import.meta.url), 'utf8')).replace(/^<\?php/u, '');
    const driver = await readFile(new URL('../helpers/fuzz-replace.php', import.meta.url), 'utf8');
    await platform.plant(
      SITE,
      'plugins/fuzz.php',
      driver.replace('<?php', () => `<?php ${tool}`),
    );
    const said = await inside('require "/srv/wordpress/wp-content/plugins/fuzz.php";', JSON.stringify({ old, new: fresh, cases }));
    const answer = JSON.parse(said) as { wrong: unknown[]; count: number; objects: number; references: boolean };
    expect(answer).toMatchObject({ wrong: [], count: 1_500, references: true });
    expect(answer.objects).toBeGreaterThan(50);
  });

  it('finds text in the whole database, counts without changing, then changes it', async () => {
    await withWordPress(`
      update_option("owner_test", array("deep" => array("Old Name", (object) array("a" => "by Old Name")), "json" => wp_json_encode(array("u" => "/Old Name/")), "n" => 5));
      $wpdb->insert("wp_options", array("option_name" => "owner_foreign", "option_value" => 'O:7:"Foreign":1:{s:1:"x";s:8:"Old Name";}'));
      wp_update_post(array("ID" => 1, "post_content" => "<p>Old Name &amp; sons</p>"));`);
    const counted = await platform.json<ReplacedReply>('search-replace', SITE, 'Old Name', 'A Much Newer Name', '--dry-run');
    expect(counted.values).toBeGreaterThanOrEqual(2);
    expect(await withWordPress('echo get_post(1)->post_content;')).toContain('Old Name');
    const changed = await platform.json<ReplacedReply>('search-replace', SITE, 'Old Name', 'A Much Newer Name');
    expect(changed).toMatchObject({ values: counted.values, rows: counted.rows, broken: 0 });
    expect(changed.objects).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(await withWordPress('echo json_encode(get_option("owner_test"));'))).toEqual({
      deep: ['A Much Newer Name', { a: 'by A Much Newer Name' }],
      json: JSON.stringify({ u: '/A Much Newer Name/' }).replaceAll('/', String.raw`\/`),
      n: 5,
    });
    expect(await withWordPress(`echo $wpdb->get_var("SELECT option_value FROM wp_options WHERE option_name = 'owner_foreign'");`)).toContain('s:8:"Old Name"');
    expect((await platform.fetch(SITE, '/?p=1')).status).toBeLessThan(400);
  });
});

describe('WP-CLI', () => {
  it('is run when it is there, and its lack is explained', async () => {
    expect(await refused('command_missing', 'wp', SITE, '--', 'plugin', 'list')).toContain('wp-cli.phar');
    // A phar is a PHP program; what is tested is how one gets there and is run.
    const program = `<?php echo json_encode(array_slice($argv, 1)), "\\n", stream_get_contents(STDIN); exit(3);`;
    const file = await fileOf('wp-cli.phar', program);
    const result = await platform.cli(['wp', '--phar', file, SITE, '--', 'option', 'get', '--format=json', '--json', `a'b c`], 'input');
    expect(result.code).toBe(3);
    const [line = ''] = result.stdout.split('\n');
    expect(JSON.parse(line)).toEqual(['--path=/srv/wordpress', `--url=http://${SITE}:${platform.http}/`, 'option', 'get', '--format=json', '--json', `a'b c`]);
    expect(result.stdout).toContain('input');
  });
});

describe('PHP settings', () => {
  /** What PHP says of its limits, and how much of a form with a file it took. */
  const ask = async (bytes: number): Promise<Record<string, unknown>> => {
    const part = 'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream';
    const body = `--edge\r\n${part}\r\n\r\n${'y'.repeat(bytes)}\r\n--edge--\r\n`;
    const reply = await platform.fetch(SITE, '/wp-content/plugins/limits.php', {
      method: 'POST',
      body,
      headers: { 'content-type': 'multipart/form-data; boundary=edge' },
    });
    return JSON.parse(reply.text) as Record<string, unknown>;
  };

  it('hold from the next request on, uploads included, without a new container', async () => {
    const limits =
      '["memory" => ini_get("memory_limit"), "post" => ini_get("post_max_size"), "upload" => ini_get("upload_max_filesize"), "got" => $_FILES["file"]["size"] ?? -1]';
    await platform.plantPhp(SITE, 'limits.php', `<?php echo json_encode(${limits});`);
    await platform.set(SITE, 'php.memory_limit=default', 'php.post_max_size=default', 'php.upload_max_filesize=default');
    expect(await ask(2 * MIB)).toEqual({ memory: '128M', post: '72M', upload: '64M', got: 2 * MIB });
    const { pid } = await platform.row(SITE, 'admin');
    await platform.set(SITE, 'php.memory_limit=200M', 'php.post_max_size=1M', 'php.upload_max_filesize=1M');
    expect(await ask(2 * MIB)).toEqual({ memory: '200M', post: '1M', upload: '1M', got: -1 });
    await platform.set(SITE, 'php.post_max_size=default', 'php.upload_max_filesize=100M');
    expect(await ask(2 * MIB)).toEqual({ memory: '200M', post: '108M', upload: '100M', got: 2 * MIB });
    expect((await platform.row(SITE, 'admin')).pid).toBe(pid);
  });

  it('cannot be had from a file of the tenant’s, and not beyond their bounds', async () => {
    await platform.plant(SITE, '.user.ini', 'memory_limit=1G\nauto_prepend_file=/etc/passwd\n');
    await platform.plant(SITE, 'plugins/.user.ini', 'memory_limit=1G\n');
    expect(await ask(1)).toMatchObject({ memory: '200M' });
    expect(await declined('bad_setting', platform.set(SITE, 'php.disable_functions='))).toContain('php.memory_limit');
    await declined('bad_setting', platform.set(SITE, 'php.memory_limit=2G'));
  });
});

describe('another name', () => {
  it('is refused where it is taken or none, and then all is as before', async () => {
    await refused('bad_domain', 'domain', 'primary', SITE, 'bad..name');
    await declined(
      'conflict',
      platform.api.work(`${BASE}/primary`, { domain: SITE }, () => undefined),
    );
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });

  it('is taken back by the next daemon where the first dies before an address was changed', async () => {
    await dieWhileRenaming('primary.begun', SITE, NEW_NAME);
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
    expect((await platform.fetch(NEW_NAME, '/')).status).toBe(421);
  });

  it('changes record, route and every address; users stay logged in under it', async () => {
    await withWordPress(`update_option("owner_links", array("http://${SITE}:${platform.http}/a", "https://${SITE}/b", "http://${SITE}.example.com/c"));`);
    const renamed = await platform.json<{ from: string; url: string }>('domain', 'primary', SITE, NEW_NAME);
    expect(renamed).toMatchObject({ from: SITE, url: `http://${NEW_NAME}:${platform.http}/` });
    const old = await platform.fetch(SITE, '/about/');
    expect([old.status, old.headers.location]).toEqual([301, `http://${NEW_NAME}:${platform.http}/about/`]);
    const page = await platform.fetch(NEW_NAME, '/');
    expect(page.status).toBe(200);
    expect(page.text).not.toContain(`//${SITE}`);
    expect(await new Visitor(platform, NEW_NAME).logIn('admin', site.admin.password)).toBe(true);
    expect(await linksOf(NEW_NAME)).toEqual([`http://${NEW_NAME}:${platform.http}/a`, `http://${NEW_NAME}:${platform.http}/b`, `http://${SITE}.example.com/c`]);
  });

  it('is finished by the next daemon where the first dies when addresses were changed', async () => {
    await dieWhileRenaming('primary.replaced', NEW_NAME, THIRD_NAME);
    const sentOn = async () => (await platform.fetch(NEW_NAME, '/')).headers.location === `http://${THIRD_NAME}:${platform.http}/`;
    expect(await poll(sentOn, PATIENCE)).toBe(true);
    expect((await platform.fetch(THIRD_NAME, '/')).status).toBe(200);
    expect(await linksOf(THIRD_NAME)).toContain(`http://${THIRD_NAME}:${platform.http}/a`);
  });
});

async function linksOf(name: string): Promise<unknown> {
  const { stdout } = await platform.wordpress(name, 'echo json_encode(get_option("owner_links"), JSON_UNESCAPED_SLASHES);');
  return JSON.parse(stdout);
}

/** The daemon is killed there; another one is up when this returns. */
async function dieWhileRenaming(failpoint: string, from: string, to: string): Promise<void> {
  await platform.killDaemon();
  const { pid } = await platform.up(`${failpoint}=kill`);
  await platform.api.work(`/v1/sites/${from}/primary`, { domain: to }, () => undefined).catch(() => undefined); // it dies before it answers
  expect(await poll(() => !isRunning(pid), PATIENCE)).toBe(true);
  await platform.up();
}
