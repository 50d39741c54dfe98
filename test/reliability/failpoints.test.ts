/** The daemon is killed, or a step fails, at every place where the world was just changed; the next daemon finds its way from there. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TemplateReply } from '../../src/api/types.ts';
import { exec } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { leftoversAtRest, wrongOf, wrongs } from './checker.ts';
import { often, PATIENT, WHOLE } from './whole.ts';

const MOVED = 'moved.localhost';
/** Awake all the time, and not concerned. */
const BESIDE = 'beside.localhost';
const DOOMED = 'doomed.localhost';
const SITES = [MOVED, BESIDE];

interface Move {
  /** Brings the site to where the move begins. */
  readonly prepare: () => Promise<unknown>;
  readonly move: () => Promise<unknown>;
}

const sleepTo = (to: 'cold' | 'frozen' | 'checkpointed') => async (): Promise<void> => {
  await platform.wake(MOVED);
  await platform.sleep(MOVED, to);
};

/** What passes the failpoints whose names begin so. */
const MOVES: Readonly<Record<string, Move>> = {
  start: { prepare: sleepTo('cold'), move: () => platform.fetch(MOVED, '/') },
  restore: { prepare: sleepTo('checkpointed'), move: () => platform.fetch(MOVED, '/') },
  // The admin role's container gets its network.
  join: {
    prepare: async () => {
      await platform.wake(MOVED, 'admin');
      await platform.sleep(MOVED, 'cold', 'admin');
    },
    move: () => platform.wake(MOVED, 'admin'),
  },
  thaw: { prepare: sleepTo('frozen'), move: () => platform.fetch(MOVED, '/') },
  freeze: { prepare: () => platform.wake(MOVED), move: () => platform.sleep(MOVED, 'frozen') },
  // Restored from a checkpoint, so that there is an older one to replace.
  checkpoint: {
    prepare: async () => {
      await sleepTo('checkpointed')();
      await platform.fetch(MOVED, '/');
    },
    move: () => platform.sleep(MOVED, 'checkpointed'),
  },
  recycle: { prepare: () => platform.wake(MOVED), move: () => visitUntil(() => platform.set(MOVED, 'lifetime=1s')) },
  add: { prepare: () => platform.wake(MOVED), move: () => visitUntil(() => Promise.resolve(), 8) },
  template: { prepare: async () => undefined, move: () => platform.api.post<TemplateReply[]>('/v1/templates') },
  // The dump is the site's own, so its page is right whichever of the two it has.
  load: {
    prepare: () => platform.json('db', 'export', MOVED, join(platform.dir, 'moved.sql')),
    move: () => platform.api.work(`/v1/sites/${MOVED}/dump`, { file: join(platform.dir, 'moved.sql') }, () => undefined),
  },
  // Half of the seed is not there, so it is made anew.
  seed: { prepare: () => rm(join(platform.state, 'seeds'), { recursive: true, force: true }), move: () => platform.createSite(DOOMED) },
  erase: { prepare: () => platform.createSite(DOOMED), move: () => platform.api.delete(`/v1/sites/${DOOMED}`) },
};

/** One for each move; a whole run takes them all. */
const SELECTED = new Set([
  'restore.restored',
  'thaw.routed',
  'freeze.frozen',
  'checkpoint.begun',
  'recycle.routed',
  'template.sealed',
  'erase.ended',
  'seed.installed',
  'load.exchanged',
]);

/** Of orders for certificates, which need an authority (test/e2e/acme.test.ts), of spares (spares.test.ts), of containers of images (test/integration/containers.test.ts), of another name (test/e2e/owner.test.ts), of releases (test/e2e/stacks.test.ts), and of projects (compose.test.ts). */
const ELSEWHERE = new Set(['acme', 'spare', 'primary', 'container', 'network', 'connect', 'disconnect', 'release', 'compose', 'companions']);
const NAMES = (await failpointsInSource()).filter((name) => !ELSEWHERE.has(moveOf(name)));
let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', targetInFlight: 1 });
  for (const site of SITES) await platform.createSite(site);
  await platform.plantPhp(MOVED, 'slow.php', '<?php usleep(200000); echo "done";');
  await platform.wake(BESIDE);
  await platform.untilTemplate();
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('every failpoint of the source', () => {
  it('has a move that passes it', () => {
    expect(NAMES.length).toBeGreaterThan(15);
    expect(NAMES.filter((name) => MOVES[moveOf(name)] === undefined)).toEqual([]);
    expect([...SELECTED].filter((name) => !NAMES.includes(name))).toEqual([]);
  });
});

describe.each(Array.from({ length: often(1, 3) }, (_, index) => index + 1))('round %i', () => {
  it.each(NAMES.filter((name) => WHOLE || SELECTED.has(name)))(
    'a daemon that is killed at %s leaves nothing behind, and no visitor gets a wrong answer',
    PATIENT,
    async (name) => {
      const pid = await begin(name, 'kill');
      const moving = MOVES[moveOf(name)]?.move().catch(() => undefined);
      expect(await poll(() => !isRunning(pid), { timeoutMs: 120_000, everyMs: 10 }), `nothing passed ${name}`).toBe(true);
      await moving;
      const replies = await Promise.all(SITES.map(async (site) => wrongOf(site, await platform.fetch(site, '/'))));
      expect(replies).toEqual([undefined, undefined]);
      expect((await platform.fetch(BESIDE, '/')).status).toBe(200);
      await recover();
    },
  );
});

describe.runIf(WHOLE)('a step that fails', () => {
  it.each(NAMES)('at %s leaves nothing behind, and no visitor gets a wrong answer', PATIENT, async (name) => {
    const pid = await begin(name, 'throw');
    const moving = MOVES[moveOf(name)]?.move().catch(() => undefined);
    await (name.startsWith('recycle') || name.startsWith('add') ? poll(() => failed(), { timeoutMs: 120_000, everyMs: 100 }) : moving);
    ending.now = true;
    await moving;
    expect(isRunning(pid)).toBe(true);
    if (!name.startsWith('erase')) expect(await leftoversAtRest(platform, { sites: SITES, instances: 2 })).toEqual([]);
    await platform.killDaemon();
    await recover();
  });
});

/** Set when a move in the background is to stop. */
const ending = { now: false };

/** A daemon with this failpoint, and the site where the move begins. Returns its pid. */
async function begin(name: string, action: 'kill' | 'throw'): Promise<number> {
  await MOVES[moveOf(name)]?.prepare();
  ending.now = false;
  await platform.killDaemon();
  return (await platform.up(`${name}=${action}`)).pid;
}

/** The next daemon, without failpoints: everything is in order, and what was to be removed is. */
async function recover(): Promise<void> {
  await platform.up();
  await platform.set(MOVED, 'lifetime=1d');
  expect(await wrongs(platform, { sites: SITES, instances: 4 })).toEqual([]);
  expect((await platform.fetch(DOOMED, '/')).status).toBe(421);
  expect((await exec(['find', `${platform.state}/database`, '-name', 'doomed*'])).stdout).toBe('');
  await platform.set(MOVED, 'instances=1');
  await platform.untilTemplate();
  await platform.sleep(MOVED, 'cold');
  await platform.set(MOVED, 'instances=4');
}

/** Visitors who come one after the other until the daemon is gone, and who never get a wrong answer: an awake site does not need it. */
async function visitUntil(first: () => Promise<unknown>, visitors = 2): Promise<void> {
  const pid = await platform.daemonPid();
  await first();
  const visitor = async (): Promise<void> => {
    while (isRunning(pid) && !ending.now) {
      const reply = await platform.fetch(MOVED, '/wp-content/plugins/slow.php');
      expect(`${reply.status} ${reply.text}`).toBe('200 done');
    }
  };
  await Promise.all(Array.from({ length: visitors }, visitor));
}

/** Did the step that was begun last fail? */
async function failed(): Promise<boolean> {
  const events = await platform.events();
  const since = events.findLastIndex((event) => event.type === 'platform.started');
  return events.slice(since).some((event) => event.type === 'instance.neglected');
}

function moveOf(name: string): string {
  return name.split('.')[0] ?? '';
}

async function failpointsInSource(): Promise<string[]> {
  const src = fileURLToPath(new URL('../../src', import.meta.url));
  const files = (await readdir(src, { recursive: true })).filter((name) => /(?<!\.test)\.ts$/u.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(src, name), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/failpoint\('([^']+)'\)/gu)].map((match) => match[1] ?? '')).toSorted();
}
