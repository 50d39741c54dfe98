/** Sites from images: an app at a port, or at a Unix socket, asleep and woken like any site. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobReply, SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { importAppImage } from '../helpers/app-image.ts';
import { rawStatus, TestPlatform } from '../helpers/platform.ts';
import { openSocket, partsOf } from '../helpers/talk.ts';
import { chosen } from '../reliability/whole.ts';

const IMAGE = 'localhost/app:1';
const [APP, OTHER, BY_SOCKET, SAME_SOCKET] = ['app.localhost', 'other.localhost', 'socket.localhost', 'same-socket.localhost'];
const SOCKET = '/run/app/app.sock';
const SECRET = `hush-${randomBytes(8).toString('hex')}`;
const WITHIN = { timeoutMs: 120_000, everyMs: 50 } as const;

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', wakeDeadline: '3s', drainDeadline: '2s', maxBoots: 1 });
  await importAppImage(platform, { name: IMAGE, env: ['FROM_IMAGE=yes'] });
  await create(APP, { env: [`SECRET=${SECRET}`], volumes: ['data:/var/lib/data'] });
  await create(OTHER, {});
  for (const site of [BY_SOCKET, SAME_SOCKET]) await create(site, { socket: SOCKET, env: [`SOCKET=${SOCKET}`] });
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

function create(domain: string, options: Readonly<Record<string, unknown>>): Promise<SiteReply> {
  return platform.api.post<SiteReply>('/v1/apps', { domain, image: IMAGE, ...options });
}

async function page(site: string, path: string): Promise<string> {
  const reply = await platform.fetch(site, path);
  expect([path, reply.status]).toEqual([path, 200]);
  return String(reply.body);
}

const wokenFrom = (header: unknown): string | undefined => /wake;desc="(\w+)"/u.exec(String(header))?.[1];

describe.each([
  ['at a port', APP],
  ['at a Unix socket', BY_SOCKET],
])('an app %s', (_where, site) => {
  it.each(['cold', 'frozen'] as const)('is woken from %s by a visitor, who has an answer', async (state) => {
    await platform.wake(site);
    await platform.sleep(site, state);
    expect((await platform.row(site)).state).toBe(state);
    const reply = await platform.fetch(site, '/');
    expect([reply.status, wokenFrom(reply.headers['server-timing'])]).toEqual([200, state]);
    expect(String(reply.body)).toMatch(/^hello /u);
  });

  it('gets the whole body of the request that woke it', async () => {
    const body = randomBytes(3_000_000);
    await platform.sleep(site, 'cold');
    const reply = await platform.fetch(site, '/echo', { method: 'POST', body });
    expect([reply.status, wokenFrom(reply.headers['server-timing']), body.equals(reply.body)]).toEqual([200, 'cold', true]);
  });

  it('gets every request, whatever it asks for and with whatever cookie', async () => {
    for (const [method, path] of [
      ['PUT', '/wp-admin/x'],
      ['DELETE', '/.git/config'],
      ['PATCH', '/a.php'],
      ['GET', '/wp-content/uploads/a%2Fb.png?x=%20'],
      ['GET', '/headers'],
    ] as const) {
      const headers = { cookie: 'wordpress_logged_in_1=x', authorization: 'Basic eDp5', 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' };
      const said = String(
        (await platform.fetch(site, path === '/headers' ? path : '/headers', { method, headers, ...(method === 'GET' ? {} : { body: '' }) })).body,
      );
      expect(said).toContain(`${method} /headers`);
      expect(said).toMatch(/^Cookie: wordpress_logged_in_1=x\r?$/imu);
      expect(said).toMatch(/^Authorization: Basic eDp5\r?$/imu);
      expect(said).toMatch(/^X-Forwarded-For: 127\.0\.0\.1\r?$/imu);
      expect(said).toMatch(/^X-Forwarded-Proto: http\r?$/imu);
      expect((await platform.fetch(site, path, { method, ...(method === 'GET' ? {} : { body: '' }) })).status).toBe(200);
    }
  });

  it('stays awake for a WebSocket, however long it says nothing, and goes to rest when it is closed', async () => {
    await platform.wake(site);
    await platform.set(site, 'freeze=1s');
    using talk = await openSocket(platform, site);
    expect(await talk.say('one')).toBe('heard one');
    await sleep(4_000);
    expect((await platform.row(site)).state).toBe('running');
    expect(await talk.say('two')).toBe('heard two');
    talk[Symbol.dispose]();
    await platform.untilState(site, 'frozen');
    await platform.set(site, 'freeze=never');
  });

  it('has what it says passed on as it says it', async () => {
    const parts = await partsOf(platform, site, '/stream?0.7');
    expect(parts.map(({ text }) => text)).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
    expect((parts[2]?.at ?? 0) - (parts[0]?.at ?? 0)).toBeGreaterThan(700);
  });

  it('ends while somebody is connected only when it must, and never answers a request twice', async () => {
    await platform.wake(site);
    using talk = await openSocket(platform, site);
    expect(await talk.say('x')).toBe('heard x');
    await platform.sleep(site, 'cold');
    expect(await poll(() => talk.closed, WITHIN)).toBe(true);
    const reply = await platform.fetch(site, '/die');
    expect([reply.status, String(reply.body).includes('The answer broke off')]).toEqual([502, true]);
    expect((await platform.fetch(site, '/')).status).toBe(200);
  });

  it('is not led to any more at once when it died', async () => {
    const before = await page(site, '/born');
    process.kill((await platform.row(site)).pid ?? 0, 'SIGKILL');
    expect(await poll(async () => (await platform.fetch(site, '/born')).status === 200, WITHIN)).toBe(true);
    expect(await page(site, '/born')).not.toBe(before);
  });
});

describe('an app in a network of one’s own', () => {
  const [SHOP, NETWORK] = ['shop.localhost', 'backstage'];
  const hostsOf = async (): Promise<string> => (await platform.cli(['exec', 'store', 'cat', '/etc/hosts'])).stdout;

  beforeAll(async () => {
    await platform.api.post('/v1/networks', { name: NETWORK });
    const store = { image: IMAGE, name: 'store', env: ['PORT=5000'], networks: [{ name: NETWORK, aliases: ['db'] }] };
    await platform.api.work('/v1/containers/run', store, () => undefined);
  });

  it('reaches its neighbours by name, and is found by them for as long as it runs', async () => {
    await create(SHOP, { networks: [{ name: NETWORK, aliases: ['front'] }] });
    expect(await page(SHOP, '/outward?db:5000')).toBe('connected');
    expect(await page(OTHER, '/outward?db:5000')).toMatch(/^not: /u);
    expect(await hostsOf()).toMatch(/\tfront\n/u);
    for (const state of ['frozen', 'cold'] as const) {
      await platform.sleep(SHOP, state);
      expect([state, (await hostsOf()).includes('front')]).toEqual([state, state === 'frozen']);
      expect(await page(SHOP, '/outward?db:5000')).toBe('connected');
    }
    const { pid } = await platform.row(SHOP);
    await platform.killDaemon();
    await platform.up();
    expect((await platform.row(SHOP)).pid).toBe(pid);
    expect([await page(SHOP, '/outward?db:5000'), await page(SHOP, '/outward?store:5000')]).toEqual(['connected', 'connected']);
    expect(await platform.json('network', 'show', NETWORK)).toMatchObject({ users: ['store', SHOP], members: [{ container: 'store' }, { site: SHOP }] });
  });

  it('is refused a network that is not there, and says so when it went', async () => {
    await expect(create('nowhere.localhost', { networks: [{ name: 'no-such', aliases: [] }] })).rejects.toMatchObject({ code: 'not_found' });
    expect(await platform.cli(['network', 'rm', NETWORK])).toMatchObject({ code: 1, stderr: expect.stringContaining(SHOP) as string });
    await platform.api.delete(`/v1/sites/${SHOP}`);
    await platform.api.delete('/v1/containers/store?force=1');
    expect(await platform.json('network', 'prune')).toEqual({ removed: [NETWORK] });
  });
});

describe('what an app finds', () => {
  it('is its user, its variables and its command, by the image and by its owner', async () => {
    expect(await page(APP, '/who')).toBe('1000 1001 1002');
    expect([await page(APP, '/env?FROM_IMAGE'), await page(APP, '/env?SECRET'), await page(APP, '/env?PORT'), await page(OTHER, '/env?SECRET')]).toEqual([
      'yes',
      SECRET,
      '8080',
      '',
    ]);
  });

  it('is a root that it may write to and that goes with its container, and a volume that stays', async () => {
    for (const path of ['/var/lib/data/kept', '/tmp/gone']) expect(await page(APP, `/count?${path}`)).toBe('1');
    await platform.sleep(APP, 'cold');
    expect([await page(APP, '/count?/var/lib/data/kept'), await page(APP, '/count?/tmp/gone')]).toEqual(['2', '1']);
  });

  it('is what a job of its owner finds too: there is one container for all', async () => {
    const once = { kind: 'once', role: 'admin', everyMs: 0, retries: 0, deadlineMs: 60_000 };
    const { id } = await platform.api.post<JobReply>(`/v1/sites/${APP}/jobs`, { ...once, command: ['/usr/bin/perl', '-e', 'print $ENV{FROM_IMAGE}'] });
    const ended = await poll(async () => (await platform.api.get<JobReply>(`/v1/jobs/${id}`)).dueAt === null, WITHIN);
    expect(ended).toBe(true);
    expect((await platform.api.text(`/v1/jobs/${id}/output`)).trim()).toBe('yes');
  });

  it('is no way out, unless its owner asks for one', async () => {
    const said = await Promise.all(['192.0.2.1:80', `169.254.1.1:${platform.http}`].map((place) => page(APP, `/outward?${place}`)));
    for (const text of said) expect(text).toMatch(/^not: /u);
    await platform.set(APP, 'egress=yes');
    await platform.sleep(APP, 'cold');
    expect(await page(APP, `/outward?169.254.1.1:${platform.http}`)).toBe('connected');
    await platform.set(APP, 'egress=no');
    await platform.sleep(APP, 'cold');
    expect(await page(APP, `/outward?169.254.1.1:${platform.http}`)).toMatch(/^not: /u);
  });

  it('is no other app, with or without a way out', async () => {
    await platform.wake(OTHER);
    const [place = ''] = (await readFile(join(platform.run, 'hosts', OTHER, 'public.addr'), 'utf8')).split('\n');
    expect(place).toMatch(/^10\.\d+\.\d+\.\d+:8080$/u);
    // It is there, and answers this machine's root.
    expect(await (await fetch(`http://${place}/`)).text()).toMatch(/^hello /u);
    expect(await page(APP, `/outward?${place}`)).toMatch(/^not: /u);
    await platform.set(APP, 'egress=yes');
    await platform.sleep(APP, 'cold');
    expect(await page(APP, `/outward?${place}`)).toMatch(/^not: /u);
    await platform.set(APP, 'egress=no');
  });
});

describe('apps of one image that listen at the same path', () => {
  it('rest each on their own', async () => {
    for (const site of [BY_SOCKET, SAME_SOCKET]) await platform.wake(site);
    using talk = await openSocket(platform, SAME_SOCKET);
    expect(await talk.say('x')).toBe('heard x');
    for (const site of [BY_SOCKET, SAME_SOCKET]) await platform.set(site, 'freeze=1s');
    await platform.untilState(BY_SOCKET, 'frozen');
    await sleep(2_000);
    expect([(await platform.row(BY_SOCKET)).state, (await platform.row(SAME_SOCKET)).state]).toEqual(['frozen', 'running']);
    talk[Symbol.dispose]();
    await platform.untilState(SAME_SOCKET, 'frozen');
    for (const site of [BY_SOCKET, SAME_SOCKET]) await platform.set(site, 'freeze=never');
  });
});

describe('an app that is slow to start', () => {
  const SLOW = 'slow.localhost';

  it('has the visitor told to come again, and goes on starting meanwhile', async () => {
    await create(SLOW, { env: ['BOOT_SECONDS=6'] });
    await platform.set(SLOW, 'boot=1m');
    const reply = await platform.fetch(SLOW, '/');
    expect([reply.status, Number(reply.headers['retry-after']) > 0]).toEqual([503, true]);
    expect((await platform.row(SLOW)).state).toBe('booting');
    // Nor does it keep others from starting, though one may at a time.
    await platform.sleep(APP, 'cold');
    await platform.sleep(BY_SOCKET, 'cold');
    for (const site of [APP, BY_SOCKET]) expect((await platform.fetch(site, '/')).status).toBe(200);
    await platform.untilState(SLOW, 'running');
    expect((await platform.fetch(SLOW, '/')).status).toBe(200);
  });

  it('is given up when it takes longer than it may', async () => {
    await platform.sleep(SLOW, 'cold');
    await platform.set(SLOW, 'boot=2s');
    await expect(platform.wake(SLOW)).rejects.toThrow('it did not listen at port 8080 within 2000 ms');
    expect((await platform.row(SLOW)).state).toBe('cold');
    await platform.api.delete(`/v1/sites/${SLOW}`);
  });

  it('is not shown before it is well, where it says so', async () => {
    await create(SLOW, { env: ['UNWELL_SECONDS=3'], healthPath: '/health' });
    const { phases } = await platform.wake(SLOW);
    expect(phases['listen']).toBeGreaterThan(1_500);
    await platform.api.delete(`/v1/sites/${SLOW}`);
  });

  it('is told what is wrong when it listens to itself alone', async () => {
    await create(SLOW, { env: ['LISTEN=127.0.0.1'] });
    await platform.set(SLOW, 'boot=2s');
    await expect(platform.wake(SLOW)).rejects.toThrow('have it listen at 0.0.0.0');
    await platform.api.delete(`/v1/sites/${SLOW}`);
  });
});

describe('the record of an app', () => {
  it('keeps the values of its variables to itself', async () => {
    await platform.wake(APP);
    const shown = [
      await platform.cli(['site', 'show', APP]),
      await platform.cli(['site', 'show', APP, '--json']),
      await platform.cli(['events', '-n', '1000']),
    ];
    for (const { code, stdout } of shown) expect([code, stdout.includes(SECRET)]).toEqual([0, false]);
    expect(shown[0]?.stdout).toMatch(/^env +SECRET=…$/mu);
    expect((await platform.grep(SECRET)).filter((place) => !place.includes('/cmdb.sqlite') && !place.endsWith('/config.json'))).toEqual([]);
    expect(await platform.modes(['cmdb.sqlite'])).toEqual(['600']);
  });

  it('takes its variables from a file, which no list of processes shows', async () => {
    const file = join(platform.dir, 'app.env');
    await writeFile(file, `# for tests\nSECRET=${SECRET}\n`, { mode: 0o600 });
    const made = await platform.cli([
      'site',
      'create',
      'by-file.localhost',
      '--image',
      IMAGE,
      '--env-file',
      file,
      '--env',
      'MORE=1',
      '--volume',
      'v:/srv/v',
      '--json',
      '--',
      '-w',
      '/app.pl',
    ]);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const { app } = JSON.parse(made.stdout) as SiteReply;
    expect(app).toMatchObject({ port: 8080, env: ['SECRET', 'MORE'], volumes: ['v:/srv/v'], command: ['-w', '/app.pl'] });
    await platform.api.delete('/v1/sites/by-file.localhost');
  });

  it.each([
    [{ image: 'localhost/none:1' }, 'not_found'],
    [{ env: ['A\nB=1'] }, 'bad_setting'],
    [{ env: ['SUBAKO_INSTANCE=1'] }, 'bad_setting'],
    [{ volumes: ['../x:/data'] }, 'bad_setting'],
    [{ volumes: ['x:/proc/1'] }, 'bad_setting'],
    [{ socket: '/etc/app.sock' }, 'bad_setting'],
    [{ port: 99_999 }, 'bad_setting'],
    [{ domain: APP }, 'already_exists'],
    [{ domain: 'a b' }, 'bad_domain'],
  ])('is not made of %j', async (options, code) => {
    await expect(platform.api.post('/v1/apps', { domain: 'bad.localhost', image: IMAGE, ...options })).rejects.toMatchObject({ code });
    expect((await platform.api.get<SiteReply[]>('/v1/sites')).map(({ domain }) => domain)).not.toContain('bad.localhost');
  });

  it('has nothing that is of WordPress alone, and no database', async () => {
    for (const setting of ['php.memory_limit=64M', 'mode=open', 'admin.from=none', 'cache=on'])
      await expect(platform.set(APP, setting)).rejects.toMatchObject({ code: 'conflict' });
    for (const [words, args] of [
      ['is not a WordPress site', ['user', 'ls', APP]],
      ['is not a WordPress site', ['plugin', 'ls', APP]],
      ['has no database of its own', ['db', 'export', APP, join(platform.dir, 'x.sql')]],
      ['is not a WordPress site', ['site', 'admin-password', APP]],
      ['is not a WordPress site', ['domain', 'primary', APP, 'x.localhost']],
    ] as const) {
      const { code, stderr } = await platform.cli(args);
      expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining(words)]);
    }
    await expect(platform.wake(APP, 'admin')).rejects.toMatchObject({ code: 'conflict' });
    expect((await platform.inside(APP, ['cat', '/etc/passwd'])).stdout).toContain('app:x:1000');
  });

  it('holds its image: it is not removed while a site is made of it', async () => {
    await expect(platform.api.delete(`/v1/images/${encodeURIComponent(IMAGE)}`)).rejects.toMatchObject({ code: 'conflict' });
    expect((await platform.fetch(APP, '/')).status).toBe(200);
  });
});

describe('an app with a newer image', () => {
  it('is moved to it without a gap, and keeps its volume', async () => {
    await importAppImage(platform, { name: 'localhost/app:2', env: ['FROM_IMAGE=newer'], mark: 'newer' });
    await page(APP, '/count?/var/lib/data/moved');
    const answers: number[] = [];
    const moved = { yet: false };
    const asking = (async () => {
      while (!moved.yet) answers.push((await platform.fetch(APP, '/')).status);
    })();
    await platform.api.post(`/v1/sites/${APP}/deploy`, { image: 'localhost/app:2' });
    expect(await poll(async () => (await page(APP, '/env?FROM_IMAGE')) === 'newer', WITHIN)).toBe(true);
    moved.yet = true;
    await asking;
    expect(answers.filter((status) => status !== 200)).toEqual([]);
    expect(await page(APP, '/count?/var/lib/data/moved')).toBe('2');
    await platform.api.post(`/v1/sites/${APP}/deploy`, { image: IMAGE });
    expect(await poll(async () => (await page(APP, '/env?FROM_IMAGE')) === 'yes', WITHIN)).toBe(true);
  });
});

describe('the edge', () => {
  it('has nothing of its own that a visitor of an app could ask for', async () => {
    for (const path of ['/.subako/wake', '/.subako/app', '/.subako/enter', '/.subako/'])
      expect([path, (await platform.fetch(APP, path)).status]).toEqual([path, 404]);
    expect(await rawStatus(platform.http, `GET http://${APP}/ HTTP/1.1\r\nHost: ${APP}\r\nConnection: close\r\n\r\n`)).toBe(200);
  });

  it('keeps no page of an app: it is asked each time', async () => {
    const counts = [];
    for (let visit = 0; visit < 3; visit += 1) counts.push(String((await platform.fetch(APP, '/count?/tmp/kept', { kept: true })).body));
    expect(counts).toEqual(['1', '2', '3']);
    await platform.sleep(APP, 'cold');
    const reply = await platform.fetch(APP, '/', { kept: true });
    expect([reply.status, wokenFrom(reply.headers['server-timing'])]).toEqual([200, 'cold']);
  });

  it('leads to an app by its further names, and sends on to https, as for any site', async () => {
    const [served, sent] = ['served.localhost', 'sent.localhost'];
    await platform.api.post('/v1/domains', { domain: APP, name: served });
    await platform.api.post('/v1/domains', { domain: APP, name: sent, redirect: true });
    for (const kept of [true, false]) {
      expect((await platform.fetch(served, '/', { kept })).status).toBe(200);
      const reply = await platform.fetch(sent, '/x', { kept });
      expect([reply.status, reply.headers.location]).toEqual([301, `http://${APP}:${platform.http}/x`]);
      await platform.set(APP, 'https=redirect');
      expect((await platform.fetch(APP, '/x', { kept })).headers.location).toBe(`https://${APP}:${platform.https}/x`);
      await platform.set(APP, 'https=both');
    }
  });

  it('becomes a tunnel for WebSockets alone', async () => {
    const said = String(
      (await platform.fetch(APP, '/headers', { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' } }))
        .body,
    );
    expect(said).not.toMatch(/^(?:upgrade|connection: upgrade)/imu);
  });
});

describe('a daemon that is killed', () => {
  it('leaves an app that goes on, and the next daemon takes it over', async () => {
    const before = await page(APP, '/born');
    await platform.killDaemon();
    expect(await page(APP, '/born')).toBe(before);
    await platform.up();
    expect(await page(APP, '/born')).toBe(before);
    await platform.sleep(APP, 'frozen');
    expect(await page(APP, '/born')).toBe(before);
  });

  it.each(chosen(['join.linked', 'start.recorded', 'start.started']))(
    'in the middle of a wake (%s) leaves nothing behind, and the next visitor is served',
    async (place) => {
      await platform.sleep(APP, 'cold');
      expect((await platform.cli(['down'])).code).toBe(0);
      await platform.up(`${place}=kill`);
      expect((await platform.fetch(APP, '/')).status).toBe(503);
      await platform.up();
      expect((await platform.row(APP)).state).toBe('cold');
      expect((await platform.devices()).length).toBe(0);
      expect((await platform.mounts()).filter((line) => line.includes('/rootfs/'))).toEqual([]);
      expect((await platform.fetch(APP, '/')).status).toBe(200);
    },
  );

  it('while an app died leads nobody to the address that it had', async () => {
    await platform.wake(APP);
    const { pid } = await platform.row(APP);
    await platform.killDaemon();
    process.kill(pid ?? 0, 'SIGKILL');
    await poll(async () => (await platform.devices()).length === 0, WITHIN);
    expect((await platform.fetch(APP, '/')).status).toBe(503);
    await platform.up();
    expect((await platform.fetch(APP, '/')).status).toBe(200);
  });
});
