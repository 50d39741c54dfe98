/** What is restored gives away nothing and may do nothing more: from the template that all sites share, and from a site's own checkpoint. */
import { cp, lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import type { DatabaseAccess } from '../../src/database/tenants.ts';
import { RANGE_SIZE } from '../../src/domain/uid-range.ts';
import type { RestingState } from '../../src/domain/state.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import { cgroupsOf, devicesOf, idMapsOf, interfacesOf, limitsOf, mountsOf, NO_POWERS, ownerOf, powersOf } from '../helpers/container-facts.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { processesOf, searchFiles, searchMemory } from '../helpers/search.ts';

const [A, B, C] = ['secretive.localhost', 'curious.localhost', 'third.localhost'];
const WWW_DATA = 33;
const SUBAKO = join(fileURLToPath(new URL('../..', import.meta.url)), 'subako');
let platform: TestPlatform;
let sites: Record<string, CreatedSiteReply>;

const idOf = (domain: string): string => sites[domain]?.id ?? '';
const pidOf = async (domain: string): Promise<number> => (await platform.row(domain)).pid ?? 0;
const sleep = (domain: string, to: RestingState) => platform.sleep(domain, to);
/** Wakes it, and holds it to the way it should wake. */
async function wakeFrom(domain: string, origin: string): Promise<number> {
  expect((await platform.wake(domain)).origin).toBe(origin);
  return pidOf(domain);
}

beforeAll(async () => {
  platform = await TestPlatform.start();
  sites = {};
  // One after the other: each has a page, a plugin and a database of its own.
  for (const domain of [A, B, C]) sites[domain] = await platform.createSite(domain, '--title', `Title-of-${domain}`);
  await platform.api.post('/v1/templates');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

async function secretsOf(domain: string): Promise<Record<string, string>> {
  const root = join(platform.state, 'sites', idOf(domain));
  const { reader } = JSON.parse(await readFile(join(root, 'secrets', 'database.json'), 'utf8')) as DatabaseAccess;
  const { password } = reader;
  const config = await readFile(join(root, 'config', 'public', 'config.php'), 'utf8');
  const keys = [...config.matchAll(/define\( '(\w+_(?:KEY|SALT))', '([^']{30,})' \)/gu)].map(([, name = '', value = '']) => [name, value] as const);
  expect(keys).toHaveLength(8);
  return { ...Object.fromEntries(keys), password, id: idOf(domain), domain, title: `Title-of-${domain}`, plugin: `marker-of-${domain}-in-a-plugin` };
}

async function inMemoryOf(domain: string, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const found = new Set<string>();
  for (const pid of await processesOf(await pidOf(domain))) for (const name of await searchMemory(pid, secrets)) found.add(name);
  return [...found].toSorted();
}

describe('a template that was made while a site was busy', () => {
  let secrets: Record<string, string>;
  beforeAll(async () => {
    secrets = await secretsOf(A);
    await platform.plantPhp(A, 'marker.php', `<?php $secret = "${secrets['plugin']}"; apcu_store($secret, $secret); echo strlen($secret);`);
    const visits = Array.from({ length: 12 }, (_, n) => platform.fetch(A, n % 2 === 0 ? '/' : '/wp-content/plugins/marker.php'));
    const making = platform.api.post('/v1/templates');
    expect(new Set((await Promise.all(visits)).map((reply) => reply.status))).toEqual(new Set([200]));
    await making;
  });

  it('holds no byte of the site, and nothing is left of what made it', async () => {
    expect(await searchFiles(join(platform.state, 'templates'), secrets)).toEqual([]);
    expect(await readdir(join(platform.state, 'template-work', 'sites')).catch(() => [])).toEqual([]);
  });

  it('brings no byte of it into the memory of another site that wakes from it', async () => {
    await sleep(B, 'cold');
    await wakeFrom(B, 'template');
    expect((await platform.fetch(B, '/')).text).toContain(`Title-of-${B}`);
    expect(await inMemoryOf(B, secrets)).toEqual([]);
  });

  it('would have been found out: the same search finds the secrets where they are', async () => {
    const own = ['AUTH_KEY', 'domain', 'password', 'plugin', 'title'];
    expect(await inMemoryOf(A, secrets)).toEqual(expect.arrayContaining(own));
    expect(await inMemoryOf(B, await secretsOf(B))).toEqual(expect.arrayContaining(['AUTH_KEY', 'domain', 'password', 'title']));
    await sleep(A, 'checkpointed');
    const found = await searchFiles(join(platform.state, 'sites', idOf(A), 'checkpoint'), secrets);
    // What its workers knew is gone with them: they are forked anew. What they shared is there.
    expect(found.map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['domain', 'plugin']));
  });

  it('is in order still after the checkpoints of sites that woke from it were made and removed', async () => {
    await sleep(B, 'cold');
    await wakeFrom(B, 'template');
    await sleep(B, 'checkpointed');
    expect((await platform.cli(['checkpoint', 'rm', B])).code).toBe(0);
    expect((await platform.cli(['template', 'verify', '--json'])).code).toBe(0);
    await wakeFrom(B, 'template');
    expect((await platform.fetch(B, '/')).text).toContain(`Title-of-${B}`);
  });
});

describe('what was restored', () => {
  const factsOf = async (pid: number) => ({
    powers: await Promise.all((await processesOf(pid)).map(powersOf)),
    maps: await idMapsOf(pid),
    owner: await ownerOf(pid),
    interfaces: await interfacesOf(pid),
    limits: await limitsOf(pid),
    mounts: new Map([...(await mountsOf(pid))].map(([point, { type, flags }]) => [point, { type, flags }])),
  });
  let booted: Awaited<ReturnType<typeof factsOf>>;

  beforeAll(async () => {
    await platform.api.delete('/v1/templates');
    await sleep(C, 'cold');
    const pid = await wakeFrom(C, 'boot');
    await platform.fetch(C, '/');
    booted = await factsOf(pid);
    await platform.api.post('/v1/templates');
    await sleep(C, 'cold');
  });

  it.each(['template', 'checkpoint'])('from the %s has the bounds of what was booted, and no more', async (way) => {
    if (way === 'checkpoint') {
      await platform.wake(C);
      await platform.fetch(C, '/');
      await sleep(C, 'checkpointed');
    }
    const pid = await wakeFrom(C, way);
    await platform.fetch(C, '/');
    const facts = await factsOf(pid);
    expect(facts.powers.length).toBeGreaterThan(1);
    for (const powers of facts.powers) expect(powers).toEqual(NO_POWERS);
    const { maps, owner, interfaces, limits } = booted;
    expect(facts).toMatchObject({ maps, owner, interfaces, limits });
    expect(interfaces).toEqual(['lo']);
    expect(owner[0]).toBe((maps[0]?.[1] ?? 0) + WWW_DATA);
    for (const [point, mount] of booted.mounts) expect([point, facts.mounts.get(point)]).toEqual([point, mount]);
    // The memory of what it was restored from may be mounted beside the rest.
    const more = [...facts.mounts].filter(([point]) => !booted.mounts.has(point));
    for (const [point, { flags }] of more) expect([point, flags]).toEqual([point, expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec'])]);
    for (const [device, rights] of await devicesOf(pid)) expect([device, rights]).toEqual([device, 'rw']);
    const cgroups = await cgroupsOf(pid);
    for (const one of await processesOf(pid)) expect(await cgroupsOf(one)).toEqual(cgroups);
    for (const path of cgroups.values()) expect(path).toMatch(new RegExp(`^${platform.cgroup}/${idOf(C)}-`, 'u'));
  });

  it('can read the memory it shares with others, and not change it', async () => {
    await sleep(C, 'cold');
    await wakeFrom(C, 'template');
    const inside = async (script: string) => platform.cli(['exec', C, '--role', 'public', '--', 'sh', '-c', script]);
    expect((await inside('head -c 4096 /dev/memory | wc -c')).stdout.trim()).toMatch(/^(?:0|4096)$/u);
    for (const change of ['echo x > /dev/memory', 'echo x >> /dev/memory', 'chmod 666 /dev/memory', 'rm /dev/memory', 'truncate -s 0 /dev/memory'])
      expect([change, (await inside(`${change} 2>&1`)).code]).not.toEqual([change, 0]);
    expect((await platform.cli(['template', 'verify', '--json'])).code).toBe(0);
  });

  it('sees processes of its own in /proc, and nothing of the machine', async () => {
    const list = await platform.cli(['exec', C, '--role', 'public', '--', 'ls', '/proc']);
    expect(list.stdout.split('\n').filter((name) => name !== '' && !/^\d+$/u.test(name))).toEqual(['self', 'thread-self']);
    for (const fact of ['meminfo', 'cpuinfo', 'kcore', 'keys', 'sys/kernel/hostname', 'sysrq-trigger', 'interrupts']) {
      expect([fact, (await platform.cli(['exec', C, '--role', 'public', '--', 'cat', `/proc/${fact}`])).code]).toEqual([fact, 1]);
    }
  });
});

describe('chance', () => {
  const SOURCES = ['mt_rand', 'rand', 'random_bytes', 'openssl', 'uniqid', 'lcg', 'shuffle'];
  const CODE = `<?php $s = range(1, 99); shuffle($s);
    echo json_encode([mt_rand() . mt_rand(), rand() . rand(), bin2hex(random_bytes(8)), bin2hex(openssl_random_pseudo_bytes(8)), uniqid("", true), lcg_value(), join($s)]);`;
  const drawn = async (domain: string): Promise<unknown[]> => {
    const reply = await platform.fetch(domain, '/wp-content/plugins/chance.php');
    expect(reply.status).toBe(200);
    return JSON.parse(reply.text) as unknown[];
  };
  const expectAllDifferent = (draws: readonly unknown[][]): void => {
    for (const [at, source] of SOURCES.entries()) expect([source, new Set(draws.map((draw) => draw[at])).size]).toEqual([source, draws.length]);
  };
  beforeAll(async () => {
    for (const domain of [B, C]) await platform.plantPhp(domain, 'chance.php', CODE);
  });

  it('differs between sites that woke from the same template, and from wake to wake', async () => {
    const draws: unknown[][] = [];
    for (const domain of [B, C, B, C]) {
      await sleep(domain, 'cold');
      await wakeFrom(domain, 'template');
      draws.push(await drawn(domain), await drawn(domain));
    }
    expectAllDifferent(draws);
  });

  it('differs between wakes from one and the same checkpoint of a site’s own, though somebody brought it back', async () => {
    const own = join(platform.state, 'sites', idOf(C), 'checkpoint');
    const saved = join(platform.dir, 'saved');
    await platform.wake(C);
    const draws = [await drawn(C)];
    await sleep(C, 'checkpointed');
    await cp(own, saved, { recursive: true, preserveTimestamps: true });
    for (let wakes = 0; wakes < 2; wakes += 1) {
      await wakeFrom(C, 'checkpoint');
      draws.push(await drawn(C), await drawn(C));
      await sleep(C, 'cold');
      expect((await platform.cli(['down'])).code).toBe(0);
      await cp(saved, own, { recursive: true, preserveTimestamps: true });
      await platform.up();
    }
    expectAllDifferent(draws);
  });

  it('is not even asked to: a checkpoint is used once', async () => {
    await platform.wake(C);
    await sleep(C, 'checkpointed');
    await wakeFrom(C, 'checkpoint');
    process.kill(await pidOf(C), 'SIGKILL');
    await platform.untilState(C, 'cold');
    expect((await readdir(join(platform.state, 'sites', idOf(C)))).includes('checkpoint')).toBe(false);
    const awake = async (): Promise<boolean> => (await platform.cli(['wake', C])).code === 0; // after a death, it is not tried at once
    expect(await poll(awake, { timeoutMs: 120_000, everyMs: 200 })).toBe(true);
  });
});

describe('checkpoints on disk', () => {
  it('are root’s alone', async () => {
    await platform.wake(B);
    await sleep(B, 'checkpointed');
    const own = join(platform.state, 'sites', idOf(B), 'checkpoint');
    const templates = join(platform.state, 'templates');
    for (const dir of [own, templates, ...(await readdir(templates)).map((name) => join(templates, name))]) {
      const { mode, uid } = await lstat(dir);
      expect([dir, mode & 0o777, uid]).toEqual([dir, 0o700, 0]);
    }
    for (const name of await readdir(own)) expect([name, (await lstat(join(own, name))).uid]).toEqual([name, 0]);
    expect((await platform.modes(['checkpoint.key']))[0]).toBe('600');
  });

  it('go with their site', async () => {
    const { password } = await secretsOf(B);
    expect((await platform.cli(['site', 'rm', B])).code).toBe(0);
    expect(await platform.json<{ site: string }[]>('checkpoint', 'ls')).not.toContainEqual(expect.objectContaining({ site: B }));
    expect((await readdir(join(platform.state, 'sites'))).filter((name) => name.startsWith(idOf(B)))).toEqual([]);
    expect(await platform.grep(password ?? '')).toEqual([]);
  });
});

describe('the machine’s own /dev/null', () => {
  // Others on the machine may use it badly too, so this looks for the ids of this site alone.
  it('is never given to a site, whatever its owner runs with it', async () => {
    const command = `exec "$0" exec ${C} --role public -- sh -c 'cat; echo x > /dev/null' </dev/null >/dev/null 2>&1`;
    const env = { SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run, HOME: '/root' };
    const owners: number[] = [];
    for (const rest of ['frozen', 'checkpointed', 'cold'] as const) {
      await platform.wake(C);
      expect((await execAny(['sh', '-c', command, SUBAKO], { env, timeoutMs: 120_000 })).code).toBe(0);
      await sleep(C, rest);
      const { uid, gid } = await stat('/dev/null');
      owners.push(uid, gid);
    }
    const [[, base = 0] = []] = await idMapsOf(await wakeFrom(C, 'template'));
    for (const owner of owners) expect(owner < base || owner >= base + RANGE_SIZE).toBe(true);
  });
});
