/** Sites under each runtime that they can be set to, WordPress and apps: they answer through the edge, wake from cold and frozen, and survive the daemon. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobReply, SiteReply } from '../../src/api/types.ts';
import { importAppImage } from '../helpers/app-image.ts';
import { openSocket } from '../helpers/talk.ts';
import { poll } from '../../src/lib/deadline.ts';
import { unixConnections } from '../../src/lib/proc.ts';
import { cgroupsOf } from '../helpers/container-facts.ts';
import { TestPlatform } from '../helpers/platform.ts';

let platform: TestPlatform;

const IMAGE = 'localhost/app:1';
const SOCKET = '/run/app/app.sock';

const domainOf = (runtime: string): string => `on-${runtime}.localhost`;
const titled = (domain: string): string => `<title>Title-of-${domain}`;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never' });
  await importAppImage(platform, { name: IMAGE, env: ['FROM_IMAGE=yes'] });
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

async function containerOf(domain: string): Promise<string> {
  const { pid } = await platform.row(domain);
  return [...(await cgroupsOf(pid ?? 0)).values()][0]?.split('/').at(-1) ?? '';
}

/** The end of a job that is run once, and what it said. */
async function ran(domain: string, command: readonly string[], role = 'public'): Promise<{ outcome: string | undefined; said: string }> {
  const once = { kind: 'once', role, everyMs: 0, retries: 0, deadlineMs: 60_000 };
  const { id } = await platform.api.post<JobReply>(`/v1/sites/${domain}/jobs`, { ...once, command });
  const ended = async (): Promise<JobReply | undefined> => {
    const job = await platform.api.get<JobReply>(`/v1/jobs/${id}`);
    return job.dueAt === null ? job : undefined;
  };
  const job = await poll(ended, { timeoutMs: 120_000, everyMs: 50 });
  return { outcome: job?.runs[0]?.outcome, said: (await platform.api.text(`/v1/jobs/${id}/output`)).trim() };
}

/** What an owner's hook said is in the site's log. */
async function untilLogged(domain: string, text: string): Promise<void> {
  const logged = async (): Promise<boolean> => (await platform.cli(['logs', domain])).stdout.includes(text);
  expect(await poll(logged, { timeoutMs: 60_000, everyMs: 100 }), text).toBe(true);
}

async function page(domain: string): Promise<{ text: string; timing: string }> {
  const { status, text, headers } = await platform.fetch(domain, '/');
  expect([status, text.includes('</html>')]).toEqual([200, true]);
  return { text, timing: String(headers['server-timing'] ?? '') };
}

describe.each(['runc', 'runsc'] as const)('a site under %s', (runtime) => {
  const domain = domainOf(runtime);

  beforeAll(async () => {
    await platform.createSite(domain, '--title', `Title-of-${domain}`);
    await platform.set(domain, `runtime=${runtime}`);
  });

  it('wakes from cold for a visitor, by a boot, and answers', async () => {
    const { text, timing } = await page(domain);
    expect(text).toContain(titled(domain));
    expect(timing).toContain('wake;desc="cold"');
    expect(await platform.row(domain)).toMatchObject({ state: 'running', runtime });
    expect((await page(domain)).timing).not.toContain('wake');
  });

  it('wakes from frozen', async () => {
    await platform.sleep(domain, 'frozen', 'public');
    const { text, timing } = await page(domain);
    expect(text).toContain(titled(domain));
    expect(timing).toContain('wake;desc="frozen"');
  });

  it('says that it is not checkpointed, and is not', async () => {
    expect(await platform.api.get<SiteReply>(`/v1/sites/${domain}`)).toMatchObject({ runtime, noCheckpoints: expect.stringContaining(runtime) as string });
    await expect(platform.sleep(domain, 'checkpointed', 'public')).rejects.toMatchObject({ code: 'conflict' });
    expect(await platform.row(domain)).toMatchObject({ state: 'running' });
  });

  it('runs commands beside its first process, as its user', async () => {
    const { stdout, code } = await platform.inside(domain, ['php8.4', '-n', '-r', 'echo getmyuid(), " ", php_sapi_name();'], { role: 'public' });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/ cli$/u)]);
    expect((await platform.inside(domain, ['id', '-u'], { role: 'public' })).stdout).toBe('33\n');
  });

  it('writes to its content and database in the admin role', async () => {
    const code =
      'update_option("blogdescription", "told"); file_put_contents(WP_CONTENT_DIR . "/uploads/told.txt", "told"); echo get_option("blogdescription");';
    expect(await platform.wordpress(domain, code)).toMatchObject({ stdout: expect.stringContaining('told') as string });
    expect((await platform.fetch(domain, '/wp-content/uploads/told.txt')).text).toBe('told');
    expect((await page(domain)).text).toContain('told');
  });

  it('is not put to sleep under a request', async () => {
    await platform.plantPhp(domain, 'slow.php', '<?php usleep(1500000); echo "whole";');
    const slow = platform.fetch(domain, '/wp-content/plugins/slow.php');
    const inFlight = async (): Promise<boolean> => (await unixConnections()).get(`${await containerOf(domain)}.sock`) === 1;
    expect(await poll(inFlight, { timeoutMs: 10_000, everyMs: 5 })).toBe(true);
    await platform.sleep(domain, 'frozen', 'public');
    expect(await slow).toMatchObject({ status: 200, text: 'whole' });
  });

  it('reaches itself from the admin role, over its network', async () => {
    const code = `$got = wp_remote_get("http://${domain}:${platform.http}/"); echo is_wp_error($got) ? $got->get_error_message() : wp_remote_retrieve_response_code($got);`;
    expect(await platform.wordpress(domain, code)).toMatchObject({ stdout: '200' });
  });

  it('hands its mail to the platform, which refuses it without a relay', async () => {
    expect(await platform.wordpress(domain, 'echo json_encode(wp_mail("you@example.org", "subject", "text"));')).toMatchObject({ stdout: 'false' });
    expect((await platform.events(domain)).map(({ type }) => type)).toContain('mail.refused');
  });

  it('runs jobs, as its user, in either role', async () => {
    for (const role of ['public', 'admin']) expect(await ran(domain, ['id', '-u'], role)).toEqual({ outcome: 'done', said: '33' });
    expect(await ran(domain, ['/bin/false'])).toMatchObject({ outcome: 'failed' });
  });

  it('runs hooks of its owner, which may veto', async () => {
    await platform.plantPhp(domain, 'hook.php', '<?php $told = json_decode(stream_get_contents(STDIN)); echo "$told->hook by $told->site\\n"; exit(75);');
    const hook = '/usr/bin/php8.4 -n /srv/wordpress/wp-content/plugins/hook.php';
    await platform.set(domain, `hook.ready=${hook}`, `hook.before-stop=${hook}`);
    await platform.sleep(domain, 'cold');
    await page(domain);
    await untilLogged(domain, `ready by ${domain}`);
    await platform.set(domain, 'freeze=1s', 'idle=2s');
    const vetoed = async (): Promise<boolean> => (await platform.events(domain)).some(({ type }) => type === 'hook.vetoed');
    expect(await poll(vetoed, { timeoutMs: 60_000, everyMs: 200 })).toBe(true);
    await platform.set(domain, 'hook.ready=off', 'hook.before-stop=off', 'freeze=never', 'idle=never');
    await page(domain);
  });

  it('is adopted by the next daemon, and goes to sleep for it', async () => {
    const before = (await platform.row(domain)).pid;
    await platform.killDaemon();
    await platform.up();
    expect(await platform.row(domain)).toMatchObject({ pid: before, state: 'running', runtime });
    await page(domain);
    await platform.sleep(domain, 'cold');
    expect(await platform.row(domain)).toMatchObject({ pid: null, state: 'cold' });
  });

  it('is recycled into the runtime that it is set to while it runs', async () => {
    await page(domain);
    await platform.set(domain, 'runtime=crun');
    const changed = await poll(async () => (await platform.row(domain)).runtime === 'crun', { timeoutMs: 120_000, everyMs: 200 });
    expect(changed).toBe(true);
    expect((await page(domain)).text).toContain(titled(domain));
  });

  it('gives up the checkpoint that it had under crun', async () => {
    await platform.sleep(domain, 'checkpointed', 'public');
    expect(await platform.row(domain)).toMatchObject({ state: 'checkpointed' });
    await platform.set(domain, `runtime=${runtime}`);
    expect(await platform.row(domain)).toMatchObject({ state: 'cold' });
    await page(domain);
    expect(await platform.row(domain)).toMatchObject({ state: 'running', runtime });
  });
});

describe.each(['runc', 'runsc'] as const)('an app under %s', (runtime) => {
  const [atPort, atSocket] = [`port-${runtime}.localhost`, `socket-${runtime}.localhost`];
  const secret = `hush-${randomBytes(8).toString('hex')}`;

  beforeAll(async () => {
    const make = (domain: string, options: object) => platform.api.post<SiteReply>('/v1/apps', { domain, image: IMAGE, ...options });
    await make(atPort, { env: [`SECRET=${secret}`], volumes: ['data:/var/lib/data'] });
    await make(atSocket, { socket: SOCKET, env: [`SOCKET=${SOCKET}`] });
    for (const domain of [atPort, atSocket]) await platform.set(domain, `runtime=${runtime}`);
  });

  it.each([atPort, atSocket])('is woken from cold and from frozen: %s', async (domain) => {
    for (const state of ['cold', 'frozen'] as const) {
      await platform.sleep(domain, state);
      const body = randomBytes(1_000_000);
      const reply = await platform.fetch(domain, '/echo', { method: 'POST', body });
      expect([reply.status, body.equals(reply.body), String(reply.headers['server-timing'])]).toEqual([200, true, expect.stringContaining(`desc="${state}"`)]);
    }
    expect(await platform.row(domain)).toMatchObject({ state: 'running', runtime });
  });

  it('is its image’s user, with a root that goes and a volume that stays', async () => {
    const said = async (path: string): Promise<string> => (await platform.fetch(atPort, path)).text;
    expect([await said('/who'), await said('/env?FROM_IMAGE')]).toEqual(['1000 1001 1002', 'yes']);
    for (const path of ['/var/lib/data/kept', '/tmp/gone']) expect(await said(`/count?${path}`)).toBe('1');
    await platform.sleep(atPort, 'cold');
    expect([await said('/count?/var/lib/data/kept'), await said('/count?/tmp/gone')]).toEqual(['2', '1']);
  });

  it.each([atPort, atSocket])('stays awake for a WebSocket: %s', async (domain) => {
    await platform.set(domain, 'freeze=1s');
    using talk = await openSocket(platform, domain);
    expect(await talk.say('one')).toBe('heard one');
    expect(await poll(async () => (await platform.row(domain)).state !== 'running', { timeoutMs: 3_000, everyMs: 200 })).toBeUndefined();
    talk[Symbol.dispose]();
    await platform.untilState(domain, 'frozen');
    await platform.set(domain, 'freeze=never');
  });

  it('finds its neighbours in a network of one’s own by name, and is found', async () => {
    const [network, among, store] = [`net-${runtime}`, `among-${runtime}.localhost`, `store-${runtime}`];
    await platform.api.post('/v1/networks', { name: network });
    const beside = { image: IMAGE, name: store, env: ['PORT=5000'], networks: [{ name: network, aliases: ['db'] }] };
    await platform.api.work('/v1/containers/run', beside, () => undefined);
    await platform.api.post<SiteReply>('/v1/apps', { domain: among, image: IMAGE, networks: [{ name: network, aliases: ['front'] }] });
    await platform.set(among, `runtime=${runtime}`);
    for (const state of ['cold', 'frozen'] as const) {
      await platform.sleep(among, state);
      expect((await platform.fetch(among, '/outward?db:5000')).text).toBe('connected');
    }
    const ask = 'print IO::Socket::INET->new("front:8080") ? "found" : "not: $@"';
    expect((await platform.cli(['exec', store, 'perl', '-MIO::Socket::INET', '-e', ask])).stdout).toBe('found');
    await platform.api.delete(`/v1/sites/${among}`);
    await platform.api.delete(`/v1/containers/${store}?force=1`);
    expect(await platform.json('network', 'prune')).toEqual({ removed: [network] });
  });

  it('runs jobs, and hooks of its owner', async () => {
    expect(await ran(atPort, ['/usr/bin/perl', '-e', 'print "$ENV{FROM_IMAGE} $<"'])).toEqual({ outcome: 'done', said: 'yes 1000' });
    await platform.set(atPort, 'hook.ready=/usr/bin/cat');
    await platform.sleep(atPort, 'cold');
    await platform.wake(atPort);
    await untilLogged(atPort, `"site":"${atPort}"`);
    await platform.set(atPort, 'hook.ready=off');
  });

  it('keeps its secrets where root alone gets to', async () => {
    expect(((await stat(join(platform.run, 'runtime', runtime))).mode & 0o777).toString(8)).toBe('700');
    const places = (await platform.grep(secret)).filter((place) => !place.includes('/cmdb.sqlite') && !place.endsWith('/config.json'));
    expect(places.filter((place) => !place.startsWith(join(platform.run, 'runtime', runtime)))).toEqual([]);
  });
});
