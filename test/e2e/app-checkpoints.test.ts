/** Apps that leave memory into a checkpoint of their own and come back where they were; and those that cannot. */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { boundsOf } from '../helpers/bounds.ts';
import { importAppImage, importNginx, importNodeApp } from '../helpers/app-image.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { openSocket } from '../helpers/talk.ts';
import { WHOLE } from '../reliability/whole.ts';

const [APP, BY_SOCKET, NGINX, NODE, QUEUE] = ['app', 'by-socket', 'nginx', 'node', 'queue'].map((name) => `${name}.localhost`) as [
  string,
  string,
  string,
  string,
  string,
];
/** Of one image. */
const QUEUES = [QUEUE, ...['two', 'three', 'four'].map((name) => `queue-${name}.localhost`)];
const SOCKET = '/run/app/app.sock';
const WITHIN = { timeoutMs: 30_000, everyMs: 50 } as const;
const ids = new Map<string, string>();

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', drainDeadline: '2s' });
  await importAppImage(platform, { name: 'localhost/app:1' });
  // What an image cannot is remembered: another one, though the same program.
  await importAppImage(platform, { name: 'localhost/queue:1', env: ['QUEUE=held'] });
  await importNginx(platform, 'localhost/nginx:1');
  await importNodeApp(platform, 'localhost/node:1');
  await create(APP, { image: 'localhost/app:1', volumes: ['data:/var/lib/data'], env: ['ALSO=127.0.0.1:9000'] });
  await create(BY_SOCKET, { image: 'localhost/app:1', socket: SOCKET, env: [`SOCKET=${SOCKET}`] });
  await create(NGINX, { image: 'localhost/nginx:1' });
  await create(NODE, { image: 'localhost/node:1' });
  for (const site of QUEUES) await create(site, { image: 'localhost/queue:1' });
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

async function create(domain: string, options: Readonly<Record<string, unknown>>): Promise<void> {
  ids.set(domain, (await platform.api.post<SiteReply>('/v1/apps', { domain, ...options })).id);
}

async function page(site: string, path: string): Promise<string> {
  const reply = await platform.fetch(site, path);
  expect([path, reply.status]).toEqual([path, 200]);
  return String(reply.body);
}

/** Asleep from now on. */
async function checkpoint(site: string): Promise<void> {
  await platform.wake(site);
  expect(await platform.sleep(site, 'checkpointed')).toMatchObject({ to: 'checkpointed' });
  expect((await platform.row(site)).state).toBe('checkpointed');
}

/** How a visitor finds it. */
async function originOf(site: string): Promise<string | undefined> {
  const reply = await platform.fetch(site, '/');
  expect(reply.status).toBe(200);
  return /wake;desc="(\w+)"/u.exec(String(reply.headers['server-timing']))?.[1];
}

const dirOf = (site: string): string => join(platform.state, 'sites', ids.get(site) ?? '', 'checkpoint');
const typesSince = async (site: string, seq: number): Promise<string[]> =>
  (await platform.events(site)).filter((event) => event.seq > seq).map(({ type }) => type);
const lastSeq = async (): Promise<number> => (await platform.events()).at(-1)?.seq ?? 0;

describe.each([
  ['at a port', APP],
  ['at a Unix socket', BY_SOCKET],
])('an app %s', (_where, site) => {
  it('comes back as the same process, with what it had written, again and again', async () => {
    const born = await page(site, '/born');
    for (const count of ['1', '2', '3']) {
      expect(await page(site, '/count?/tmp/counted')).toBe(count);
      await checkpoint(site);
      expect(await originOf(site)).toBe('checkpointed');
      expect(await page(site, '/born')).toBe(born);
    }
  });

  it('gets the whole body of the request that woke it', async () => {
    await checkpoint(site);
    const body = Buffer.alloc(3_000_000, 'x');
    const reply = await platform.fetch(site, '/echo', { method: 'POST', body });
    expect([reply.status, body.equals(reply.body)]).toEqual([200, true]);
  });

  it('has lost its connections, and serves others', async () => {
    await platform.wake(site);
    using talk = await openSocket(platform, site);
    expect(await talk.say('one')).toBe('heard one');
    // Of a Unix socket, the other end would have to come back too.
    const to = site === BY_SOCKET ? { to: 'cold', why: expect.stringContaining('somebody is connected') } : { to: 'checkpointed' };
    expect(await platform.sleep(site, 'checkpointed')).toMatchObject(to);
    expect(await poll(() => talk.closed, WITHIN)).toBe(true);
    using next = await openSocket(platform, site);
    expect(await next.say('two')).toBe('heard two');
  });

  it('has the bounds of one that was booted', async () => {
    await platform.wake(site);
    const overlay = ['uuid', 'lowerdir', 'upperdir', 'workdir', 'size'];
    const before = await boundsOf(platform, site, overlay);
    await checkpoint(site);
    await platform.wake(site);
    expect(await boundsOf(platform, site, overlay)).toEqual(before);
  });
});

describe('an nginx with its workers', () => {
  it('comes back, and goes on with the log that it holds open', async () => {
    await checkpoint(NGINX);
    expect(await page(NGINX, '/')).toBe('from nginx');
    await checkpoint(NGINX);
    expect(await originOf(NGINX)).toBe('checkpointed');
    const lines = async (): Promise<number> => (await page(NGINX, '/log')).trim().split('\n').length;
    expect(await lines()).toBeGreaterThanOrEqual(2);
  });
});

describe('a Node app with its threads', () => {
  it('goes on counting where it was, and its timers ring', async () => {
    const state = async (): Promise<{ visits: number; rings: number; sockets: number }> => JSON.parse(await page(NODE, '/')) as never;
    await platform.wake(NODE);
    {
      using talk = await openSocket(platform, NODE);
      expect(await talk.say('x')).toBe('heard x');
      expect((await state()).sockets).toBe(1);
      await checkpoint(NODE);
    }
    const back = await state();
    expect(back.visits).toBe(2);
    expect(await poll(async () => (await state()).sockets === 0, WITHIN)).toBe(true);
    expect(await poll(async () => (await state()).rings > back.rings, WITHIN)).toBe(true);
    await checkpoint(NODE);
    using talk = await openSocket(platform, NODE);
    expect(await talk.say('y')).toBe('heard y');
    expect((await state()).visits).toBeGreaterThan(back.visits);
  });

  it('is checkpointed by itself when it is idle', async () => {
    await platform.wake(NODE);
    await platform.set(NODE, 'idle=1s');
    await platform.untilState(NODE, 'checkpointed');
    await platform.set(NODE, 'idle=never');
    expect(await originOf(NODE)).toBe('checkpointed');
  });
});

describe('an app that cannot be taken out of memory', () => {
  it('goes cold and says why, and is tried again only by who asks for it', async () => {
    await platform.wake(QUEUE);
    const tried = await platform.sleep(QUEUE, 'checkpointed');
    expect(tried).toMatchObject({ to: 'cold', why: expect.stringMatching(/criu could not dump/u) });
    expect(await originOf(QUEUE)).toBe('cold');
    // One owner's site says nothing of the others'. When three could not, the fourth is not tried.
    const tries: string[] = [];
    for (const site of QUEUES) {
      const since = await lastSeq();
      await platform.wake(site);
      await platform.set(site, 'idle=1s');
      await platform.untilState(site, 'cold');
      await platform.set(site, 'idle=never');
      if ((await typesSince(site, since)).includes('checkpoint.failed')) tries.push(site);
      expect((await platform.cli(['site', 'show', site])).stdout).toMatch(/^no checkpoints +.*dump/mu);
    }
    expect(tries).toEqual(QUEUES.slice(1, 3));
    const { stdout } = await platform.cli(['checkpoint', 'ls']);
    expect(stdout).toMatch(/queue\.localhost.*dump/u);
  });

  it('is remembered by the next daemon', async () => {
    await platform.killDaemon();
    await platform.up();
    expect((await platform.cli(['site', 'show', QUEUE])).stdout).toMatch(/^no checkpoints +.*dump/mu);
  });
});

describe('a checkpoint of an app', () => {
  const DAMAGES: Readonly<Record<string, (dir: string) => Promise<void>>> = {
    'a bit of its memory flipped': async (dir) => flipBit(join(dir, (await readdir(dir)).find((name) => name.startsWith('pages')) ?? '')),
    'what it changed taken away': (dir) => rm(join(dir, 'changes'), { recursive: true }),
  };

  it.each(Object.entries(DAMAGES))('with %s is not used: it boots', async (_what, damage) => {
    await checkpoint(APP);
    await damage(dirOf(APP));
    const since = await lastSeq();
    const { origin } = await platform.wake(APP);
    expect(origin).toBe('boot');
    const types = new Set((await platform.events()).filter((event) => event.seq > since).map(({ type }) => type));
    expect([types.has('checkpoint.discarded'), types.has('restore.failed')]).toEqual([true, false]);
  });

  it('is gone when the site moves to another image, or is to have none', async () => {
    await checkpoint(APP);
    await importAppImage(platform, { name: 'localhost/app:2', mark: 'newer' });
    await platform.api.post(`/v1/sites/${APP}/deploy`, { image: 'localhost/app:2' });
    expect((await platform.row(APP)).state).toBe('cold');
    await checkpoint(APP);
    await platform.set(APP, 'checkpoint=never');
    expect((await platform.row(APP)).state).toBe('cold');
    await platform.set(APP, 'checkpoint=auto');
  });

  it('outlives the platform, and what it changed with it', async () => {
    await platform.wake(APP);
    await page(APP, '/count?/tmp/kept');
    const born = await page(APP, '/born');
    await checkpoint(APP);
    expect((await platform.cli(['down'])).code).toBe(0);
    await platform.up();
    expect([await originOf(APP), await page(APP, '/born'), await page(APP, '/count?/tmp/kept')]).toEqual(['checkpointed', born, '2']);
  });
});

describe('a daemon that is killed', () => {
  const begun = [
    ['checkpoint.dumped', 'cold'],
    ['checkpoint.begun', 'cold'],
    ['checkpoint.kept', 'checkpointed'],
  ];
  it.each(begun.slice(0, WHOLE ? 3 : 1))('while an app is checkpointed (%s) leaves it well, and nothing behind', async (place, state) => {
    await platform.wake(APP);
    await platform.killDaemon();
    await platform.up(`${place}=kill`);
    await platform.sleep(APP, 'checkpointed').catch(() => undefined);
    await platform.up();
    // Its processes may be there still: the first one was not taken yet.
    const now = (await platform.row(APP)).state;
    expect(place === 'checkpoint.begun' ? ['running', 'cold'] : [state]).toContain(now);
    expect((await platform.fetch(APP, '/')).status).toBe(200);
    await nothingIsLeft();
  });

  it.each(['restore.viewed', ...(WHOLE ? ['restore.restored'] : [])])(
    'while an app is brought back (%s) leaves nothing behind, and the next visitor is served',
    async (place) => {
      await checkpoint(APP);
      expect((await platform.cli(['down'])).code).toBe(0);
      await platform.up(`${place}=kill`);
      expect((await platform.fetch(APP, '/')).status).toBe(503);
      await platform.up();
      await nothingIsLeft();
      expect((await platform.fetch(APP, '/')).status).toBe(200);
    },
  );
});

async function nothingIsLeft(): Promise<void> {
  await platform.sleep(APP, 'cold');
  const scratch = join(platform.state, 'sites', ids.get(APP) ?? '');
  expect(await readdir(join(scratch, 'scratch'))).toEqual([]);
  expect(await poll(async () => (await readdir(scratch)).every((name) => !name.includes('checkpoint')), WITHIN)).toBe(true);
  for (const site of [BY_SOCKET, NGINX, NODE, ...QUEUES]) await platform.sleep(site, 'cold').catch(() => undefined); // they rest already
  expect((await platform.mounts()).filter((line) => line.includes('/rootfs/'))).toEqual([]);
  expect(await platform.devices()).toEqual([]);
}

async function flipBit(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 100);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, 100);
}
