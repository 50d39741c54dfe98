/** Releases that are built before they are led to: what a build can do, what it cannot, and what is left of one that fails. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReleasesReply, SiteReply } from '../../src/api/types.ts';
import { directories } from '../../src/config/directories.ts';
import { recipeKey } from '../../src/image/recipe.ts';
import { poll } from '../../src/lib/deadline.ts';
import { node } from '../../src/stack/node/node.ts';
import { codeAt, createOfCode, deploy } from '../helpers/code.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { WHOLE } from '../reliability/whole.ts';

const [SITE, NPM] = ['built.localhost', 'npm.localhost'];
const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;
const LOOK = `<?php
$tried = fn ($path) => @file_put_contents($path, 'x') === false ? 'no' : 'yes';
$said = [
  'word' => getenv('WORD'), 'database' => getenv('DB_PASSWORD'), 'key' => getenv('APP_SECRET'), 'socket' => file_exists('/run/mysqld/mysqld.sock'),
  'root' => $tried('/usr/x'), 'data' => $tried('/data/x'), 'etc' => $tried('/etc/hosts'), 'user' => trim(shell_exec('id -u')),
  'way out' => (bool) preg_match('/^\\S+\\s+00000000\\s/m', file_get_contents('/proc/net/route')),
];
@mkdir('public');
file_put_contents('public/index.php', '<?php echo ' . var_export(json_encode($said), true) . ', " ", getenv("DB_NAME") !== false;');
echo "built with \\e[31mcolour\\n";
`;

let platform: TestPlatform;
let id: string;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', importSizeLimit: '64m' });
  const files = await codeAt(platform, 'look', { 'build.php': LOOK, 'storage/kept': 'first' });
  await createOfCode(platform, SITE, { stack: 'lamp', files, shared: ['storage'], env: ['WORD=a b'], build: 'php build.php' });
  ({ id } = await platform.row(SITE));
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

async function page(site = SITE): Promise<string> {
  const reply = await platform.fetch(site, '/', { kept: true });
  expect(reply.status).toBe(200);
  return reply.text;
}

const releases = (): Promise<ReleasesReply> => platform.api.get<ReleasesReply>(`/v1/sites/${SITE}/releases`);

/** Whole releases, and nothing beside them; no container that builds. */
async function nothingIsLeft(before: ReleasesReply): Promise<void> {
  expect(await releases()).toEqual(before);
  expect((await readdir(join(platform.state, 'sites', id, 'releases'))).toSorted()).toEqual(before.releases.map(({ name }) => name).toSorted());
  expect((await platform.cgroups()).filter((name) => name.includes('-build-'))).toEqual([]);
  expect(await readdir(join(platform.state, 'sites', id, 'scratch'))).toEqual(expect.not.arrayContaining([expect.stringContaining('-build-')]));
}

describe('a build', () => {
  it('writes to the code of its release, and to nothing else; it has the variables of its owner, a way out, and no database', async () => {
    const [said = '', hasDatabase] = (await page()).split(' 1');
    expect(JSON.parse(said)).toEqual({
      word: 'a b',
      database: false,
      key: false,
      socket: false,
      root: 'no',
      data: 'no',
      etc: 'no',
      user: '33',
      'way out': true,
    });
    expect(hasDatabase).toBe('');
    expect((await platform.json<SiteReply>('site', 'show', SITE)).code).toMatchObject({ build: 'php build.php', release: { documentRoot: 'public' } });
  });

  it('leaves directories that outlive releases as they are', async () => {
    expect((await platform.inside(SITE, ['cat', '/srv/app/storage/kept'])).stdout).toBe('first');
    expect((await platform.inside(SITE, ['readlink', '/srv/app/storage'])).stdout.trim()).toBe('/data/storage');
  });

  it('is run for each release, as long as it is not taken away, and shows what it says', async () => {
    const files = await codeAt(platform, 'next', { 'index.php': 'never built' });
    const built = await platform.cli([
      'site',
      'deploy',
      SITE,
      '--files',
      files,
      '--build',
      'mkdir web && echo "<?php echo 1 + 1;" > web/index.php; echo said aloud',
    ]);
    expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('  | said aloud\n')]);
    expect(await poll(async () => (await page()) === '2', WITHIN)).toBe(true);
    await deploy(platform, SITE, { files: await codeAt(platform, 'after', { 'a.txt': 'a' }) });
    expect((await releases()).releases.at(-1)).toMatchObject({ documentRoot: 'web', files: 2 });
    await platform.json('site', 'deploy', SITE, '--files', files, '--no-build');
    expect(await poll(async () => (await page()) === 'never built', WITHIN)).toBe(true);
  });

  it('is refused where nothing runs that could do it, or where it is none', async () => {
    await expect(createOfCode(platform, 'static.localhost', { stack: 'static', build: 'true' })).rejects.toMatchObject({ code: 'bad_setting' });
    await expect(deploy(platform, SITE, { build: ' ' })).rejects.toMatchObject({ code: 'bad_setting' });
  });
});

describe('a build that fails', () => {
  it.each([
    ['ends badly', 'echo why >&2; exit 3', { code: 'command_failed', message: expect.stringMatching(/ended with 3 and said: why/u) as string }],
    ['fills the disk', 'while :; do head -c 8000000 /dev/zero >> big; done', { code: 'no_space' }],
    ['leaves a pipe behind', 'mkfifo pipe', { code: 'bad_setting', message: expect.stringMatching(/a pipe/u) as string }],
    ['leaves nothing behind', 'rm -rf ./* .[a-z]*', { code: 'bad_setting' }],
    ['digs deep', 'd=.; for i in $(seq 210); do d=$d/d; mkdir $d; done', { code: 'bad_setting' }],
    ['wants all memory', 'php -d memory_limit=-1 -r \'$a = []; while (true) $a[] = str_repeat("x", 1 << 24);\'', { code: 'command_failed' }],
  ])('because it %s leaves the older release, and nothing of its own', async (_how, build, error) => {
    const before = await releases();
    const files = await codeAt(platform, 'failing', { 'index.php': 'failing' });
    await expect(deploy(platform, SITE, { files, build })).rejects.toMatchObject(error);
    await nothingIsLeft(before);
    expect([await page(), (await platform.api.get<SiteReply>(`/v1/sites/${SITE}`)).code?.build]).toEqual(['never built', null]);
  });

  it('because whoever asked went away is ended', async () => {
    const before = await releases();
    const files = await codeAt(platform, 'endless', { 'index.php': 'endless' });
    const asked = await platform.api.stream('POST', `/v1/sites/${SITE}/releases`, { files, build: 'echo begun; sleep 1000' });
    const heard = { text: '' };
    asked.on('data', (chunk) => (heard.text += String(chunk))).on('error', () => undefined);
    expect(await poll(() => heard.text.includes('"said":"begun"'), WITHIN)).toBe(true);
    asked.destroy();
    expect(await poll(async () => (await platform.cgroups()).every((name) => !name.includes('-build-')), WITHIN)).toBe(true);
    await poll(async () => (await readdir(join(platform.state, 'sites', id, 'releases'))).every((name) => !name.startsWith('.')), WITHIN);
    await nothingIsLeft(before);
  });

  it('says more than anybody wants to hear, and the daemon goes on', async () => {
    const files = await codeAt(platform, 'loud', { 'index.php': 'loud' });
    const lines: string[] = [];
    const body = { files, build: 'yes "$(head -c 3000 /dev/zero | tr "\\0" x)" | head -c 30000000; exit 1' };
    const news = { progress: () => undefined, said: (line: string) => void lines.push(line) };
    await expect(platform.api.work(`/v1/sites/${SITE}/releases`, body, news)).rejects.toMatchObject({ code: 'command_failed' });
    expect([lines.at(-1), lines.join('').length < 2 * 1024 ** 2]).toEqual(['… it says more than is shown', true]);
  });
});

describe('what a build leaves that leads elsewhere', () => {
  it('leads to nothing of the machine', async () => {
    const files = await codeAt(platform, 'links', { 'index.php': 'links' });
    const leading = `ln -s ${join(platform.state, 'config.json')} public/a.css && ln -s ${join(platform.state, 'config.json')} public/a.txt`;
    const build = `mkdir public && echo "<?php echo 7;" > public/index.php && ${leading} && mkdir closed && chmod 000 closed`;
    await deploy(platform, SITE, { files, build });
    expect(await poll(async () => (await page()) === '7', WITHIN)).toBe(true);
    for (const path of ['/a.css', '/a.txt']) expect((await platform.fetch(SITE, path, { kept: true })).text).not.toContain('importSizeLimit');
    expect((await platform.fetch(SITE, '/closed/', { kept: true })).text).toBe('7');
  });
});

describe('the daemon, killed', () => {
  it('in the middle of a build ends it with its next start, and nothing is left after the next deploy', async () => {
    const files = await codeAt(platform, 'middle', { 'index.php': 'middle' });
    const asked = await platform.api.stream('POST', `/v1/sites/${SITE}/releases`, { files, build: 'echo begun; sleep 1000' });
    const heard = { text: '' };
    asked.on('data', (chunk) => (heard.text += String(chunk))).on('error', () => undefined);
    expect(await poll(() => heard.text.includes('"said":"begun"'), WITHIN)).toBe(true);
    await platform.killDaemon();
    await platform.up();
    expect((await platform.cgroups()).filter((name) => name.includes('-build-'))).toEqual([]);
    expect(await page()).toBe('7');
    await deploy(platform, SITE, { files, build: 'echo "<?php echo 7;" > index.php' });
    await nothingIsLeft(await releases());
  });

  it('once a release is built leaves the older one, and the next deploy removes what was left', async () => {
    await platform.cli(['down', '--keep']);
    await platform.up('release.built=kill');
    const files = await codeAt(platform, 'killed', { 'index.php': 'killed' });
    await expect(deploy(platform, SITE, { files, build: 'true' })).rejects.toThrow();
    await platform.up();
    expect(await page()).toBe('7');
    await deploy(platform, SITE, { files, build: 'true' });
    expect((await readdir(join(platform.state, 'sites', id, 'releases'))).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await poll(async () => (await page()) === 'killed', WITHIN)).toBe(true);
  });
});

const hasNpm = node.builder !== undefined && existsSync(join(directories({}).cache, recipeKey(node.builder)));
if (!hasNpm && !WHOLE) console.log('skipped: npm, whose image is not in the cache (make it by a first build of a Node site, or run with --whole)');

describe.skipIf(!hasNpm && !WHOLE)('npm', () => {
  const app = {
    name: 'app',
    version: '1.0.0',
    scripts: { start: 'node server.js' },
    dependencies: { greet: 'file:./greet' },
    devDependencies: { never: 'file:./never' },
  };
  const lock = {
    name: 'app',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': app,
      greet: { version: '1.0.0' },
      never: { version: '1.0.0', dev: true },
      'node_modules/greet': { resolved: 'greet', link: true },
      'node_modules/never': { resolved: 'never', link: true, dev: true },
    },
  };

  it('installs what the lock file says, and runs what packages want run', async () => {
    const files = await codeAt(platform, 'npm', {
      'package.json': JSON.stringify(app),
      'package-lock.json': JSON.stringify(lock),
      'greet/package.json': JSON.stringify({
        name: 'greet',
        version: '1.0.0',
        scripts: { install: "node -e \"require('fs').writeFileSync('made.js', 'module.exports = 42')\"" },
      }),
      'greet/index.js': "module.exports = require('./made.js');",
      'never/package.json': JSON.stringify({ name: 'never', version: '1.0.0' }),
      'server.js':
        "require('http').createServer((q, r) => r.end(String(require('greet')) + require('fs').existsSync('node_modules/never'))).listen(process.env.PORT);",
    });
    await createOfCode(platform, NPM, { stack: 'node', files, build: 'npm ci --omit=dev --no-audit --no-fund --offline' });
    expect(await page(NPM)).toBe('42false');
    expect((await platform.inside(NPM, ['npm', '--version'])).code).not.toBe(0);
  });
});
