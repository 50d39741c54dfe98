/** Checkpoints and templates that are damaged, exchanged or half written, and a CRIU that dies: sites come up another way, and an event says why. */
import { createHash } from 'node:crypto';
import { cp, mkdir, open, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointReply, SiteReply, StatusReply, TemplateReply } from '../../src/api/types.ts';
import { exec } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { MEMORY_FILE } from '../../src/runtime/criu/map-memory.ts';
import { importAppImage } from '../helpers/app-image.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { wrongs } from './checker.ts';
import { killCriu } from './kill-criu.ts';
import { PATIENT, WHOLE } from './whole.ts';

const [ONE, TWO] = ['one.localhost', 'two.localhost'] as const;
const SITES = [ONE, TWO];
const APP = 'app.localhost';
const ids = new Map<string, string>();
/** Stands for any file of the host, such as /etc/shadow. */
const PRECIOUS = 'root:precious:words';
let platform: TestPlatform;
let precious: string;
/** A small disk: the whole state lies on it. */
let disk: string;

const checkpointOf = (site: string) => join(platform.state, 'sites', ids.get(site) ?? '', 'checkpoint');
const eventsSince = async (seq: number) => (await platform.events()).filter((event) => event.seq > seq);
const lastSeq = async () => (await platform.events()).at(-1)?.seq ?? 0;

beforeAll(async () => {
  platform = await TestPlatform.create();
  disk = join(platform.dir, 'disk');
  precious = join(platform.dir, 'precious');
  await writeFile(precious, PRECIOUS, { mode: 0o600 });
  await exec(['truncate', '--size=6G', disk]);
  await exec(['mkfs.ext4', '-q', '-F', '-m', '0', disk]);
  await mkdir(platform.state, { mode: 0o711 });
  await exec(['mount', '-o', 'loop', disk, platform.state]);
  await exec(['chmod', '711', platform.state]);
  await platform.configure();
  await platform.up();
  for (const site of SITES) ids.set(site, (await platform.createSite(site)).id);
  await template();
});

afterAll(async () => {
  const { code, stderr } = await platform.cli(['down']);
  expect(code, stderr).toBe(0);
  await exec(['umount', platform.state]);
  expect(await platform.stop()).toEqual([]);
});

/** What may happen to a directory of checkpoint files. */
const DAMAGES: Readonly<Record<string, (dir: string) => Promise<void>>> = {
  'a file cut short': async (dir) => truncate(await copied(dir, 'pages'), 8_192),
  'an empty file': async (dir) => truncate(await copied(dir, 'core-'), 0),
  'one bit flipped in a page of memory': async (dir) => flipBit(await copied(dir, 'pages')),
  'one bit flipped in the memory that many share': async (dir) => flipBit(await another(join(dir, MEMORY_FILE))),
  'one bit flipped in a table': async (dir) => flipBit(await copied(dir, 'mm-')),
  'one bit flipped in the seal': async (dir) => flipBit(join(dir, 'seal.json')),
  'no seal': (dir) => rm(join(dir, 'seal.json')),
  'a seal that is a link to a file of the host': (dir) => replaceByLink(join(dir, 'seal.json'), precious),
  'a file too few': async (dir) => rm(await fileOf(dir, 'core-')),
  'a file too many': (dir) => writeFile(join(dir, 'core-99.img'), 'x'),
  'a link to a file of the host': async (dir) => replaceByLink(await fileOf(dir, 'pages'), precious),
  'a link to itself elsewhere': async (dir) => {
    const path = await fileOf(dir, 'mm-');
    await rename(path, join(platform.state, 'elsewhere'));
    await symlink(join(platform.state, 'elsewhere'), path);
  },
  'a link to nothing in place of all': async (dir) => {
    await rm(dir, { recursive: true });
    await symlink(join(platform.dir, 'nothing'), dir);
  },
};

const FEW = new Set([
  'a file cut short',
  'one bit flipped in the memory that many share',
  'one bit flipped in a page of memory',
  'no seal',
  'a link to a file of the host',
  'a seal that is a link to a file of the host',
]);
const TRIED = Object.keys(DAMAGES).filter((name) => WHOLE || FEW.has(name));

describe('a checkpoint of a site’s own', () => {
  it.each(TRIED)('with %s is not given to CRIU: the site wakes another way, and an event says why', PATIENT, async (damage) => {
    await checkpointed(ONE);
    await DAMAGES[damage]?.(checkpointOf(ONE));
    await isAvoided(ONE);
    expect(await readFile(precious, 'utf8')).toBe(PRECIOUS);
  });

  it('of one site is refused for another', async () => {
    for (const site of SITES) await checkpointed(site);
    const aside = join(platform.state, 'aside');
    await rename(checkpointOf(ONE), aside);
    await rename(checkpointOf(TWO), checkpointOf(ONE));
    await rename(aside, checkpointOf(TWO));
    for (const site of SITES) await isAvoided(site);
  });

  it('with a file of another site’s is refused', async () => {
    for (const site of SITES) await checkpointed(site);
    await cp(await fileOf(checkpointOf(TWO), 'core-1'), await fileOf(checkpointOf(ONE), 'core-1'));
    await isAvoided(ONE);
    expect(await originOf(TWO)).toBe('checkpoint');
  });

  it('that was damaged while no daemon ran neither keeps the next from starting, nor is used', async () => {
    for (const site of SITES) await checkpointed(site);
    await platform.killDaemon();
    await DAMAGES['a link to nothing in place of all']?.(checkpointOf(ONE));
    await flipBit(await copied(checkpointOf(TWO), 'pages'));
    await platform.up();
    for (const site of SITES) await isAvoided(site);
  });

  it('leaves nothing wrong behind, whatever was done to it', async () => {
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });
});

describe('a template', () => {
  // Each costs the making of another one.
  it.each(TRIED.filter((name) => WHOLE || !/cut short|page of memory/u.test(name)))(
    'with %s is not given to CRIU: sites boot, and an event says why',
    PATIENT,
    async (damage) => {
      const name = await template();
      await platform.wake(ONE).then(() => platform.sleep(ONE, 'cold'));
      await DAMAGES[damage]?.(join(platform.state, 'templates', name));
      const since = await lastSeq();
      expect(await originOf(ONE)).toBe('boot');
      const events = await eventsSince(since);
      expect(events.filter((event) => event.type === 'template.discarded')).toHaveLength(1);
      expect(events.filter((event) => event.type === 'restore.failed')).toEqual([]);
      expect(JSON.stringify(events)).not.toContain('precious');
    },
  );

  it.runIf(WHOLE)('that was discarded is made again by itself', PATIENT, async () => {
    const made = await poll(async () => (await platform.api.get<StatusReply>('/v1/status')).templates > 0, { timeoutMs: 180_000, everyMs: 1_000 });
    expect(made).toBe(true);
  });

  it('that is a site’s checkpoint is refused', async () => {
    const dir = join(platform.state, 'templates', await template());
    await checkpointed(TWO);
    await platform.wake(ONE).then(() => platform.sleep(ONE, 'cold'));
    await rm(dir, { recursive: true });
    await cp(checkpointOf(TWO), dir, { recursive: true });
    expect(await originOf(ONE)).toBe('boot');
    await template();
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });
});

describe('a checkpoint that was used', () => {
  it('is overwritten, and what its instance has mapped of it when that ends', PATIENT, async () => {
    await checkpointed(ONE);
    const dir = checkpointOf(ONE);
    await using pages = await open(await fileOf(dir, 'pages'));
    await using memory = await open(join(dir, MEMORY_FILE));
    const [pagesBefore, memoryBefore] = [await digestOf(pages), await digestOf(memory)];
    expect(await originOf(ONE)).toBe('checkpoint');
    expect(await poll(async () => (await digestOf(pages)) !== pagesBefore, { timeoutMs: 120_000, everyMs: 200 })).toBe(true);
    expect(await digestOf(memory)).toBe(memoryBefore);
    await platform.sleep(ONE, 'cold');
    expect(await digestOf(memory)).not.toBe(memoryBefore);
  });
});

describe('a CRIU that is killed', () => {
  it('half way through a restore: the site boots, and nothing of the half remains', PATIENT, async () => {
    let kills = 0;
    for (const afterMs of [0, 10, ...(WHOLE ? [1, 2, 5, 15, 20, 25, 30, 40] : [])]) {
      await template();
      await platform.wake(ONE).then(() => platform.sleep(ONE, 'cold'));
      const since = await lastSeq();
      const [origin, killed] = await Promise.all([originOf(ONE), killCriu(platform, 'restore', { afterMs })]);
      if (!killed) continue; // it had ended by then
      kills += 1;
      const failed = (await eventsSince(since)).some((event) => event.type === 'restore.failed');
      expect(origin).toBe(failed ? 'boot' : 'template');
      if (failed) await proven(since);
    }
    expect(kills).toBeGreaterThan(0);
    await template();
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });

  it('hangs in a restore: the site boots after a while, and others wake from the template', PATIENT, async () => {
    await platform.wake(ONE).then(() => platform.sleep(ONE, 'cold'));
    const since = await lastSeq();
    const [origin, stopped] = await Promise.all([originOf(ONE), killCriu(platform, 'restore', { afterMs: 0, signal: 'SIGSTOP' })]);
    expect([origin, stopped]).toEqual(['boot', true]);
    await proven(since);
    await platform.sleep(TWO, 'cold').catch(() => undefined); // it may be already
    expect(await originOf(TWO)).toBe('template');
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });

  it('half way through a dump: the site is asleep, without a checkpoint, and wakes', PATIENT, async () => {
    let kills = 0;
    for (const afterMs of [0, 30, ...(WHOLE ? [5, 10, 15, 20, 50, 70, 100] : [])]) {
      await platform.wake(ONE);
      const [slept, killed] = await Promise.all([platform.sleep(ONE, 'checkpointed'), killCriu(platform, 'dump', { afterMs })]);
      if (killed) kills += 1;
      if (killed && slept.to === 'cold') expect((await platform.events(ONE)).at(-2)).toMatchObject({ type: 'checkpoint.failed' });
      expect(await originOf(ONE)).toBe(slept.to === 'cold' ? 'template' : 'checkpoint');
    }
    expect(kills).toBeGreaterThan(0);
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });
});

describe('a disk that is full', () => {
  it('when a checkpoint is written: the site is asleep without one, and wakes; nothing half written remains', async () => {
    for (const site of SITES) await platform.wake(site);
    // Unlike the template’s pages, which a checkpoint only links, these are the site’s alone.
    const ballast = join(platform.state, 'ballast');
    const free = await freeBytes(platform.state);
    await exec(['fallocate', '--length', String(free - 2 * 1024 ** 2), ballast]);
    try {
      expect(await platform.sleep(ONE, 'checkpointed')).toMatchObject({ to: 'cold' });
      expect((await readdir(join(checkpointOf(ONE), '..'))).filter((name) => name.includes('checkpoint'))).toEqual([]);
      expect((await platform.fetch(TWO, '/')).status).toBe(200);
    } finally {
      await rm(ballast);
    }
    expect((await platform.events(ONE)).some((event) => event.type === 'checkpoint.failed')).toBe(true);
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
    await checkpointed(ONE);
    expect(await originOf(ONE)).toBe('checkpoint');
  });

  it('when an app is checkpointed: it is cold, wakes, and its image may be tried again', async () => {
    await importAppImage(platform, { name: 'localhost/app:1' });
    await platform.api.post('/v1/apps', { domain: APP, image: 'localhost/app:1' });
    await platform.wake(APP);
    const ballast = join(platform.state, 'ballast');
    await exec(['fallocate', '--length', String((await freeBytes(platform.state)) - 2 * 1024 ** 2), ballast]);
    try {
      expect(await platform.sleep(APP, 'checkpointed')).toMatchObject({ to: 'cold', why: expect.stringContaining('space') });
    } finally {
      await rm(ballast);
    }
    expect((await platform.api.get<SiteReply>(`/v1/sites/${APP}`)).noCheckpoints).toBe(null);
    await checkpointed(APP);
    expect((await platform.wake(APP)).origin).toBe('checkpoint');
    await platform.api.delete(`/v1/sites/${APP}`);
  });
});

/** A visitor gets the site's own page, by another way than its checkpoint; the checkpoint is gone, and CRIU never saw it. */
async function isAvoided(site: string): Promise<void> {
  const since = await lastSeq();
  expect(await originOf(site)).not.toBe('checkpoint');
  const events = await eventsSince(since);
  expect(events.filter((event) => event.type === 'checkpoint.discarded').map((event) => event.facts?.['site'])).toEqual([ids.get(site)]);
  expect(events.filter((event) => event.type === 'restore.failed')).toEqual([]);
  expect(JSON.stringify(events)).not.toContain('precious');
  expect((await platform.api.get<CheckpointReply[]>('/v1/checkpoints')).filter((one) => one.site === site)).toEqual([]);
}

/** How the site came to be awake for this visitor, who got its page. */
async function originOf(site: string): Promise<unknown> {
  const reply = await platform.fetch(site, '/');
  expect(reply.status).toBe(200);
  expect(reply.text).toContain(`<title>${site}</title>`);
  return (await platform.events(site)).findLast((event) => event.type === 'instance.woken')?.facts?.['origin'];
}

async function checkpointed(site: string): Promise<void> {
  await platform.wake(site);
  expect(await platform.sleep(site, 'checkpointed')).toMatchObject({ to: 'checkpointed' });
}

/** The template's name; it is made when it is not there. */
async function template(): Promise<string> {
  const look = async (): Promise<string | undefined> => publicOf(await platform.api.get<TemplateReply[]>('/v1/templates'));
  return (await look()) ?? publicOf(await platform.api.post<TemplateReply[]>('/v1/templates')) ?? '';
}

/** A restore failed: whether it was the template's fault has been found out since. */
async function proven(since: number): Promise<void> {
  const isKnown = async () => (await eventsSince(since)).some(({ type }) => type === 'template.proven' || type === 'template.discarded');
  expect(await poll(isKnown, { timeoutMs: 120_000, everyMs: 50 })).toBe(true);
}

function publicOf(templates: readonly TemplateReply[]): string | undefined {
  return templates.find(({ role }) => role === 'public')?.name;
}

/** Of an open file, also when it has no name any more. */
async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function fileOf(dir: string, prefix: string): Promise<string> {
  const name = (await readdir(dir)).find((one) => one.startsWith(prefix) && one.endsWith('.img'));
  if (name === undefined) throw new Error(`no ${prefix} in ${dir}`);
  return join(dir, name);
}

async function copied(dir: string, prefix: string): Promise<string> {
  return another(await fileOf(dir, prefix));
}

/** Another inode: other checkpoints, and processes that run, may have this one. */
async function another(path: string): Promise<string> {
  await cp(path, `${path}~`);
  await rename(`${path}~`, path);
  return path;
}

async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path);
  await symlink(target, path);
}

async function flipBit(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  const at = Math.floor(size / 2);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
}

async function freeBytes(dir: string): Promise<number> {
  const { stdout } = await exec(['df', '--output=avail', '-B1', '--', dir]);
  return Number(stdout.trim().split('\n').at(-1));
}
