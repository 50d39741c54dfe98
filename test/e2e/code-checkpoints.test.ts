/** Sites that run their owner's code leave memory into a checkpoint of their own, and come back with the release that they should have. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReleasesReply, SiteReply } from '../../src/api/types.ts';
import { directories } from '../../src/config/directories.ts';
import { recipeKey } from '../../src/image/recipe.ts';
import { poll } from '../../src/lib/deadline.ts';
import { rails } from '../../src/stack/rails/rails.ts';
import { boundsOf } from '../helpers/bounds.ts';
import { codeAt, createOfCode, deploy } from '../helpers/code.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { chosen, WHOLE } from '../reliability/whole.ts';

const [NODE, STUBBORN, NGINX, APACHE, RAILS] = ['node', 'stubborn', 'nginx', 'apache', 'rails'].map((name) => `${name}.localhost`) as [
  string,
  string,
  string,
  string,
  string,
];
const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;

/** Says which release it is of, and what only its memory and its /tmp know. */
const app = (mark: string): Readonly<Record<string, string>> => ({
  'server.js': `const { createServer } = require('node:http');
const { appendFileSync, readFileSync, openSync } = require('node:fs');
const born = process.hrtime.bigint();
const open = openSync('/tmp/held', 'a');
const tried = (work) => { try { return work(); } catch (error) { return error.code; } };
let visits = 0;
createServer((request, response) => {
  appendFileSync(open, 'x');
  visits += 1;
  response.end(JSON.stringify({
    mark: ${JSON.stringify(mark)}, visits, born: String(born), held: readFileSync('/tmp/held', 'utf8').length, word: process.env.WORD,
    code: tried(() => appendFileSync(__filename, '')), root: tried(() => appendFileSync('/etc/hostname', '')),
    cpus: require('node:os').cpus().length > 0,
  }));
}).listen(process.env.PORT);`,
});

interface Said {
  readonly mark: string;
  readonly visits: number;
  readonly born: string;
  readonly held: number;
  readonly word?: string;
}

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', drainDeadline: '2s' });
  await Promise.all([
    createOfCode(platform, NODE, { stack: 'node', files: await codeAt(platform, 'one', app('one')) }),
    createOfCode(platform, NGINX, { stack: 'lamp' }),
  ]);
  await createOfCode(platform, APACHE, { stack: 'lamp', web: 'apache' });
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

async function page(site: string): Promise<string> {
  const reply = await platform.fetch(site, '/', { kept: true });
  expect([reply.status, reply.status === 200 ? '' : (await platform.events(site)).slice(-3)]).toEqual([200, '']);
  return reply.text;
}

const said = async (): Promise<Said> => JSON.parse(await page(NODE)) as Said;

async function checkpoint(site: string): Promise<void> {
  await platform.wake(site);
  const { to, why } = await platform.sleep(site, 'checkpointed');
  expect([to, why]).toEqual(['checkpointed', undefined]);
}

/** How a visitor finds it, and what he is told. */
async function visit(site: string): Promise<[origin: string | undefined, text: string]> {
  const reply = await platform.fetch(site, '/', { kept: true });
  expect(reply.status).toBe(200);
  return [/wake;desc="(\w+)"/u.exec(String(reply.headers['server-timing']))?.[1], reply.text];
}

const hasCheckpoint = async (site: string): Promise<boolean> => {
  const { id } = await platform.row(site);
  return (await readdir(join(platform.state, 'sites', id))).some((name) => name === 'checkpoint');
};

describe('a Node site', () => {
  // First: once its first pages were measured, a machine that is busy may find a boot as quick.
  it('is taken out of memory by itself when it is idle', async () => {
    const { born } = await said();
    await platform.set(NODE, 'idle=1s');
    await platform.untilState(NODE, 'checkpointed');
    await platform.set(NODE, 'idle=never');
    expect([(await visit(NODE))[0], (await said()).born]).toEqual(['checkpointed', born]);
  });

  it('comes back as the same process, with what it had in memory and in /tmp, again and again', async () => {
    const { born, visits, held } = await said();
    for (const count of [1, 2, 3]) {
      await checkpoint(NODE);
      const [origin, text] = await visit(NODE);
      expect([origin, JSON.parse(text)]).toEqual([
        'checkpointed',
        { mark: 'one', visits: visits + count, born, held: held + count, code: 'EROFS', root: 'EACCES', cpus: true },
      ]);
    }
  });

  it('has the bounds of one that was booted', async () => {
    await platform.sleep(NODE, 'cold');
    await platform.wake(NODE);
    const before = await boundsOf(platform, NODE);
    await checkpoint(NODE);
    expect((await platform.wake(NODE)).origin).toBe('checkpoint');
    expect(await boundsOf(platform, NODE)).toEqual(before);
  });

  it.each(['asleep', 'awake'])('is of the next release, and of the one before after a rollback, when it was %s', async (how) => {
    const { current } = await platform.api.get<ReleasesReply>(`/v1/sites/${NODE}/releases`);
    for (const [mark, move] of [
      ['two', async () => deploy(platform, NODE, { files: await codeAt(platform, 'two', app('two')) })],
      ['one', () => platform.json('site', 'rollback', NODE, current)],
    ] as const) {
      await checkpoint(NODE);
      if (how === 'awake') await platform.wake(NODE);
      await move();
      expect([how, await hasCheckpoint(NODE)]).toEqual([how, false]);
      expect(await poll(async () => (await said()).mark === mark, WITHIN)).toBe(true);
      await checkpoint(NODE);
      expect((await visit(NODE))[0]).toBe('checkpointed');
      expect((await said()).mark).toBe(mark);
    }
  });

  it('is given other variables, which its checkpoint does not have', async () => {
    await checkpoint(NODE);
    await deploy(platform, NODE, { env: ['WORD=other'] });
    expect((await said()).word).toBe('other');
    await deploy(platform, NODE, { env: ['WORD'] });
    expect(await poll(async () => (await said()).word === undefined, WITHIN)).toBe(true);
  });

  it('is frozen or booted under another runtime', async () => {
    await platform.sleep(NODE, 'cold');
    await platform.set(NODE, 'runtime=runc');
    await platform.wake(NODE);
    await expect(platform.sleep(NODE, 'checkpointed')).rejects.toThrow('containers of runc are frozen or booted');
    await platform.sleep(NODE, 'cold');
    await platform.set(NODE, 'runtime=crun');
  });
});

describe('code that cannot be brought back', () => {
  // Beside its socket, where nothing but sockets comes back.
  const server = "require('node:http').createServer((_q, r) => r.end('stubborn')).listen(process.env.PORT);";

  it('goes cold and says why, and its next release is tried again', async () => {
    const files = await codeAt(platform, 'stubborn', { 'server.js': `require('node:fs').writeFileSync('/run/subako/mine', '');${server}` });
    await createOfCode(platform, STUBBORN, { stack: 'node', files });
    expect(await page(STUBBORN)).toBe('stubborn');
    expect(await platform.sleep(STUBBORN, 'checkpointed')).toMatchObject({ to: 'cold', why: expect.stringMatching(/keeps mine beside its socket/u) });
    const why = async (): Promise<string | null | undefined> => (await platform.api.get<SiteReply>(`/v1/sites/${STUBBORN}`)).noCheckpoints;
    expect(await why()).toMatch(/keeps mine beside its socket/u);
    await platform.wake(STUBBORN);
    await platform.set(STUBBORN, 'idle=1s');
    await platform.untilState(STUBBORN, 'cold');
    await deploy(platform, STUBBORN, { files: await codeAt(platform, 'milder', { 'server.js': server }) });
    expect(await why()).toBe(null);
    await platform.wake(STUBBORN);
    await platform.untilState(STUBBORN, 'checkpointed');
    expect(await visit(STUBBORN)).toEqual(['checkpointed', 'stubborn']);
  });
});

describe.each([
  ['nginx', NGINX],
  ['Apache httpd', APACHE],
])('PHP behind %s', (_web, site) => {
  it('comes back with its web server, and finds its database', async () => {
    await page(site);
    await checkpoint(site);
    const [origin, text] = await visit(site);
    expect([origin, text]).toEqual(['checkpointed', expect.stringMatching(/visit \d+\./u)]);
    await checkpoint(site);
    expect((await visit(site))[0]).toBe('checkpointed');
    expect((await platform.sleep(site, 'cold')).ms).toBeLessThan(8_000);
  });
});

describe('the daemon, killed', () => {
  it.each(chosen(['release.published', 'release.recorded']))('at %s of a deploy never brings the older release back', async (where) => {
    const marks = [`before ${where}`, `after ${where}`] as const;
    await deploy(platform, NODE, { files: await codeAt(platform, 'before', app(marks[0])) });
    await platform.sleep(NODE, 'cold').catch(() => undefined); // nobody woke it yet
    await checkpoint(NODE);
    await platform.cli(['down', '--keep']);
    await platform.up(`${where}=kill`);
    await expect(deploy(platform, NODE, { files: await codeAt(platform, 'after', app(marks[1])) })).rejects.toThrow();
    await platform.up();
    expect([(await platform.wake(NODE)).origin, (await said()).mark]).toEqual(['boot', marks[1]]);
  });

  it('between a deploy and a checkpoint takes none of what it adopts of the older release', async () => {
    await deploy(platform, NODE, { files: await codeAt(platform, 'older', app('older')) });
    expect(await poll(async () => (await said()).mark === 'older', WITHIN)).toBe(true);
    await platform.cli(['down', '--keep']);
    await platform.up('release.recorded=kill');
    await expect(deploy(platform, NODE, { files: await codeAt(platform, 'newer', app('newer')) })).rejects.toThrow();
    await platform.up();
    // By hand, at once: what runs is of the older one still, or was replaced already.
    await platform.sleep(NODE, 'checkpointed').catch(() => undefined);
    expect((await said()).mark).toBe('newer');
    await checkpoint(NODE);
    expect((await visit(NODE))[0]).toBe('checkpointed');
    expect((await said()).mark).toBe('newer');
  });

  it.each(chosen(['checkpoint.dumped', 'checkpoint.kept', 'checkpoint.begun']))('at %s leaves it well, and nothing behind', async (where) => {
    const { mark } = await said();
    await platform.killDaemon();
    await platform.up(`${where}=kill`);
    await platform.sleep(NODE, 'checkpointed').catch(() => undefined);
    await platform.up();
    expect((await said()).mark).toBe(mark);
    await platform.sleep(NODE, 'cold');
    const dir = join(platform.state, 'sites', (await platform.row(NODE)).id);
    expect(await readdir(join(dir, 'scratch'))).toEqual([]);
    expect(await poll(async () => (await readdir(dir)).every((name) => !name.includes('checkpoint')), WITHIN)).toBe(true);
  });
});

const hasRails = rails.recipe !== undefined && existsSync(join(directories({}).cache, recipeKey(rails.recipe)));
if (!hasRails && !WHOLE) console.log('skipped: a checkpoint of Rails, whose image is not in the cache (make it with a first Rails site, or run with --whole)');

describe.skipIf(!hasRails && !WHOLE)('a Rails site', () => {
  beforeAll(() => createOfCode(platform, RAILS, { stack: 'rails' }));

  it('comes back from its checkpoint, with its database connected anew', async () => {
    expect(await page(RAILS)).toContain('visit 1.');
    for (const count of [2, 3]) {
      // It holds a connection to its database now.
      await checkpoint(RAILS);
      const [origin, text] = await visit(RAILS);
      expect([origin, text]).toEqual(['checkpointed', expect.stringContaining(`visit ${count}.`)]);
    }
  });
});
