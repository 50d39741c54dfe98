/** Up and down the ladder: what each rung means to a visitor and to the owner, and how a site gets from one to the next by itself. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PsRow, SiteReply } from '../../src/api/types.ts';
import type { SubakoEvent } from '../../src/domain/events.ts';
import type { RestingState } from '../../src/domain/state.ts';
import { poll } from '../../src/lib/deadline.ts';
import { limitsOf } from '../helpers/container-facts.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'ladder.localhost';
const RUNGS = ['frozen', 'checkpointed', 'cold'] as const;
/** What a visitor's wake is told to have come from, by rung. */
const ORIGIN = { frozen: undefined, checkpointed: 'checkpoint', cold: 'template' } as const;
let platform: TestPlatform;

const sleep = (to: RestingState) => platform.sleep(SITE, to);
const set = (...settings: string[]) => platform.set(SITE, ...settings);
const row = (): Promise<PsRow> => platform.row(SITE);
const lastEvent = async (type: string): Promise<SubakoEvent | undefined> => (await platform.events(SITE)).findLast((event) => event.type === type);
const page = (name: string) => platform.fetch(SITE, `/wp-content/plugins/${name}`);

beforeAll(async () => {
  platform = await TestPlatform.create();
  await platform.configure({ targetInFlight: 1 });
  await platform.up();
  await platform.createSite(SITE, '--title', 'A ladder');
  await platform.plantPhp(SITE, 'sum.php', '<?php echo hash_file("sha256", "php://input");');
  await platform.plantPhp(SITE, 'slow.php', '<?php usleep(1500000); echo "slow";');
  await platform.plantPhp(SITE, 'quick.php', '<?php echo "quick";');
  await platform.api.post('/v1/templates');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a site that rests', () => {
  it.each(RUNGS)('%s gives its visitor the whole page, and says how it woke', async (rung) => {
    await platform.wake(SITE);
    expect(await sleep(rung)).toMatchObject({ from: 'running', to: rung });
    expect((await row()).state).toBe(rung);
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('<title>A ladder</title>');
    expect(reply.headers['server-timing']).toContain(`wake;desc="${rung}"`);
    expect((await lastEvent('instance.woken'))?.facts).toMatchObject({ from: rung, ...(ORIGIN[rung] === undefined ? {} : { origin: ORIGIN[rung] }) });
    expect(await row()).toMatchObject({ state: 'running', lastWake: { from: rung } });
  });

  it.each(['frozen', 'cold'] as const)('%s gets a body byte for byte, in the container that may write', async (rung) => {
    await platform.wake(SITE, 'admin');
    await platform.sleep(SITE, rung, 'admin');
    expect((await platform.json<PsRow[]>('ps')).filter((one) => one.role === 'admin').map((one) => one.state)).toEqual(rung === 'cold' ? [] : [rung]);
    const body = randomBytes(3_000_000);
    const reply = await platform.fetch(SITE, '/wp-content/plugins/sum.php', { method: 'POST', body });
    expect(reply.text).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it.each(RUNGS)('%s wakes once for all who come at once', async (rung) => {
    await platform.wake(SITE);
    await sleep(rung);
    const { wakes } = await row();
    const replies = await Promise.all(Array.from({ length: 20 }, () => page('quick.php')));
    expect(new Set(replies.map((reply) => `${reply.status} ${reply.text}`))).toEqual(new Set(['200 quick']));
    expect((await row()).wakes).toBe(wakes + 1);
  });

  it('is the same process still when it was only frozen', async () => {
    await platform.wake(SITE);
    const { pid } = await row();
    await sleep('frozen');
    expect(await row()).toMatchObject({ state: 'frozen', pid });
    await page('quick.php');
    expect((await row()).pid).toBe(pid);
  });

  it('sinks further without waking, and never rises by being put to sleep', async () => {
    await platform.wake(SITE);
    const { wakes } = await row();
    for (const [at, rung] of RUNGS.entries()) {
      expect(await sleep(rung)).toMatchObject({ from: ['running', ...RUNGS][at], to: rung });
      for (const shallower of RUNGS.slice(0, at)) {
        const refused = await platform.cli(['sleep', SITE, '--to', shallower, '--json']);
        expect([refused.code, JSON.parse(refused.stderr)]).toEqual([1, { error: expect.objectContaining({ code: 'conflict' }) as object }]);
      }
    }
    expect((await row()).wakes).toBe(wakes);
  });

  it('has its own checkpoint still after the platform was stopped', async () => {
    await platform.wake(SITE);
    await sleep('checkpointed');
    expect((await platform.cli(['down'])).code).toBe(0);
    await platform.up();
    expect((await row()).state).toBe('checkpointed');
    expect((await platform.wake(SITE)).origin).toBe('checkpoint');
  });
});

describe('a site that another daemon takes over', () => {
  it('goes on down and up the ladder, though the template it woke from is gone', async () => {
    await sleep('cold');
    expect((await platform.wake(SITE)).origin).toBe('template');
    await sleep('frozen');
    expect((await platform.cli(['down', '--keep'])).code).toBe(0);
    await platform.up();
    expect((await row()).state).toBe('frozen');
    await platform.api.delete('/v1/templates');
    expect(await sleep('checkpointed')).toMatchObject({ from: 'frozen', to: 'checkpointed' });
    expect((await platform.wake(SITE)).origin).toBe('checkpoint');
    expect((await page('quick.php')).text).toBe('quick');
    await platform.api.post('/v1/templates');
  });
});

describe('a site that nobody visits', () => {
  it.each([
    ['never', 'cold'],
    ['always', 'checkpointed'],
  ])('is frozen first and leaves memory later; with checkpoint=%s it is %s', async (checkpoint, rest) => {
    // Or it would be due to leave memory at once, whatever the visit below, which the daemon learns of a moment later.
    await platform.wake(SITE);
    await set('freeze=1s', 'idle=6s', `checkpoint=${checkpoint}`);
    await platform.fetch(SITE, '/');
    await platform.untilState(SITE, 'frozen');
    await platform.untilState(SITE, rest);
    const slept = (await platform.events(SITE)).filter((event) => event.type === 'instance.slept').slice(-2);
    expect(slept.map(({ cause, facts }) => [cause, facts?.['from'], facts?.['to']])).toEqual([
      ['idle', 'running', 'frozen'],
      ['idle', 'frozen', rest],
    ]);
    await set('freeze=never', 'idle=never', 'checkpoint=auto');
  });

  it('is up all the same when it is to be kept awake', async () => {
    await sleep('cold');
    await set('awake=yes', 'freeze=1s', 'idle=1s');
    await platform.untilState(SITE, 'running');
    await poll(() => false, { timeoutMs: 3_000, everyMs: 500 });
    expect((await row()).state).toBe('running');
    await set('awake=no', 'freeze=never', 'idle=never');
  });
});

describe('a site that runs', () => {
  it('takes other limits at once', async () => {
    await platform.wake(SITE);
    const { pid } = await row();
    await set('memory=600m', 'pids=77');
    expect((await row()).pid).toBe(pid);
    expect(Object.values(await limitsOf(pid ?? 0))).toEqual(expect.arrayContaining([String(600 * 1024 ** 2), '77']));
  });

  it('is renewed at the end of its lifetime, and no visitor notices', async () => {
    await platform.wake(SITE);
    const { pid } = await row();
    await set('lifetime=2s');
    const statuses: number[] = [];
    const renewed = async (): Promise<boolean> => {
      for (let n = 0; n < 5; n += 1) statuses.push((await page('quick.php')).status);
      return (await lastEvent('instance.recycled')) !== undefined;
    };
    expect(await poll(renewed, { timeoutMs: 120_000, everyMs: 10 })).toBe(true);
    await set('lifetime=1d');
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await lastEvent('instance.recycled'))?.cause).toBe('lifetime');
    expect((await row()).pid).not.toBe(pid);
  });

  it('is not renewed under somebody who works in it', async () => {
    await platform.wake(SITE);
    const recycled = async () => (await platform.events(SITE)).filter(({ type }) => type === 'instance.recycled').length;
    const before = await recycled();
    const working = platform.cli(['exec', SITE, '--role', 'public', '--', 'sleep', '6']);
    await set('lifetime=2s');
    const statuses = new Set<number>();
    const visiting = poll(async () => void statuses.add((await page('quick.php')).status), { timeoutMs: 5_000, everyMs: 100 });
    expect((await working).code).toBe(0);
    await visiting;
    expect(statuses).toEqual(new Set([200]));
    const renewed = async (): Promise<boolean> => {
      await page('quick.php');
      return (await recycled()) > before;
    };
    expect(await poll(renewed, { timeoutMs: 120_000, everyMs: 100 })).toBe(true);
    await set('lifetime=1d');
  });

  it('keeps what two change at the same time', async () => {
    await Promise.all([set('pids=78'), set('memory=601m'), set('instances=2')]);
    const { settings } = await platform.api.get<SiteReply>(`/v1/sites/${SITE}`);
    expect(settings).toMatchObject({ pids: '78', memory: '601 MiB', instances: '2' });
  });

  it('is helped by more instances while it has much to do, as many as it may have, and goes back to one', async () => {
    await set('instances=3');
    const done = new AbortController();
    const replies: string[] = [];
    const visitor = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const reply = await page('slow.php');
        replies.push(`${reply.status} ${reply.text}`);
      }
    };
    const visitors = Array.from({ length: 6 }, visitor);
    const most = await poll(async () => (await row()).instances === 3, { timeoutMs: 120_000, everyMs: 500 });
    await poll(() => false, { timeoutMs: 5_000, everyMs: 1_000 });
    const { instances } = await row();
    done.abort();
    await Promise.all(visitors);
    expect([most, instances]).toEqual([true, 3]);
    expect(new Set(replies)).toEqual(new Set(['200 slow']));
    expect(await poll(async () => (await row()).instances === 1, { timeoutMs: 120_000, everyMs: 1_000 })).toBe(true);
    expect((await page('quick.php')).text).toBe('quick');
  });
});
