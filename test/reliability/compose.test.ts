/** The daemon is killed while a project comes up, rests, wakes or goes; the next one finds its way from there. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import { importBusybox } from '../helpers/busybox.ts';
import { ComposeDir } from '../helpers/compose.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { chosen, PATIENT, WHOLE } from './whole.ts';

const SITE = 'pod.localhost';
const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;
const file = (word: string): object => ({
  name: 'pod',
  services: {
    web: {
      image: 'busybox',
      command: ['sh', '-c', 'mkdir -p /w && cat /data/word >/w/index.html && exec httpd -f -p 8080 -h /w'],
      stop_signal: 'KILL',
      ports: ['8080'],
      volumes: ['data:/data'],
      depends_on: { db: { condition: 'service_healthy' } },
    },
    db: {
      image: 'busybox',
      command: ['sh', '-c', 'echo $$WORD >/data/word; trap "exit 0" TERM; while true; do sleep 0.1; done'],
      environment: { WORD: word },
      volumes: ['data:/data'],
      healthcheck: { test: 'grep $$WORD /data/word' },
      restart: 'unless-stopped',
    },
  },
  volumes: { data: {} },
  'x-subako': { domain: SITE },
});

let platform: TestPlatform;
let dir: ComposeDir;

beforeAll(async () => {
  platform = await TestPlatform.start({ checkpoints: false, freezeAfter: 'never', idleTimeout: 'never' });
  await importBusybox(platform.api, platform.dir);
  dir = new ComposeDir(platform);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

/** A daemon with this failpoint; it dies on the way. */
async function die(failpoint: string, move: () => Promise<unknown>): Promise<void> {
  await platform.killDaemon();
  const { pid } = await platform.up(`${failpoint}=kill`);
  const moving = move().catch(() => undefined);
  expect(await poll(() => !isRunning(pid), WITHIN), `nothing passed ${failpoint}`).toBe(true);
  await moving;
  await platform.up();
}

async function leftNothing(): Promise<void> {
  expect([await dir.states(), await platform.api.get('/v1/projects'), await platform.api.get('/v1/networks'), await platform.api.get('/v1/sites')]).toEqual([
    {},
    [],
    [],
    [],
  ]);
  expect([await readdir(join(platform.state, 'projects')), await platform.devices(), (await platform.fetch(SITE, '/')).status]).toEqual([[], [], 421]);
}

const page = async (): Promise<string> => {
  const answered = await poll(async () => {
    const reply = await platform.fetch(SITE, '/');
    expect([200, 503]).toContain(reply.status);
    return reply.status === 200 && String(reply.body).trim();
  }, WITHIN);
  return answered ?? 'nothing';
};

const states = async (): Promise<[string, string | undefined]> => [(await platform.row(SITE)).state, (await dir.states())['pod-db-1']];
const RESTS = (
  [
    ['cold', 'exited'],
    ['frozen', 'paused'],
  ] as const
).slice(0, WHOLE ? 2 : 1);

describe('a daemon that is killed', () => {
  it.each(chosen(['compose.made', 'compose.recorded', 'compose.site']))('while a new project comes up, at %s, leaves nothing of it', PATIENT, async (name) => {
    await die(name, () => dir.up(file('one')));
    await leftNothing();
  });

  it.runIf(WHOLE)('while a new project is first woken leaves one that wakes', PATIENT, async () => {
    await die('companions.up', () => dir.up(file('one')));
    expect(await page()).toBe('one');
    expect(await states()).toEqual(['running', 'running']);
  });

  it.each(chosen(['companions.up']))('while it wakes, at %s, leaves a visitor waiting and nothing else', PATIENT, async (name) => {
    expect((await dir.up(file('one'))).code).toBe(0);
    await platform.sleep(SITE, 'cold');
    await die(name, () => platform.fetch(SITE, '/'));
    expect(await poll(async () => (await states())[1] === 'exited', WITHIN)).toBe(true);
    expect([await page(), await states()]).toEqual(['one', ['running', 'running']]);
  });

  it.each(RESTS)('while it comes to rest %s leaves it there with its companions', PATIENT, async (rest, state) => {
    for (const name of chosen(['companions.resting', 'companions.rested'])) {
      expect(await page()).toBe('one');
      await die(name, () => platform.sleep(SITE, rest));
      expect(await poll(async () => (await states())[1] === state, WITHIN)).toBe(true);
      expect(await states()).toEqual([rest, state]);
      expect([await page(), await states()]).toEqual(['one', ['running', 'running']]);
    }
  });

  it.each(chosen(['compose.made', 'compose.recorded', 'compose.site', 'companions.up']))(
    'while it is changed, at %s, leaves the one or the other, and what is asked for again comes',
    PATIENT,
    async (name) => {
      // Or the daemon would pass it when it takes over.
      if (name === 'companions.up') await platform.sleep(SITE, 'cold');
      await die(name, () => dir.up(file('two')));
      expect(['one', 'two']).toContain(await page());
      expect(Object.keys(await dir.states())).toEqual(['pod-db-1']);
      expect((await dir.up(file('two'))).code).toBe(0);
      expect(await page()).toBe('two');
      expect((await dir.up(file('one'))).code).toBe(0);
    },
  );

  it.each(chosen(['compose.removing', 'compose.ending']))('while it goes, at %s, has it gone afterwards', PATIENT, async (name) => {
    expect((await dir.up(file('one'))).code).toBe(0);
    await die(name, () => dir.cli(['compose', 'down']));
    await leftNothing();
  });
});

describe('a platform that goes down and comes up', () => {
  it('brings nothing of a sleeping project back, and wakes it as ever', async () => {
    expect((await dir.up(file('one'))).code).toBe(0);
    await platform.cli(['down']);
    await platform.up();
    expect(await states()).toEqual(['cold', 'exited']);
    expect([await page(), await states()]).toEqual(['one', ['running', 'running']]);
    expect((await dir.cli(['compose', 'down', '-v'])).code).toBe(0);
  });
});
