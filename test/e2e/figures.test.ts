/** What the platform counts and shows of itself: to Prometheus, in `top`, and of its checkpoints. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointReply } from '../../src/api/types.ts';
import { execAny } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { freePort } from '../helpers/registry.ts';

const SITE = 'figures.localhost';
const SUBAKO = join(fileURLToPath(new URL('../..', import.meta.url)), 'subako');
let platform: TestPlatform;
let siteId: string;
let address: string;

beforeAll(async () => {
  platform = await TestPlatform.create();
  address = `127.0.0.1:${await freePort()}`;
  await platform.configure({ metrics: address, freezeAfter: 'never' });
  await platform.up();
  siteId = (await platform.createSite(SITE)).id;
  await platform.untilTemplate();
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

/** The figures by name and labels, as Prometheus reads them. */
async function figures(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line): [string, number] => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** Of a name whose labels hold these words. */
function sum(all: ReadonlyMap<string, number>, name: string, ...words: string[]): number {
  return [...all].filter(([key]) => key.startsWith(name) && words.every((word) => key.includes(word))).reduce((total, [, value]) => total + value, 0);
}

describe('figures for Prometheus', () => {
  it.each([
    ['frozen', 'thaw'],
    ['checkpointed', 'checkpoint'],
  ] as const)('count a wake from %s, and what it took', async (state, origin) => {
    await platform.wake(SITE);
    const before = await figures();
    await platform.sleep(SITE, state);
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
    const after = await figures();
    const grown = (name: string, ...words: string[]): number => sum(after, name, ...words) - sum(before, name, ...words);
    expect(grown('subako_wake_seconds_count', `from="${state}"`, `origin="${origin}"`)).toBe(1);
    expect(grown('subako_wake_seconds_count')).toBe(1);
    expect(grown('subako_wake_seconds_sum', `from="${state}"`)).toBeGreaterThan(0);
    expect(grown('subako_events_total', 'type="instance.slept"')).toBe(1);
    expect(grown('subako_reclaimed_bytes_total') > 1024 ** 2).toBe(state === 'checkpointed');
  });

  it('say how many sites are in which state, and what is on disk', async () => {
    await platform.wake(SITE).then(() => platform.sleep(SITE, 'frozen'));
    const frozen = await figures();
    expect([sum(frozen, 'subako_sites', 'state="frozen"'), sum(frozen, 'subako_instances', 'state="frozen"')]).toEqual([1, 1]);
    expect(sum(frozen, 'subako_instance_memory_bytes', 'state="frozen"')).toBeGreaterThan(1024 ** 2);
    expect(sum(frozen, 'subako_checkpoint_bytes', 'kind="template"')).toBeGreaterThan(1024 ** 2);
    await platform.sleep(SITE, 'cold');
    const cold = await figures();
    expect([sum(cold, 'subako_sites', 'state="cold"'), sum(cold, 'subako_sites', 'state="frozen"')]).toEqual([1, 0]);
    expect([...cold.keys()].filter((key) => key.includes(SITE))).toEqual([]);
  });

  it('count a wake that failed, by why', async () => {
    const before = sum(await figures(), 'subako_wake_failures_total');
    await platform.sleep(SITE, 'cold').catch(() => undefined); // it is already
    const config = join(platform.state, 'sites', siteId, 'config');
    await rename(config, `${config}.away`);
    try {
      expect((await platform.fetch(SITE, '/')).status).toBe(503);
    } finally {
      await rename(`${config}.away`, config);
    }
    expect(await poll(() => platform.wake(SITE).catch(() => undefined), { timeoutMs: 120_000, everyMs: 250 })).toBeDefined();
    expect(sum(await figures(), 'subako_wake_failures_total')).toBe(before + 1);
  });

  it('are what the command prints, and nothing else is there', async () => {
    expect((await platform.cli(['metrics'])).stdout).toContain('# TYPE subako_wake_seconds histogram');
    expect((await fetch(`http://${address}/v1/sites`)).status).toBe(404);
  });
});

describe('the picture of what is up', () => {
  it('has a site that runs, without a terminal too, and ends when nobody reads', async () => {
    await platform.wake(SITE);
    const env = { SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run, HOME: '/root' };
    const { stdout } = await execAny(['bash', '-c', '"$0" top --json | head -1', SUBAKO], { env, timeoutMs: 120_000 });
    expect(JSON.parse(stdout)).toMatchObject([{ site: SITE, role: 'public', state: 'running' }]);
  });
});

describe('why a site sleeps', () => {
  it('is told as long as it does', async () => {
    await platform.wake(SITE);
    await platform.sleep(SITE, 'cold');
    expect(await platform.row(SITE)).toMatchObject({ state: 'cold', why: 'command' });
    await platform.set(SITE, 'idle=1s');
    await platform.wake(SITE);
    await platform.untilState(SITE, 'cold');
    expect((await platform.row(SITE)).why).toBe('idle');
    await platform.set(SITE, 'idle=15m');
  });
});

describe('a checkpoint', () => {
  it('is listed, found in order, and removed', async () => {
    await platform.wake(SITE);
    await platform.sleep(SITE, 'checkpointed');
    expect(await platform.json<CheckpointReply[]>('checkpoint', 'ls')).toMatchObject([{ site: SITE }]);
    expect(await platform.json('checkpoint', 'verify')).toMatchObject([{ ok: true }]);
    expect((await platform.cli(['checkpoint', 'rm', SITE])).code).toBe(0);
    expect(await platform.json('checkpoint', 'ls')).toEqual([]);
    expect((await platform.row(SITE)).state).toBe('cold');
  });
});
