/** Dumps and archives that somebody hostile made: what they reach beyond their own site, which is nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import { execAny } from '../../src/lib/exec.ts';
import type { ImportedReply } from '../../src/site/site-import.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { paxPath, tarOf } from '../helpers/tar.ts';

const EVIL = 'evil.localhost';
const GOOD = 'good.localhost';
const MADE = 'made.localhost';
/** Of what an archive or a dump may hold. */
const LIMIT = 24 * 1024 ** 2;
let platform: TestPlatform;
let evil: CreatedSiteReply;
let good: CreatedSiteReply;
/** An honest dump of the site's own. */
let honest: string;

const fileOf = async (name: string, bytes: Buffer | string): Promise<string> => {
  const path = join(platform.dir, name);
  await writeFile(path, bytes);
  return path;
};

const dumpOf = (domain: string): Promise<string> => platform.api.text(`/v1/sites/${domain}/dump`);

/** undefined when it was loaded, else what was said. */
async function load(dump: Buffer | string): Promise<string | undefined> {
  const file = await fileOf('dump.sql', dump);
  return platform.api
    .work(`/v1/sites/${EVIL}/dump`, { file }, () => undefined)
    .then(
      () => undefined,
      (error: unknown) => String(error),
    );
}

/** Databases and files that a dump may have left. */
async function left(): Promise<string[]> {
  const found = await execAny(['find', join(platform.state, 'database/data'), '-mindepth', '1', '-maxdepth', '1', '-type', 'd', '-printf', '%f\\n']);
  return found.stdout.split('\n').filter((name) => /^(?:load|past|evil)/u.test(name));
}

beforeAll(async () => {
  platform = await TestPlatform.start({ importSizeLimit: LIMIT });
  [good, evil] = [await platform.createSite(GOOD), await platform.createSite(EVIL)];
  await platform.sleep(EVIL, 'cold');
  honest = await dumpOf(EVIL);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a dump', () => {
  it('that is honest is loaded, and comes out again as it went in', async () => {
    expect(await load(honest)).toBeUndefined();
    expect(await dumpOf(EVIL)).toBe(honest);
    expect(await load(gzipSync(honest))).toBeUndefined();
    expect(await left()).toEqual([]);
  });

  it.each([
    ['makes another database', () => 'CREATE DATABASE evil_twin;'],
    ['goes to another site’s', () => `USE site_${good.id};`],
    ['writes to another site’s', () => `INSERT INTO site_${good.id}.wp_options (option_name, option_value) VALUES ('evil', '1');`],
    ['reads another site’s', () => `CREATE TABLE stolen AS SELECT * FROM site_${good.id}.wp_users;`],
    ['goes round the load, to the site’s own tables', () => `DROP TABLE site_${evil.id}.wp_posts;`],
    ['makes itself an administrator', () => `GRANT ALL ON *.* TO CURRENT_USER() WITH GRANT OPTION;`],
    ['makes a user', () => `CREATE USER evil;`],
    ['changes the server', () => `SET GLOBAL general_log = 1;`],
    ['reads a file of the server', () => `LOAD DATA INFILE '/etc/passwd' INTO TABLE wp_options (option_value);`],
    ['reads a file of the client', () => `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE wp_options (option_value);`],
    ['writes a file', () => `SELECT 'evil' INTO OUTFILE '/tmp/evil';`],
    ['runs a program by the client', () => String.raw`\! touch /run/mysqld/evil`],
    ['runs a program by the client, in words', () => `system touch /run/mysqld/evil\n;`],
    ['reads another script', () => `source /etc/passwd\n;`],
    ['leaves a view that runs as root', () => `CREATE DEFINER = 'root'@'localhost' SQL SECURITY DEFINER VIEW wp_evil AS SELECT 1;`],
    ['leaves a trigger', () => `CREATE TRIGGER evil AFTER INSERT ON wp_options FOR EACH ROW SET @x = 1;`],
    ['leaves a function', () => `CREATE FUNCTION evil() RETURNS INT RETURN 1;`],
    ['leaves a timed event', () => `CREATE EVENT evil ON SCHEDULE EVERY 1 SECOND DO SELECT 1;`],
    ['holds a table of tables', () => `CREATE TABLE wp_a (i INT) ENGINE = MyISAM; CREATE TABLE wp_evil (i INT) ENGINE = MERGE UNION = (wp_a);`],
    ['drops what it was loaded into', () => `DROP DATABASE load_${evil.id};`],
    ['holds no WordPress', () => 'DROP TABLE wp_options;'],
  ])('that %s is refused, and nothing is changed', async (_what, line) => {
    const said = await load(`${honest}\n${line()}\n`);
    expect(said, 'it was loaded').toBeDefined();
    expect(await dumpOf(EVIL)).toBe(honest);
    expect(await left()).toEqual([]);
  });

  it('that breaks off, as text or compressed, is refused', async () => {
    const packed = gzipSync(honest);
    expect(await load(packed.subarray(0, packed.length - 100))).toBeDefined();
    expect(await load(honest.slice(0, honest.lastIndexOf('INSERT INTO `wp_posts`') + 60))).toBeDefined();
    expect(await dumpOf(EVIL)).toBe(honest);
  });

  it('that unpacks to more than it may is stopped, and nothing is changed', async () => {
    expect(await load(gzipSync(`${honest}\n-- ${'x'.repeat(LIMIT)}`))).toContain('holds more than 24 MiB');
    expect(await dumpOf(EVIL)).toBe(honest);
    expect(await left()).toEqual([]);
  });

  it('has left no trace of any of this elsewhere', async () => {
    expect((await execAny(['find', platform.state, platform.run, '/tmp', '-maxdepth', '3', '-name', 'evil'])).stdout).toBe('');
    expect(await dumpOf(GOOD)).not.toContain("'evil'");
    expect((await platform.fetch(GOOD, '/')).status).toBe(200);
    expect((await platform.fetch(EVIL, '/')).status).toBe(200);
  });

  it('comes out without what would be run when it is read: names of tables are the tenant’s', async () => {
    const code =
      '$c = file_get_contents("/etc/subako/site/config.php"); eval("?>" . $c); $d = new mysqli("localhost", DB_USER, DB_PASSWORD, DB_NAME); $d->query("CREATE TABLE `a\\n\\\\! touch evil` (i INT)"); echo $d->error;';
    expect((await platform.cli(['exec', EVIL, '--', 'php8.4', '-c', '/etc/subako/php.ini', '-r', code])).stdout).toBe('');
    const dump = await dumpOf(EVIL);
    expect(dump).toContain('touch evil` (');
    // The name stands only between back quotes, where it is a name; never in a comment, which ends with the line.
    expect(dump.split('\n').filter((line) => line.startsWith('--'))).toEqual([]);
  });
});

describe('an archive', () => {
  afterEach(() => platform.cli(['site', 'rm', MADE]));

  it('puts files into wp-content and nowhere else, whatever it holds', async () => {
    const files = await fileOf(
      'files.tar',
      tarOf([
        { name: 'site/wp-content/', type: '5' },
        { name: 'site/wp-content/uploads/honest.txt', data: 'honest' },
        { name: 'site/wp-content/uploads/../../../../evil.txt', data: 'evil' },
        { name: '/srv/wordpress/wp-content/evil.txt', data: 'evil' },
        { name: '../wp-content/evil.txt', data: 'evil' },
        { name: 'site/wp-content/uploads/way', type: '2', link: '/' },
        { name: 'site/wp-content/uploads/way/tmp/evil.txt', data: 'only a file in a directory of this name' },
        { name: 'site/wp-content/uploads/passwd', type: '1', link: '/etc/passwd' },
        { name: 'site/wp-content/uploads/null', type: '3' },
        { name: 'site/wp-content/uploads/pipe', type: '6' },
        { name: 'site/wp-content/object-cache.php', data: '<?php evil();' },
        { name: 'site/wp-config.php', data: '<?php evil();' },
        { name: 'site/wp-includes/evil.php', data: '<?php evil();' },
        paxPath('site/wp-content/uploads/../../evil.txt'),
        { name: 'x', data: 'evil' },
        paxPath(`site/wp-content/uploads/${'long/'.repeat(40)}file.txt`),
        { name: 'x', data: 'long' },
      ]),
    );
    const db = await fileOf('db.sql', honest);
    const made = await platform.json<ImportedReply>('site', 'import', MADE, '--files', files, '--db', db);
    expect(made.files).toEqual({ count: 3, bytes: 6 + 39 + 4 });
    expect(Object.fromEntries(made.leftOut.map(({ what, count }) => [what, count]))).toEqual({
      'paths that lead out of the archive': 4,
      links: 2,
      'devices and other special files': 2,
      'drop-ins': 1,
      'wp-config.php': 1,
      'files of the core, and others outside wp-content': 1,
    });
    const { id } = await platform.row(MADE);
    const content = join(platform.state, 'sites', id, 'content');
    const odd = await execAny(['find', content, '!', '-type', 'f', '!', '-type', 'd']);
    expect(odd.stdout).toBe('');
    const found = (await execAny(['find', join(platform.state, 'sites'), platform.run, '-name', 'evil.txt', '-o', '-name', 'evil.php'])).stdout.trim();
    expect(found).toBe(`${content}/uploads/way/tmp/evil.txt`);
    expect(await readFile(join(content, 'uploads/honest.txt'), 'utf8')).toBe('honest');
    expect((await platform.fetch(MADE, '/')).status).toBe(200);
  });

  it('that unpacks to more than it may leaves no site', async () => {
    const files = await fileOf('files.tar.gz', gzipSync(tarOf([{ name: 'wp-content/uploads/zeros', data: '\0'.repeat(LIMIT) }])));
    const result = await platform.cli(['site', 'import', MADE, '--files', files, '--db', await fileOf('db.sql', honest)]);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('holds more than 24 MiB') as string });
    expect((await platform.cli(['site', 'show', MADE])).code).toBe(1);
  });

  it.each([
    ['is cut short', (tar: Buffer) => tar.subarray(0, 700)],
    ['is damaged', (tar: Buffer) => Buffer.concat([Buffer.from('X'), tar.subarray(1)])],
    ['is none', () => Buffer.from('nothing of the kind'.repeat(100))],
  ])('that %s leaves no site', async (_what, damage) => {
    const files = await fileOf('files.tar', damage(tarOf([{ name: 'wp-content/uploads/a.txt', data: 'a'.repeat(600) }])));
    const result = await platform.cli(['site', 'import', MADE, '--files', files, '--db', await fileOf('db.sql', honest), '--json']);
    expect(result.code).toBe(1);
    expect((await platform.cli(['site', 'show', MADE])).code).toBe(1);
    expect((await platform.fetch(MADE, '/')).status).toBe(421);
  });
});
