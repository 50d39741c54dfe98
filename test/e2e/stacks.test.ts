/** Sites that run their owner's code: files alone, Node, and PHP behind nginx and Apache httpd. */
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReleasesReply, SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { codeAt, createOfCode, deploy, FRONT } from '../helpers/code.ts';
import { raw, TestPlatform } from '../helpers/platform.ts';
import { paxPath, tarOf } from '../helpers/tar.ts';
import { chosen } from '../reliability/whole.ts';

const [STATIC, NODE, BY_NGINX, BY_APACHE] = ['static.localhost', 'node.localhost', 'nginx.localhost', 'apache.localhost'];
const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', stacks: { node: { memory: '256m' } } });
  // The images are made by the first that want them: both at once.
  await Promise.all([
    createOfCode(platform, STATIC, { stack: 'static' }),
    createOfCode(platform, NODE, { stack: 'node' }),
    createOfCode(platform, BY_NGINX, { stack: 'lamp' }),
  ]);
  await createOfCode(platform, BY_APACHE, { stack: 'lamp', web: 'apache' });
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

const status = async (site: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  (await platform.fetch(site, path, { headers, kept: true })).status;

async function page(site: string, path = '/'): Promise<string> {
  const reply = await platform.fetch(site, path, { kept: true });
  expect([path, reply.status]).toEqual([path, 200]);
  return reply.text;
}

/** Asks again and again while something is done, and says what was answered. */
async function meanwhile(site: string, path: string, work: () => Promise<unknown>): Promise<string[]> {
  const answers: string[] = [];
  const done = { yet: false };
  const asking = (async () => {
    while (!done.yet) {
      const reply = await platform.fetch(site, path, { kept: true });
      answers.push(`${reply.status} ${reply.text.trim()}`);
    }
  })();
  try {
    await work();
  } finally {
    done.yet = true;
    await asking;
  }
  return answers;
}

describe('a new site of each stack', () => {
  it('shows at once that it works', async () => {
    expect(await page(STATIC)).toContain('It works');
    expect(await page(NODE)).toMatch(/Node \d+\.\d+\.\d+, visit 1\./u);
    expect(await page(BY_NGINX)).toMatch(/PHP 8\.4\.\d+ behind nginx, visit 1\./u);
    expect(await page(BY_APACHE)).toMatch(/PHP 8\.4\.\d+ behind Apache, visit 1\./u);
  });

  it.each([NODE, BY_NGINX, BY_APACHE])('sleeps, and is woken with what it knew: %s', async (site) => {
    for (const [state, visit] of [
      ['cold', 2],
      ['frozen', 3],
    ] as const) {
      await platform.sleep(site, state);
      const reply = await platform.fetch(site, '/', { kept: true });
      expect([reply.status, /wake;desc="(\w+)"/u.exec(String(reply.headers['server-timing']))?.[1]]).toEqual([200, state]);
      expect(reply.text).toContain(`visit ${visit}.`);
    }
    // Whoever is asked to end and never hears it would take ten seconds.
    const { ms } = await platform.sleep(site, 'cold');
    expect(ms).toBeLessThan(5_000);
  });

  it('is told apart by ls and show, which say nothing of its secrets', async () => {
    const shown = await platform.json<SiteReply>('site', 'show', BY_APACHE);
    expect(shown).toMatchObject({ stack: 'lamp', code: { web: 'apache', release: { documentRoot: 'public' }, env: [] } });
    expect(shown.code?.ownEnv).toContain('DB_PASSWORD');
    const text = (await platform.cli(['site', 'show', BY_NGINX])).stdout;
    expect(text).toMatch(/^web server +nginx$/mu);
    expect(text).toMatch(/^env .*DATABASE_URL=…/mu);
    expect((await platform.api.get<SiteReply>(`/v1/sites/${NODE}`)).settings['memory']).toBe('256 MiB');
  });

  it.each([
    ['there is no such stack', { stack: 'perl' }, 'not_found'],
    ['it has no such web server', { stack: 'lamp', web: 'lighttpd' }, 'bad_setting'],
    ['nothing runs for it', { stack: 'static', shared: ['files'] }, 'bad_setting'],
    ['its code is elsewhere', { stack: 'node', files: '/nowhere' }, 'not_found'],
    ['its code says nothing of what is run', { stack: 'node', files: '/etc/apt' }, 'bad_setting'],
    ['a directory is none of its code', { stack: 'lamp', shared: ['../x'] }, 'bad_setting'],
    ['it is WordPress', { stack: 'wordpress' }, 'bad_setting'],
    ['there is one', { stack: 'static', domain: STATIC }, 'already_exists'],
  ])('is not made when %s', async (_why, options, code) => {
    await expect(createOfCode(platform, 'bad.localhost', options)).rejects.toMatchObject({ code });
    expect((await platform.api.get<SiteReply[]>('/v1/sites')).map(({ domain }) => domain)).not.toContain('bad.localhost');
    expect((await readdir(join(platform.state, 'sites'))).length).toBe((await platform.api.get<SiteReply[]>('/v1/sites')).length);
  });
});

describe('a static site', () => {
  const css = 'a{}'.repeat(1_000);

  beforeAll(async () => {
    const dir = await codeAt(platform, 'static', {
      'index.html': 'front',
      '404.html': 'not here',
      'docs/index.html': 'docs',
      'about.html': 'about',
      'empty/x.txt': 'x',
      'a b%25?#.txt': 'odd',
      'app.0123abcd.js': 'hashed',
      'big.css': css,
      'big.css.gz': gzipSync(css),
      '.git/config': 'secret',
      '.well-known/security.txt': 'write to us',
    });
    await symlink('/etc/passwd', join(dir, 'passwd'));
    await symlink('/', join(dir, 'root'));
    await symlink('docs', join(dir, 'link'));
    await deploy(platform, STATIC, { files: dir });
  });

  it.each([
    ['/', 200, 'front'],
    ['/index.html', 200, 'front'],
    ['/docs/', 200, 'docs'],
    ['/docs', 301, ''],
    ['/about', 200, 'about'],
    ['/a%20b%2525%3F%23.txt', 200, 'odd'],
    ['//docs//', 200, 'docs'],
    ['/docs/../about.html', 200, 'about'],
    ['/.well-known/security.txt', 200, 'write to us'],
    ['/nothing', 404, 'not here'],
    ['/empty/', 404, 'not here'],
    ['/.git/config', 404, 'not here'],
    ['/docs/%2e%2e/.git/config', 404, 'not here'],
    ['/passwd', 404, 'not here'],
    ['/root/etc/passwd', 404, 'not here'],
    ['/link/', 404, 'not here'],
    ['/link/index.html', 404, 'not here'],
    ['/%0d%0aX-Evil:1', 404, 'not here'],
    ['/wp-login.php', 404, 'not here'],
    ['/wp-admin/', 404, 'not here'],
    ['/.subako/static', 404, ''],
    ['/.subako/files', 404, ''],
  ])('answers %s with %i', async (path, wanted, text) => {
    const reply = await platform.fetch(STATIC, path, { kept: true });
    expect(reply.status).toBe(wanted);
    if (text !== '') expect(reply.text).toBe(text);
    // Nor past the page cache.
    expect((await platform.fetch(STATIC, path)).status).toBe(wanted);
  });

  it('sends on to a directory as it was asked for, and to no other server', async () => {
    const location = async (path: string): Promise<unknown> => (await platform.fetch(STATIC, path, { kept: true })).headers.location;
    expect(await location('/docs?a=1')).toBe(`http://${STATIC}:${platform.http}/docs/?a=1`);
    expect(String(await location('//docs'))).toMatch(new RegExp(`^http://${STATIC}:${platform.http}/`, 'u'));
  });

  it('is kept by browsers for as long as its names say, and is sent compressed as it lies there', async () => {
    const kept = async (path: string): Promise<unknown> => (await platform.fetch(STATIC, path, { kept: true })).headers['cache-control'];
    expect([await kept('/'), await kept('/big.css'), await kept('/app.0123abcd.js')]).toEqual([
      'no-cache',
      'public, max-age=3600',
      'public, max-age=31536000, immutable',
    ]);
    const reply = await platform.fetch(STATIC, '/big.css', { kept: true, headers: { 'accept-encoding': 'gzip' } });
    expect([reply.headers['content-encoding'], reply.body.equals(gzipSync(css))]).toEqual(['gzip', true]);
    const { etag } = (await platform.fetch(STATIC, '/', { kept: true })).headers;
    expect(await status(STATIC, '/', { 'if-none-match': String(etag) })).toBe(304);
  });

  it('is read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) expect((await platform.fetch(STATIC, '/', { method, body: 'x' })).status).toBe(405);
    expect((await platform.fetch(STATIC, '/', { method: 'HEAD', kept: true })).status).toBe(200);
  });

  it('never wakes: nothing runs for it', async () => {
    await expect(platform.wake(STATIC)).rejects.toMatchObject({ code: 'conflict' });
    await platform.set(STATIC, 'awake=yes');
    expect(await platform.row(STATIC)).toMatchObject({ state: 'cold', wakes: 0 });
    expect((await platform.cli(['exec', STATIC, '--', 'true'])).stderr).toContain('nothing runs for a static site');
  });

  it('has further names and https as any site', async () => {
    await platform.json('domain', 'add', STATIC, 'also.localhost');
    expect(await poll(async () => (await platform.fetch('also.localhost', '/docs/', { kept: true })).text === 'docs', WITHIN)).toBe(true);
    await platform.set(STATIC, 'https=redirect');
    expect(await status(STATIC, '/about.html')).toBe(301);
    await platform.set(STATIC, 'https=both');
  });
});

describe('releases', () => {
  const of = (site: string): Promise<ReleasesReply> => platform.api.get<ReleasesReply>(`/v1/sites/${site}/releases`);

  it('take each other’s place at once, in files', async () => {
    const [one, two] = [await codeAt(platform, 'one', { 'index.html': 'one' }), await codeAt(platform, 'two', { 'index.html': 'two' })];
    await deploy(platform, STATIC, { files: one });
    const answers = await meanwhile(STATIC, '/', () => deploy(platform, STATIC, { files: two }));
    expect([...new Set(answers)].toSorted()).toEqual(expect.arrayContaining(['200 one']));
    expect(answers.every((answer) => answer === '200 one' || answer === '200 two')).toBe(true);
    expect(await page(STATIC)).toBe('two');
  });

  it('can be gone back to, and are kept three at a time', async () => {
    const { code, stdout } = await platform.cli(['site', 'rollback', STATIC]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('release')]);
    expect(await page(STATIC)).toBe('one');
    const before = (await of(STATIC)).current;
    await deploy(platform, STATIC, { files: await codeAt(platform, 'three', { 'index.html': 'three' }) });
    // The oldest, and what ran until now.
    expect((await of(STATIC)).releases.map(({ name }) => name)).toContain(before);
    for (const text of ['four', 'five']) await deploy(platform, STATIC, { files: await codeAt(platform, text, { 'index.html': text }) });
    const { current, releases } = await of(STATIC);
    expect([releases.length, releases.at(-1)?.name === current]).toEqual([3, true]);
    await expect(platform.api.post(`/v1/sites/${STATIC}/rollback`, { release: '20200101T000000000Z-aaaaaaaaaaaaaaaa' })).rejects.toMatchObject({
      code: 'not_found',
    });
    const id = (await platform.row(STATIC)).id;
    expect((await readdir(join(platform.state, 'sites', id, 'releases'))).toSorted()).toEqual(releases.map(({ name }) => name));
  });

  it('replace what runs without a gap', async () => {
    const app = (text: string): Readonly<Record<string, string>> => ({
      'package.json': JSON.stringify({ scripts: { start: 'exec node server.js # by a shell' } }),
      'server.js': `require('node:http').createServer((_request, response) => response.end('${text}')).listen(process.env.PORT, '127.0.0.1', () => console.log('up'));`,
    });
    await deploy(platform, NODE, { files: await codeAt(platform, 'app-1', app('one')) });
    expect(await poll(async () => (await page(NODE)) === 'one', WITHIN)).toBe(true);
    const two = await codeAt(platform, 'app-2', app('two'));
    const answers = await meanwhile(NODE, '/', async () => {
      await deploy(platform, NODE, { files: two });
      expect(await poll(async () => (await page(NODE)) === 'two', WITHIN)).toBe(true);
    });
    expect(new Set(answers)).toEqual(new Set(['200 one', '200 two']));
  });

  it('come as an archive, too, that holds one directory with all of it', async () => {
    const file = join(platform.dir, 'code.tar.gz');
    await writeFile(
      file,
      gzipSync(
        tarOf([
          { name: 'site-1.0/', type: '5' },
          { name: 'site-1.0/index.html', data: 'packed' },
        ]),
      ),
    );
    await deploy(platform, STATIC, { files: file });
    expect(await page(STATIC)).toBe('packed');
  });

  it.each([
    [
      'a pipe',
      [
        { name: 'index.html', data: 'x' },
        { name: 'pipe', type: '6' },
      ],
    ],
    [
      'a device',
      [
        { name: 'index.html', data: 'x' },
        { name: 'null', type: '3' },
      ],
    ],
    ['nothing', []],
    ['what is no archive', undefined],
  ])('are refused with %s in them, and all stays as it was', async (_what, entries) => {
    const file = join(platform.dir, 'hostile.tar');
    await writeFile(file, entries === undefined ? 'no archive'.repeat(1_000) : tarOf(entries));
    const before = await of(STATIC);
    await expect(deploy(platform, STATIC, { files: file })).rejects.toMatchObject({ code: 'bad_setting' });
    expect(await of(STATIC)).toEqual(before);
    expect((await readdir(join(platform.state, 'sites', (await platform.row(STATIC)).id, 'releases'))).length).toBe(before.releases.length);
    expect(await page(STATIC)).toBe('packed');
  });

  it('never reach out of their place', async () => {
    const file = join(platform.dir, 'hostile.tar');
    const up = '../'.repeat(20);
    await writeFile(
      file,
      tarOf([
        { name: 'index.html', data: 'tame' },
        { name: 'out', type: '2', link: platform.dir },
        { name: 'out/through-a-link', data: 'evil' },
        { name: `${up}${platform.dir.slice(1)}/by-dots`, data: 'evil' },
        paxPath(`${platform.dir}/by-root`),
        { name: 'x', data: 'evil' },
        { name: 'hard', type: '1', link: '/etc/passwd' },
      ]),
    );
    await deploy(platform, STATIC, { files: file }).catch(() => undefined);
    for (const name of ['through-a-link', 'by-dots', 'by-root']) expect(await readdir(platform.dir)).not.toContain(name);
    expect(await page(STATIC)).toMatch(/^(?:tame|packed)$/u);
    expect(await status(STATIC, '/hard')).toBe(404);
  });
});

describe('a Node site', () => {
  const app = (listen: string): Readonly<Record<string, string>> => ({
    'index.js': `const { createServer } = require('node:http');
const { networkInterfaces } = require('node:os');
const { readFileSync, writeFileSync } = require('node:fs');
const tried = (work) => { try { return work(); } catch (error) { return error.code; } };
const server = createServer((request, response) => {
  if (request.url === '/die') process.kill(process.pid, 'SIGKILL');
  response.end(JSON.stringify({
    interfaces: Object.keys(networkInterfaces()), env: process.env.WORD, production: process.env.NODE_ENV, for: request.headers['x-forwarded-for'],
    code: tried(() => writeFileSync(__dirname + '/x', '')), data: tried(() => writeFileSync(process.env.DATA_DIR + '/x', '')) ?? 'ok',
  }));
});
${listen}`,
  });
  const said = async (): Promise<Record<string, unknown>> => JSON.parse(await page(NODE)) as Record<string, unknown>;

  it.each([
    'server.listen(process.env.PORT)',
    'server.listen(Number(process.env.PORT), () => {})',
    "server.listen({ port: process.env.PORT, host: 'localhost' })",
    "server.listen(process.env.PORT, '127.0.0.1', 511, () => {})",
    'server.listen(process.env.SUBAKO_SOCKET)',
  ])('is reached however it listens: %s', async (listen) => {
    await deploy(platform, NODE, { files: await codeAt(platform, `listen-${listen.length}`, app(listen)), env: ['WORD=one'] });
    await platform.sleep(NODE, 'cold').catch(() => undefined);
    expect(await said()).toEqual({ interfaces: ['lo'], env: 'one', production: 'production', for: '127.0.0.1', code: 'EROFS', data: 'ok' });
  });

  it('is given other variables without other code', async () => {
    const { current } = await platform.api.get<ReleasesReply>(`/v1/sites/${NODE}/releases`);
    await deploy(platform, NODE, { env: ['WORD=two'] });
    expect(await poll(async () => (await said())['env'] === 'two', WITHIN)).toBe(true);
    await platform.json('site', 'deploy', NODE, '--env', 'WORD');
    expect(await poll(async () => (await said())['env'] === undefined, WITHIN)).toBe(true);
    expect((await platform.api.get<ReleasesReply>(`/v1/sites/${NODE}/releases`)).current).toBe(current);
  });

  it('that listens elsewhere is told so by its failing start, and goes back', async () => {
    await platform.sleep(NODE, 'cold');
    await platform.set(NODE, 'boot=1s');
    await deploy(platform, NODE, { files: await codeAt(platform, 'elsewhere', app('server.listen(3000)')) });
    await expect(platform.wake(NODE)).rejects.toThrow('did not listen');
    await platform.json('site', 'rollback', NODE);
    await platform.set(NODE, 'boot=default');
    expect(await poll(async () => (await status(NODE, '/')) === 200, WITHIN)).toBe(true);
  });
});

describe('another runtime', () => {
  it.each(['runc', 'runsc'])('runs them, too, threads and all: %s', async (runtime) => {
    for (const site of [NODE, BY_NGINX, BY_APACHE]) {
      await platform.set(site, `runtime=${runtime}`);
      await platform.sleep(site, 'cold').catch(() => undefined);
      expect([site, await status(site, '/'), (await platform.row(site)).runtime]).toEqual([site, 200, runtime]);
      await platform.set(site, 'runtime=crun');
    }
  });
});

describe.each([
  ['nginx', BY_NGINX],
  ['apache', BY_APACHE],
])('PHP behind %s', (web, site) => {
  beforeAll(async () => {
    const files = await codeAt(platform, `lamp-${web}`, {
      'public/index.php': FRONT,
      'public/sub/index.php': '<?php echo "sub";',
      'public/picture.png': 'picture',
      'public/data.json': '{}',
      'public/private/picture.png': 'private picture',
      'public/private/.htaccess': 'Require all denied\n',
      'public/.htaccess':
        'RewriteEngine On\nRewriteRule ^rewritten$ /sub/ [L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule ^(?!rewritten) /index.php [L]\n',
      'public/dump.sql': 'secret',
      'public/evil.jpg': '<?php echo "run";',
      'public/upload.php':
        '<?php file_put_contents(__DIR__ . "/../storage/kept", "x", FILE_APPEND); echo strlen(file_get_contents(__DIR__ . "/../storage/kept"));',
      'public/tables.php': `<?php $d = new PDO('mysql:unix_socket=' . getenv('DB_SOCKET'), getenv('DB_USER'), getenv('DB_PASSWORD'));
echo implode(' ', $d->query('SHOW DATABASES')->fetchAll(PDO::FETCH_COLUMN));`,
      'storage/kept': 'first',
      'composer.json': '{}',
    });
    await platform.api.delete(`/v1/sites/${site}`);
    await createOfCode(platform, site, { stack: 'lamp', web, files, shared: ['storage'] });
  });

  it('is asked as it should be', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '192.0.2.1', 'x-forwarded-proto': 'https', proxy: 'http://evil' };
    const { text } = await platform.fetch(site, '/some/where?a=b%20c', { method: 'POST', body: 'x'.repeat(100_000), headers });
    expect(text.split('\n')).toEqual([
      'REQUEST_URI=/some/where?a=b%20c',
      'SCRIPT_NAME=/index.php',
      'PATH_INFO=',
      web === 'nginx' ? 'QUERY_STRING=a=b%20c' : 'QUERY_STRING=a=b%20c',
      'REMOTE_ADDR=127.0.0.1',
      'HTTPS=',
      `SERVER_PORT=${platform.http}`,
      `HTTP_HOST=${site}:${platform.http}`,
      'body=100000',
      '',
    ]);
    expect(await page(site, '/index.php/behind/it')).toMatch(/^PATH_INFO=\/behind\/it$/mu);
  });

  it.each([
    ['/sub/', 200],
    ['/data.json', 200],
    ['/dump.sql', 404],
    ['/.htaccess', 404],
    ['/.git/config', 404],
    ['/composer.json', 404],
    ['/../composer.json', 400],
    ['/picture.png', 200],
  ])('answers %s with %i', async (path, wanted) => {
    const { text } = await platform.fetch(site, path, { kept: true });
    expect([path, await status(site, path), text.includes('secret')]).toEqual([path, wanted, false]);
  });

  it('runs what is PHP, and nothing else', async () => {
    expect(await page(site, '/evil.jpg')).toBe('<?php echo "run";');
    expect((await platform.fetch(site, '/evil.jpg/x.php')).text).not.toBe('run');
  });

  it(web === 'apache' ? 'keeps to its .htaccess' : 'knows no .htaccess', async () => {
    expect((await page(site, '/rewritten')).trim()).toMatch(web === 'apache' ? /^sub$/u : /REQUEST_URI=\/rewritten/u);
    expect(await status(site, '/private/picture.png')).toBe(web === 'apache' ? 403 : 200);
  });

  it(web === 'apache' ? 'wakes for a picture, which .htaccess may hide' : 'has its pictures shown without a wake', async () => {
    await platform.sleep(site, 'cold');
    expect(await page(site, '/picture.png')).toBe('picture');
    expect((await platform.row(site)).state).toBe(web === 'apache' ? 'running' : 'cold');
  });

  it('keeps what it writes into a shared directory, over another release too, which begins with what the first one had', async () => {
    expect(await page(site, '/upload.php')).toBe('6');
    await deploy(platform, site, { files: join(platform.dir, 'code', `lamp-${web}`) });
    await platform.sleep(site, 'cold');
    expect(await page(site, '/upload.php')).toBe('7');
  });

  it('sees its own database, and no other', async () => {
    const { id } = await platform.row(site);
    expect((await page(site, '/tables.php')).split(' ').toSorted()).toEqual(['information_schema', `site_${id}`]);
  });

  it('ends as a whole when one of its two programs dies, and the next visitor has an answer', async () => {
    await platform.wake(site);
    await platform.inside(site, ['/bin/sh', '-c', 'for p in /proc/[0-9]*; do if grep -q "php-fpm: master" $p/cmdline; then kill -9 "${p#/proc/}"; fi; done']);
    expect(await poll(async () => (await status(site, '/')) === 200 && (await platform.row(site)).wakes > 1, WITHIN)).toBe(true);
  });
});

describe('the database of a site', () => {
  const [FROM, TO] = ['from.localhost', 'to.localhost'];
  const visits = async (site: string): Promise<number> => Number(/visit (\d+)\./u.exec(await page(site))?.[1]);
  const load = (site: string, file: string, more: object = {}): Promise<unknown> =>
    platform.api.work(`/v1/sites/${site}/dump`, { file, ...more }, () => undefined);
  const dump = (): string => join(platform.dir, 'from.sql.gz');

  beforeAll(() => Promise.all([FROM, TO].map((domain) => createOfCode(platform, domain, { stack: 'lamp' }))));

  it('goes out to a dump, and comes in from it, into another site too', async () => {
    for (const count of [1, 2]) expect(await visits(FROM)).toBe(count);
    await platform.json('db', 'export', FROM, dump());
    expect([await visits(FROM), await visits(TO)]).toEqual([3, 1]);
    for (const site of [FROM, TO]) {
      const said = await platform.cli(['db', 'import', site, dump()]);
      expect([said.code, said.stdout.trim()]).toEqual([0, 'loaded 1 tables']);
      expect(await visits(site)).toBe(3);
    }
  });

  it('stays as it was when a dump wants more than tables, or is none', async () => {
    for (const text of ['CREATE TABLE a (b INT); CREATE VIEW v AS SELECT 1;', 'USE mysql; DROP TABLE user;', 'no SQL at all', '']) {
      await writeFile(join(platform.dir, 'bad.sql'), text);
      await expect(load(TO, join(platform.dir, 'bad.sql'))).rejects.toMatchObject({ code: expect.stringMatching(/command_failed|conflict/u) as string });
    }
    await expect(load(TO, dump(), { prefix: 'wp_' })).rejects.toMatchObject({ code: 'conflict' });
    expect(await visits(TO)).toBe(4);
  });

  it('is none of a site that has none', async () => {
    expect(await platform.cli(['db', 'export', NODE])).toMatchObject({ code: 1, stderr: expect.stringContaining('has no database') as string });
    await expect(load(STATIC, dump())).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe.each(['nginx', 'apache'])('a front controller behind %s', (web) => {
  const [drupal, concrete5] = [`drupal-${web}.localhost`, `concrete5-${web}.localhost`];

  beforeAll(async () => {
    const ofDrupal = await codeAt(platform, `drupal-${web}`, {
      'composer.json': '{}',
      'vendor/autoload.php': '<?php echo "run";',
      'web/index.php': FRONT,
      'web/core/install.php': '<?php echo "installer";',
      'web/core/lib/Drupal.php': '<?php echo "run";',
      'web/core/misc/drupal.js': 'js',
      'web/modules/a/a.module': '<?php // secret',
      'web/sites/default/settings.php': '<?php echo "run";',
      'web/sites/default/private/a.pdf': 'secret',
      'web/sites/default/files/a.png': 'picture',
      'web/sites/default/files/evil.php': '<?php echo "run";',
    });
    const ofConcrete5 = await codeAt(platform, `concrete5-${web}`, {
      'index.php': FRONT,
      'application/config/database.php': '<?php echo "run";',
      'application/files/a.png': 'picture',
      'application/files/evil.php': '<?php echo "run";',
      'concrete/css/a.css': 'css',
      'concrete/dispatcher.php': '<?php echo "run";',
      'concrete/config/a.js': 'secret',
      'packages/shop/controller.php': '<?php echo "run";',
    });
    await createOfCode(platform, drupal, { stack: 'drupal', web, files: ofDrupal });
    await createOfCode(platform, concrete5, { stack: 'concrete5', web, files: ofConcrete5 });
  });

  const table = async (site: string, paths: readonly string[]): Promise<Record<string, string>> => {
    const rows = await Promise.all(paths.map(async (path) => [path, await platform.fetch(site, path, { kept: true })] as const));
    return Object.fromEntries(
      rows.map(([path, { status: code, text }]) => [path, code === 200 ? (text.startsWith('REQUEST_URI') ? 'front' : text) : String(code)]),
    );
  };

  it('of Drupal’s shape is asked for pages, and shows of its files what Drupal would', async () => {
    const wanted = {
      '/': 'front',
      '/node/1?a=1': 'front',
      '/index.php/node/1': 'front',
      '/core/install.php': 'installer',
      '/core/misc/drupal.js': 'js',
      '/sites/default/files/a.png': 'picture',
      '/sites/default/files/styles/thumb/a.png': 'front',
      '/sites/default/files/evil.php': '404',
      '/sites/default/settings.php': '404',
      '/sites/default/private/a.pdf': '404',
      '/core/lib/Drupal.php': '404',
      '/modules/a/a.module': '404',
      '/vendor/autoload.php': '404',
      '/%76endor/autoload.php': '404',
      '/sites/default/files/EVIL.PHP': '404',
    };
    expect(await table(drupal, Object.keys(wanted))).toEqual(wanted);
  });

  it('of concrete5’s shape is asked for pages, and shows of its files what concrete5 would', async () => {
    const wanted = {
      '/': 'front',
      '/about/us': 'front',
      '/index.php/dashboard': 'front',
      '/concrete/css/a.css': 'css',
      '/application/files/a.png': 'picture',
      '/application/files/evil.php': '404',
      '/application/config/database.php': '404',
      '/concrete/dispatcher.php': '404',
      '/concrete/config/a.js': '404',
      '/packages/shop/controller.php': '404',
    };
    expect(await table(concrete5, Object.keys(wanted))).toEqual(wanted);
  });
});

describe('a site that is removed', () => {
  it('leaves nothing', async () => {
    const { id } = await platform.row(BY_NGINX);
    await platform.api.delete(`/v1/sites/${BY_NGINX}`);
    expect(await readdir(join(platform.state, 'sites'))).not.toContain(id);
    expect(await raw(platform.http, `GET / HTTP/1.1\r\nHost: ${BY_NGINX}:${platform.http}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 421/u);
  });
});

describe('the daemon, killed', () => {
  it.each(chosen(['release.recorded', 'release.made', 'release.published']))(
    'at %s leaves a whole release, and what it was about to do is done or is not',
    async (where) => {
      await deploy(platform, STATIC, { files: await codeAt(platform, `before-${where}`, { 'index.html': `before ${where}` }) });
      await platform.cli(['down', '--keep']);
      await platform.up(`${where}=kill`);
      const files = await codeAt(platform, `after-${where}`, { 'index.html': `after ${where}` });
      await expect(deploy(platform, STATIC, { files })).rejects.toThrow();
      await platform.up();
      expect(await page(STATIC)).toBe(where === 'release.made' ? `before ${where}` : `after ${where}`);
      await deploy(platform, STATIC, { files });
      const { id } = await platform.row(STATIC);
      expect((await readdir(join(platform.state, 'sites', id, 'releases'))).filter((name) => name.startsWith('.'))).toEqual([]);
      expect(await page(STATIC)).toBe(`after ${where}`);
    },
  );

  it('in the middle of making a site leaves nothing of it', async () => {
    await platform.cli(['down', '--keep']);
    await platform.up('release.made=kill');
    await expect(createOfCode(platform, 'half.localhost', { stack: 'node' })).rejects.toThrow();
    await platform.up();
    const sites = await platform.api.get<SiteReply[]>('/v1/sites');
    expect([sites.map(({ domain }) => domain).includes('half.localhost'), (await readdir(join(platform.state, 'sites'))).length]).toEqual([
      false,
      sites.length,
    ]);
  });
});
