/** Spares: containers that wait for a cold site, and are one site's from then on. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import type { DatabaseAccess } from '../../src/database/tenants.ts';
import { spareSlotOf } from '../../src/domain/spare-id.ts';
import { RANGE_SIZE, rangeBase, spareRange } from '../../src/domain/uid-range.ts';
import { poll } from '../../src/lib/deadline.ts';
import { cgroupsOf, idMapsOf, interfacesOf, limitsOf, mountsOf, NO_POWERS, ownerOf, powersOf } from '../helpers/container-facts.ts';
import { execAny } from '../../src/lib/exec.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { processesOf, searchMemory } from '../helpers/search.ts';
import { PATIENT, WHOLE } from './whole.ts';

const [A, B] = ['first.localhost', 'second.localhost'];
const WAITING = 2;
const EVENT_WITHIN = { timeoutMs: 120_000, everyMs: 200 };
/** Says something to the log, and tells what it may write to and whose this file is. */
const SAY = `<?php error_log($_GET["say"]); $content = dirname(__DIR__);
  echo json_encode([@file_put_contents("$content/uploads/said", "x"), file_put_contents("/tmp/said", "x"), fileowner(__FILE__), file_get_contents("$content/letter")]);`;
let platform: TestPlatform;
const sites: Record<string, CreatedSiteReply> = {};

const rootOf = (domain: string): string => join(platform.state, 'sites', sites[domain]?.id ?? '');
const pidOf = async (domain: string): Promise<number> => (await platform.row(domain)).pid ?? 0;
const titled = (domain: string) => `<title>Title-of-${domain}</title>`;
/** Containers that are, or were, spares. */
const spareCgroups = async (): Promise<string[]> =>
  (await platform.cgroups()).map((line) => line.replace('cgroup ', '')).filter((id) => spareSlotOf(id) !== undefined);
const containerOf = async (domain: string): Promise<string> => [...(await cgroupsOf(await pidOf(domain))).values()][0]?.split('/').at(-1) ?? '';
const lastSeq = async (): Promise<number> => (await platform.events()).at(-1)?.seq ?? 0;

beforeAll(async () => {
  platform = await TestPlatform.start({ spares: WAITING, freezeAfter: 'never' });
  for (const domain of [A, B]) sites[domain] = await platform.createSite(domain, '--title', `Title-of-${domain}`);
  await platform.untilSpares(WAITING);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

/** Puts it to sleep, waits for a spare, and wakes it; it must have been handed that. */
async function fromSpare(domain: string): Promise<void> {
  await platform.sleep(domain, 'cold');
  await platform.untilSpares(WAITING);
  const { origin, phases } = await platform.wake(domain);
  expect([origin, Object.keys(phases)]).toEqual(['spare', expect.arrayContaining(['queue', 'hand', 'route'])]);
}

async function untilEvent(type: string, after: number): Promise<{ cause?: string }> {
  const event = await poll(async () => (await platform.events()).find((one) => one.seq > after && one.type === type), EVENT_WITHIN);
  expect(event, `no event ${type}`).toBeDefined();
  return event ?? {};
}

describe('two cold sites', () => {
  it('are handed one each, and answer each with its own page', async () => {
    expect(await spareCgroups()).toHaveLength(WAITING);
    const woken = await Promise.all([platform.wake(A), platform.wake(B)]);
    expect(woken.map(({ origin }) => origin)).toEqual(['spare', 'spare']);
    for (const domain of [A, B]) {
      const reply = await platform.fetch(domain, '/');
      expect([reply.status, reply.text.includes(titled(domain))]).toEqual([200, true]);
    }
    expect(new Set([await containerOf(A), await containerOf(B)]).size).toBe(2);
  });

  it('have containers with the bounds of any other, and ids that are no site’s', async () => {
    for (const domain of [A, B]) {
      const pid = await pidOf(domain);
      const base = rangeBase(spareRange(spareSlotOf(await containerOf(domain)) ?? -1));
      expect(await idMapsOf(pid)).toEqual([
        [0, base, RANGE_SIZE],
        [0, base, RANGE_SIZE],
      ]);
      expect(await ownerOf(pid)).toEqual([base + 33, base + 33]);
      const processes = await processesOf(pid);
      expect(processes.length).toBeGreaterThan(1);
      for (const one of processes) expect(await powersOf(one)).toEqual(NO_POWERS);
      expect(await interfacesOf(pid)).toEqual(['lo']);
      for (const [point, { flags }] of await mountsOf(pid))
        if (point.includes('wp-content')) expect(flags).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
      expect(Object.values(await limitsOf(pid))).toEqual(expect.arrayContaining([String(384 * 1024 ** 2), '64']));
    }
  });

  it('find their files to be their own, and may write to none of them; their words come into their own log', async () => {
    await platform.plantPhp(A, 'say.php', SAY);
    await platform.plant(A, 'letter', 'for the first');
    const expected = [false, 1, 33, 'for the first'];
    expect(JSON.parse((await platform.fetch(A, '/wp-content/plugins/say.php?say=older')).text)).toEqual(expected);
    await fromSpare(A);
    expect(JSON.parse((await platform.fetch(A, '/wp-content/plugins/say.php?say=newer')).text)).toEqual(expected);
    const logOf = (domain: string): Promise<string> => readFile(join(rootOf(domain), 'log', 'public.log'), 'utf8');
    expect(await poll(async () => /older[^]*newer/u.test(await logOf(A)), EVENT_WITHIN)).toBe(true);
    expect(await logOf(B)).not.toContain('newer');
  });

  it('do not see each other’s files, nor hold each other’s secrets in memory', async () => {
    const list = await platform.cli(['exec', '--role', 'public', B, '--', 'ls', '/srv/wordpress/wp-content', '/srv/wordpress/wp-content/plugins', '/tmp']);
    expect([list.stderr, list.code, list.stdout]).toEqual(['', 0, expect.stringContaining('plugins')]);
    expect(list.stdout).not.toMatch(/say\.php|letter|said/u);
    const { reader } = JSON.parse(await readFile(join(rootOf(A), 'secrets', 'database.json'), 'utf8')) as DatabaseAccess;
    const secrets = { password: reader.password, title: `Title-of-${A}`, id: sites[A]?.id ?? '' };
    const inMemory = async (domain: string): Promise<string[]> => {
      const found = await Promise.all((await processesOf(await pidOf(domain))).map((pid) => searchMemory(pid, secrets)));
      return [...new Set(found.flat())];
    };
    // The next for A comes of a spare, so what is searched here never was in its container.
    expect(await inMemory(B)).toEqual([]);
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    expect(await inMemory(A)).toEqual(expect.arrayContaining(['password', 'title']));
    await platform.untilSpares(WAITING); // none is being made, so their processes stay
    for (const id of await spareCgroups()) if (![await containerOf(A), await containerOf(B)].includes(id)) expect(await memoryOf(id, secrets)).toEqual([]);
  });

  it('go down the ladder and up again like any other', async () => {
    await platform.sleep(A, 'frozen');
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    const handed = await containerOf(A);
    expect((await platform.sleep(A, 'checkpointed')).to).toBe('checkpointed');
    expect((await platform.wake(A)).origin).toBe('checkpoint');
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    expect(await spareCgroups()).not.toContain(handed);
    await fromSpare(A);
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
  });
});

/** Names of those secrets that lie in the memory of any process of this container. */
async function memoryOf(container: string, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const found = await Promise.all((await pidsOf(container)).map((pid) => searchMemory(pid, secrets)));
  return found.flat();
}

async function pidsOf(container: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
  const inside = await Promise.all(pids.map(async (pid) => (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(`/${container}\n`)));
  return pids.filter((_, index) => inside[index]);
}

describe('a spare that waits', () => {
  it('and dies is replaced', async () => {
    await platform.untilSpares(WAITING);
    const after = await lastSeq();
    const taken = await Promise.all([A, B].map(containerOf));
    const victim = (await spareCgroups()).find((id) => !taken.includes(id)) ?? '';
    await execAny(['kill', '-KILL', ...(await pidsOf(victim)).map(String)]); // with the first of them the others end by themselves
    expect((await untilEvent('spare.dropped', after)).cause).toBe('it ended by itself');
    await untilEvent('spare.made', after);
    await platform.untilSpares(WAITING);
    expect(await spareCgroups()).not.toContain(victim);
  });

  it('goes when its template is replaced, and one of the new template comes', async () => {
    await platform.untilSpares(WAITING);
    const after = await lastSeq();
    await platform.api.post('/v1/templates');
    expect((await untilEvent('spare.dropped', after)).cause).toBe('its template serves no more');
    await untilEvent('spare.made', after);
    await fromSpare(B);
    expect((await platform.fetch(B, '/')).text).toContain(titled(B));
  });
});

describe('a daemon that is killed', () => {
  it('is not missed by a site with a handed spare, which is adopted; those that waited are removed, and others come', async () => {
    await fromSpare(A);
    await platform.untilSpares(WAITING);
    const handed = await containerOf(A);
    const pid = await pidOf(A);
    const taken = new Set([handed, await containerOf(B)]);
    const waiting = (await spareCgroups()).filter((id) => !taken.has(id));
    await platform.killDaemon();
    await platform.up();
    expect(await platform.row(A)).toMatchObject({ state: 'running', pid });
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    for (const id of await spareCgroups()) expect(waiting).not.toContain(id);
    await platform.untilSpares(WAITING);
    expect(await containerOf(A)).toBe(handed);
    await fromSpare(A);
  });

  it.each(['restored', 'recorded', 'handed', 'moved'].filter((name) => WHOLE || name === 'handed'))(
    'at spare.%s leaves nothing behind, and the site comes back',
    PATIENT,
    async (name) => {
      await platform.sleep(A, 'cold');
      await platform.json('down');
      await platform.up(`spare.${name}=kill`).catch(() => undefined); // one that makes spares may be dead before it could tell that it is up
      const daemon = await platform.daemonPid().catch(() => undefined);
      if (name !== 'restored') await platform.untilSpares(WAITING);
      if (name !== 'restored') await platform.fetch(A, '/').catch(() => undefined);
      expect(await poll(() => daemon === undefined || !isRunning(daemon), EVENT_WITHIN)).toBe(true);
      const before = await spareCgroups();
      await platform.up();
      for (const id of await spareCgroups()) expect(before).not.toContain(id);
      await platform.untilSpares(WAITING);
      expect(await spareCgroups()).toHaveLength(WAITING);
      expect((await readdir(join(platform.run, 'sites'))).filter((one) => spareSlotOf(one) !== undefined)).toHaveLength(WAITING);
      expect(await readdir(join(platform.state, 'spare-work', 'sites'))).toHaveLength(WAITING);
      await fromSpare(A);
      expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    },
  );
});

describe('a hand-over that fails', () => {
  it('costs the visitor a wake from the template, and the spare is removed', async () => {
    await platform.sleep(A, 'cold');
    await platform.json('down');
    await platform.up('spare.handed=throw');
    await platform.untilSpares(WAITING);
    const after = await lastSeq();
    const { origin, phases } = await platform.wake(A);
    expect([origin, Object.keys(phases)]).toEqual(['template', expect.arrayContaining(['failed-spare', 'restore'])]);
    expect((await platform.fetch(A, '/')).text).toContain(titled(A));
    const { instance = '' } = (await untilEvent('spare.failed', after)) as { instance?: string };
    expect(await spareCgroups()).not.toContain(instance);
    expect((await readdir(join(platform.run, 'sites', sites[A]?.id ?? ''))).length).toBe(1);
  });
});
