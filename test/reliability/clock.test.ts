/** A clock that jumps while the platform runs: sites wake, rest, fail and recover as before. Only the daemon's time of day jumps (libfaketime); a machine's is not ours to set. */
import { once } from 'node:events';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import { start } from '../../src/lib/exec.ts';
import { cacheEnvironment, TestPlatform } from '../helpers/platform.ts';

const SITE = 'clock.localhost';
const SUBAKO = join(fileURLToPath(new URL('../..', import.meta.url)), 'subako');
const PATIENCE = { timeoutMs: 120_000, everyMs: 100 };
let platform: TestPlatform;
let siteId: string;
let ended: Promise<unknown>;

const offsetPath = () => join(platform.dir, 'offset');
/** Seconds from the real time. Renamed, because it is read at each look at the clock. */
const jumpTo = async (seconds: number): Promise<void> => {
  await writeFile(`${offsetPath()}.new`, `${seconds >= 0 ? '+' : ''}${seconds}`);
  await rename(`${offsetPath()}.new`, offsetPath());
};
const daemonTime = async (): Promise<number> => (await platform.events()).at(-1)?.at ?? 0;

beforeAll(async () => {
  platform = await TestPlatform.create();
  await platform.configure({ freezeAfter: 'never' });
  await jumpTo(0);
  const library = (await Promise.all((await readdir('/usr/lib')).map(libraryIn))).find((path) => path !== undefined);
  const env = {
    SUBAKO_STATE: platform.state,
    SUBAKO_RUN: platform.run,
    ...cacheEnvironment(),
    HOME: '/root',
    LD_PRELOAD: library ?? '',
    FAKETIME_TIMESTAMP_FILE: offsetPath(),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const daemon = start([SUBAKO, 'up', '--http', String(platform.http), '--https', String(platform.https)], { env, stdio: 'ignore' });
  ended = once(daemon, 'exit');
  expect(await poll(() => platform.api.get('/v1/status').catch(() => undefined), { timeoutMs: 600_000, everyMs: 200 })).toBeDefined();
  siteId = (await platform.createSite(SITE)).id;
  await platform.untilTemplate();
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
  await ended;
});

describe.each([
  ['an hour back', -3_600],
  ['two days ahead', 172_800],
  ['to where it was', 0],
])('after the clock was set %s', (_where, seconds) => {
  it('a site that runs answers on, and rests after its time', async () => {
    await platform.wake(SITE);
    const before = await daemonTime();
    await jumpTo(seconds);
    for (let visit = 0; visit < 20; visit += 1) expect((await platform.fetch(SITE, '/')).status).toBe(200);
    await platform.set(SITE, 'idle=1s');
    expect(await poll(async () => ['cold', 'checkpointed'].includes((await platform.row(SITE)).state), PATIENCE)).toBe(true);
    expect(Math.abs((await daemonTime()) - before)).toBeGreaterThan(3_000_000);
    await platform.set(SITE, 'idle=15m');
  });

  it('one that sleeps wakes from the template, as before', async () => {
    await platform.untilTemplate(); // an old one is replaced
    const reply = await platform.fetch(SITE, '/');
    expect([reply.status, reply.headers['server-timing']]).toEqual([200, expect.stringContaining('wake-restore')]);
  });

  it('one that could not start is tried again soon, whatever the clock says meanwhile', async () => {
    const config = join(platform.state, 'sites', siteId, 'config');
    await platform.sleep(SITE, 'cold');
    await rename(config, `${config}.away`);
    try {
      expect((await platform.fetch(SITE, '/')).status).toBe(503);
    } finally {
      await rename(`${config}.away`, config);
    }
    await jumpTo(seconds - 3_600);
    expect(await poll(async () => (await platform.fetch(SITE, '/')).status === 200, PATIENCE)).toBe(true);
    await jumpTo(seconds);
  });
});

async function libraryIn(architecture: string): Promise<string | undefined> {
  const dir = join('/usr/lib', architecture, 'faketime');
  const names = await readdir(dir).catch((): string[] => []);
  return names.includes('libfaketime.so.1') ? join(dir, 'libfaketime.so.1') : undefined;
}
