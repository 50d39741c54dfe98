/** A WordPress that was elsewhere, brought here with its files and its database. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { exec } from '../../src/lib/exec.ts';
import type { LoginLinkReply, UserReply } from '../../src/site/owner-types.ts';
import type { ImportedReply } from '../../src/site/site-import.ts';
import { Visitor } from '../helpers/admin.ts';
import { TestPlatform } from '../helpers/platform.ts';

const FROM = 'from.localhost';
const TO = 'to.localhost';
const OLD = 'https://www.old.example';
let platform: TestPlatform;
let dump: string;
let html: string;

const wordpress = (domain: string, code: string) => platform.wordpress(domain, code);

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(FROM);
  const set = await wordpress(
    FROM,
    `update_option("links", array("${OLD}/über", (object) array("u" => "${OLD}")));
    update_option("home", "${OLD}"); update_option("siteurl", "${OLD}"); update_option("blogname", "Moved here");
    wp_insert_post(array("post_title" => "Of old", "post_status" => "publish", "post_content" => '<img src="${OLD}/wp-content/uploads/2020/a.png">'));
    wp_create_user("mia", "the password of old", "mia@old.example"); (new WP_User(get_user_by("login", "mia")->ID))->set_role("administrator");`,
  );
  expect(set.code, set.stderr).toBe(0);
  const file = join(platform.dir, 'from.sql.gz');
  await platform.json('db', 'export', FROM, file);
  // As another host would have it: another prefix, and a database of another name.
  dump = gunzipSync(await readFile(file))
    .toString('utf8')
    .replaceAll('`wp_', '`blog7_')
    .replaceAll("'wp_capabilities'", "'blog7_capabilities'")
    .replaceAll("'wp_user_level'", "'blog7_user_level'")
    .replaceAll("'wp_user_roles'", "'blog7_user_roles'");
  html = join(platform.dir, 'html');
  await mkdir(join(html, 'wp-content/uploads/2020'), { recursive: true });
  await mkdir(join(html, 'wp-includes'), { recursive: true });
  await writeFile(join(html, 'wp-content/uploads/2020/a.png'), 'picture');
  await writeFile(join(html, 'wp-content/object-cache.php'), '<?php die("drop-in");');
  await writeFile(join(html, 'wp-config.php'), '<?php die("config");');
  await writeFile(join(html, 'wp-includes/version.php'), '<?php die("core");');
  await symlink('/etc/passwd', join(html, 'wp-content/uploads/passwd.txt'));
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

const fileOf = async (name: string, bytes: Buffer | string): Promise<string> => {
  const path = join(platform.dir, name);
  await writeFile(path, bytes);
  return path;
};

describe('a site from elsewhere', () => {
  afterEach(() => platform.cli(['site', 'rm', TO]));

  it('is here, with its pages, pictures, users and addresses, and says what was left out', async () => {
    const made = await platform.json<ImportedReply>('site', 'import', TO, '--files', html, '--db', await fileOf('old.sql.gz', gzipSync(dump)));
    expect(made).toMatchObject({ domain: TO, files: { count: 1, bytes: 7 }, prefix: 'blog7_', fromUrls: [OLD], administrators: ['admin', 'mia'] });
    expect(made.leftOut.map(({ what }) => what).toSorted()).toEqual(['drop-ins', 'files of the core, and others outside wp-content', 'links', 'wp-config.php']);
    const front = await platform.fetch(TO, '/');
    expect(front.status).toBe(200);
    expect(front.text).toContain('Moved here');
    expect(front.text).not.toContain('old.example');
    expect((await platform.fetch(TO, '/wp-content/uploads/2020/a.png')).text).toBe('picture');
    const url = `http://${TO}:${platform.http}`;
    expect(JSON.parse((await wordpress(TO, 'echo json_encode(get_option("links"));')).stdout)).toEqual([`${url}/über`, { u: url }]);
    expect(await new Visitor(platform, TO).logIn('mia', 'the password of old')).toBe(true);
    const link = await platform.json<LoginLinkReply>('login-link', TO, '--user', 'mia');
    const owner = new Visitor(platform, TO);
    await owner.post(link.url.slice(link.url.indexOf('/wp-login')));
    expect(await owner.isIn()).toBe(true);
    expect((await platform.json<UserReply[]>('user', 'ls', TO)).map(({ user, roles }) => [user, roles])).toEqual([
      ['admin', ['administrator']],
      ['mia', ['administrator']],
    ]);
    // Where it came from is untouched.
    expect((await wordpress(FROM, 'echo get_option("blogname");')).stdout).toBe('Moved here');
  });

  it('may come as one archive, and another address may be given', async () => {
    await exec(['tar', '-C', html, '-czf', join(platform.dir, 'html.tar.gz'), '.']);
    const made = await platform.json<ImportedReply>(
      'site',
      'import',
      TO,
      '--files',
      join(platform.dir, 'html.tar.gz'),
      '--db',
      await fileOf('old.sql', dump),
      '--from-url',
      `${OLD}/`,
      '--to',
      'https://new.example',
    );
    expect(made.files.count).toBe(1);
    expect(JSON.parse((await wordpress(TO, 'echo json_encode(get_option("links"));')).stdout)).toEqual([
      'https://new.example/über',
      { u: 'https://new.example' },
    ]);
  });

  it.each([
    ['a dump that is none', ['--db', 'none.sql'], 'command_failed'],
    ['a dump without WordPress', ['--db', 'empty.sql'], 'conflict'],
    ['a missing file', ['--db', 'missing.sql'], 'not_found'],
    ['an address that is none', ['--db', 'old.sql', '--from-url', 'old example'], 'bad_usage'],
    ['a prefix that is not there', ['--db', 'old.sql', '--prefix', 'x_'], 'conflict'],
  ] as const)('leaves nothing when it fails: %s', async (_what, args, code) => {
    await fileOf('none.sql', 'this is no SQL;\n');
    await fileOf('empty.sql', 'CREATE TABLE a (i INT PRIMARY KEY) ENGINE = InnoDB;\n');
    await fileOf('old.sql', dump);
    const paths = args.map((arg) => (arg.endsWith('.sql') ? join(platform.dir, arg) : arg));
    const result = await platform.cli(['site', 'import', TO, ...paths, '--json']);
    expect(result.code).not.toBe(0);
    expect((JSON.parse(result.stderr) as { error: { code: string } }).error.code).toBe(code);
    expect((await platform.fetch(TO, '/')).status).toBe(421);
    const left = await exec(['find', join(platform.state, 'database/data'), '-maxdepth', '1', '(', '-name', 'load*', '-o', '-name', 'past*', ')']);
    expect(left.stdout).toBe('');
    expect(await platform.json<unknown[]>('site', 'ls')).toHaveLength(1);
  });
});
