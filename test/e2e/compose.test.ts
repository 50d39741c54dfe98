/** A compose file of a web app and its database, as a site that sleeps: the example as it is written, with real programs. */
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProjectReply } from '../../src/api/project-types.ts';
import type { VolumeReply } from '../../src/api/container-types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import { GUESTBOOK_IMAGES, importGuestbookImages } from '../helpers/guestbook-images.ts';
import { TestPlatform } from '../helpers/platform.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/compose', import.meta.url));
const SUBAKO = fileURLToPath(new URL('../../subako', import.meta.url));
const SITE = 'guestbook.localhost';
const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;
let platform: TestPlatform;
let dir: string;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never', checkpoints: false });
  await importGuestbookImages(platform);
  dir = join(platform.dir, 'example');
  await cp(EXAMPLE, dir, { recursive: true });
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

/** As somebody types it who stands beside the file. */
function cli(...args: string[]): Promise<ExecResult> {
  const env = { ...process.env, ...GUESTBOOK_IMAGES, SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run };
  return execAny([SUBAKO, ...args], { cwd: dir, env, timeoutMs: 600_000 });
}

const project = (): Promise<ProjectReply> => platform.api.get('/v1/projects/guestbook');
const database = async (): Promise<string | undefined> => (await project()).services.find(({ service }) => service === 'db')?.containers[0]?.state;
const signed = async (): Promise<string[]> => [...String((await platform.fetch(SITE, '/')).body).matchAll(/<li>(.*?)<\/li>/gu)].map(([, words = '']) => words);

async function sign(words: string): Promise<number> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return (await platform.fetch(SITE, '/', { method: 'POST', headers, body: new URLSearchParams({ words }).toString() })).status;
}

describe('a web app and its database', () => {
  it('come up by the file as it is written, built and woken', async () => {
    const result = await cli('up', '-f', 'compose.yaml');
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining(SITE) as string });
    expect([await sign('first'), await signed()]).toEqual([200, ['first']]);
    expect(await database()).toBe('running');
  });

  it.each([
    ['frozen', 'paused'],
    ['cold', 'exited'],
  ] as const)('rest %s together, and are woken by a visitor who finds what was written', async (rest, state) => {
    await platform.sleep(SITE, rest);
    expect([(await platform.row(SITE)).state, await database()]).toEqual([rest, state]);
    const reply = await platform.fetch(SITE, '/');
    expect([reply.status, reply.headers['server-timing']]).toEqual([200, expect.stringMatching(new RegExp(`desc="${rest}".*wake-companions`, 'u'))]);
    expect(await sign(`after ${rest}`)).toBe(200);
    expect(await signed()).toContain(`after ${rest}`);
    expect(await database()).toBe('running');
  });

  it('rest when nobody comes, and the database with them', async () => {
    await platform.set(SITE, 'freeze=1s', 'idle=3s');
    await platform.untilState(SITE, 'frozen');
    expect(await poll(async () => (await database()) === 'paused', WITHIN)).toBe(true);
    await platform.untilState(SITE, 'cold');
    expect(await poll(async () => (await database()) === 'exited', WITHIN)).toBe(true);
    await platform.set(SITE, 'freeze=never', 'idle=never');
    expect(await signed()).toHaveLength(3);
  });

  it('keep their secret: neither command lines nor records nor logs have it, and root alone has the file', async () => {
    expect(await platform.grep('change-me')).toEqual([]);
    expect((await cli('compose', 'exec', 'db', 'cat', '/run/secrets/db-password')).stdout).toBe('change-me\n');
    expect(await platform.modes(['projects', 'projects/guestbook', 'projects/guestbook/db'])).toEqual(['700', '700', '700']);
  });

  it('are neither rebuilt nor restarted when the file is brought up again as it is', async () => {
    const before = (await project()).services.flatMap(({ containers }) => containers);
    const { pid } = await platform.row(SITE);
    expect((await cli('up', '-f', 'compose.yaml')).code).toBe(0);
    expect((await project()).services.flatMap(({ containers }) => containers)).toEqual(before);
    expect((await platform.row(SITE)).pid).toBe(pid);
  });

  it('are made anew where the file says something else, with what was written', async () => {
    const before = (await project()).services.flatMap(({ containers }) => containers.map(({ id }) => id));
    const env = { ...process.env, ...GUESTBOOK_IMAGES, SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run };
    const over = join(platform.dir, 'over.json');
    await writeFile(over, JSON.stringify({ services: { db: { mem_limit: '256m' }, web: { environment: { MORE: 'yes' } } } }));
    const result = await execAny([SUBAKO, 'up', '-f', 'compose.yaml', '-f', over], { cwd: dir, env, timeoutMs: 600_000 });
    expect(result).toMatchObject({ code: 0 });
    expect((await project()).services.flatMap(({ containers }) => containers.map(({ id }) => id))).not.toEqual(before);
    expect(await signed()).toHaveLength(3);
    expect((await cli('compose', 'exec', 'web', 'sh', '-c', 'echo $MORE')).stdout).toBe('yes\n');
  });

  it('go with all that they had, but for the volume, which goes when it is asked for', async () => {
    expect((await cli('compose', 'down')).code).toBe(0);
    expect((await platform.fetch(SITE, '/')).status).toBe(421);
    expect(await platform.api.get<unknown[]>('/v1/containers?all=1')).toEqual([]);
    expect([await readdir(join(platform.state, 'projects')), await platform.api.get('/v1/networks')]).toEqual([[], []]);
    expect((await platform.api.get<VolumeReply[]>('/v1/volumes')).map(({ name }) => name)).toEqual(['guestbook_data']);
    expect((await cli('up', '-f', 'compose.yaml')).code).toBe(0);
    expect(await signed()).toHaveLength(3);
    expect((await cli('compose', 'down', '-v')).code).toBe(0);
    expect(await platform.api.get('/v1/volumes')).toEqual([]);
  });
});
