/** Up and down the ladder over and over: the daemon and the machine are afterwards what they were before. */
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { leftoversAtRest, wrongs } from './checker.ts';
import { often, PATIENT } from './whole.ts';

const SITES = ['x.localhost', 'y.localhost'];
/** More than a heap grows before it is collected. */
const SLACK_BYTES = 64 * 1024 ** 2;
/** Connections of a moment, such as this test’s own. */
const SLACK_FILES = 8;
const PAGE_BYTES = 4096;
const RESTS = ['cold', 'frozen', 'checkpointed'] as const;
let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never' });
  for (const site of SITES) await platform.createSite(site);
  const made = await poll(async () => (await platform.api.get<StatusReply>('/v1/status')).templates > 0, { timeoutMs: 120_000, everyMs: 200 });
  expect(made).toBe(true);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('waking and going to sleep', () => {
  it('leaves nothing behind, however often it happens', PATIENT, async () => {
    await round(3);
    const before = await weight();
    await round(often(30, 2_500));
    const after = await weight();
    expect({ ...after, bytes: 0, files: 0 }).toEqual({ ...before, bytes: 0, files: 0 });
    expect(after.files).toBeLessThan(before.files + SLACK_FILES);
    expect(after.bytes).toBeLessThan(before.bytes + SLACK_BYTES);
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });
});

/** Every site so often, all sites at once. */
async function round(times: number): Promise<void> {
  const flap = async (site: string): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await platform.wake(site);
      await platform.sleep(site, RESTS[time % RESTS.length] ?? 'cold');
    }
    await platform.wake(site);
    await platform.sleep(site, 'cold');
  };
  await Promise.all(SITES.map(flap));
}

interface Weight {
  readonly bytes: number;
  readonly files: number;
  readonly processes: number;
  readonly mounts: number;
  readonly cgroups: number;
}

/** What the daemon and the machine hold for this platform, at rest. */
async function weight(): Promise<Weight> {
  expect(await leftoversAtRest(platform, { sites: SITES })).toEqual([]);
  const pid = await platform.daemonPid();
  return {
    bytes: Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]) * PAGE_BYTES,
    files: (await readdir(`/proc/${pid}/fd`)).length,
    processes: (await platform.processes()).length,
    mounts: (await platform.mounts()).length,
    cgroups: (await platform.cgroups()).length,
  };
}
