/** Many at once: of sites, of visitors, of wakes. What is too much is told so, and passes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';
import type { Reply } from '../helpers/reply.ts';
import { wrongOf, wrongs } from './checker.ts';
import { often, PATIENT } from './whole.ts';

const SITES = Array.from({ length: often(6, 40) }, (_, index) => `s${index}.localhost`);
const [FIRST = '', AWAKE = ''] = SITES;
let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never' });
  const left = [...SITES];
  const creator = async (): Promise<void> => {
    for (let site = left.pop(); site !== undefined; site = left.pop()) await platform.createSite(site);
  };
  await Promise.all([creator(), creator()]);
  await untilTemplate();
}, 900_000);

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('all sites asked for in the same second', () => {
  it('from cold: each answers with its own page', PATIENT, async () => {
    for (let round = 0; round < often(1, 20); round += 1) {
      await allTo('cold');
      const replies = await Promise.all(SITES.map((site) => platform.fetch(site, '/')));
      expect(replies.map((reply) => reply.status)).toEqual(SITES.map(() => 200));
      expect(SITES.map((site, index) => wrong(site, replies[index])).filter(Boolean)).toEqual([]);
    }
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });

  it('from cold while no template is there: each boots, and answers with its own page', PATIENT, async () => {
    await allTo('cold');
    await platform.api.delete('/v1/templates');
    const replies = await Promise.all(SITES.map((site) => platform.fetch(site, '/')));
    expect(SITES.map((site, index) => wrong(site, replies[index])).filter(Boolean)).toEqual([]);
    await platform.api.post('/v1/templates');
  });

  it('by a crawler that walks from one to the next: each answers, and those that are left go to sleep again', PATIENT, async () => {
    await allTo('cold');
    for (const site of SITES)
      for (const path of ['/', '/feed/', '/?s=hello']) expect(`${path} ${(await platform.fetch(site, path)).status}`).toBe(`${path} 200`);
    await platform.set(FIRST, 'idle=1s', 'checkpoint=never'); // its wakes were measured, and it might have one of its own by now
    await platform.untilState(FIRST, 'cold');
    await platform.set(FIRST, 'idle=1h', 'checkpoint=auto');
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });

  it('leave one that is awake alone: it goes on answering at once', PATIENT, async () => {
    await allTo('cold');
    await platform.wake(AWAKE);
    const storm = Promise.all(SITES.filter((site) => site !== AWAKE).map((site) => platform.fetch(site, '/')));
    const end = { now: false };
    void storm.finally(() => {
      end.now = true;
    });
    let answers = 0;
    while (!end.now) {
      const reply = await platform.fetch(AWAKE, '/');
      expect(reply.status).toBe(200);
      expect(reply.headers['server-timing']).toBeUndefined();
      answers += 1;
    }
    expect((await storm).map((reply) => reply.status)).toEqual(SITES.slice(1).map(() => 200));
    expect(answers).toBeGreaterThan(0);
  });
});

describe('one sleeping site asked for by many visitors at once', () => {
  it.each([
    ['checkpointed', 500],
    ['frozen', often(100, 500)],
    ['cold', often(100, 500)],
  ] as const)('from %s: one wake, and a page for each of %i', async (state, visitors) => {
    await platform.wake(FIRST);
    await platform.sleep(FIRST, state);
    const since = await lastSeq();
    const replies = await Promise.all(Array.from({ length: visitors }, () => platform.fetch(FIRST, '/')));
    expect(replies.map((reply) => wrong(FIRST, reply)).filter(Boolean)).toEqual([]);
    expect(replies.filter((reply) => reply.status !== 200)).toEqual([]);
    const woken = (await platform.events(FIRST)).filter((event) => event.seq > since && event.type === 'instance.woken');
    expect(woken).toHaveLength(1);
    expect(woken[0]?.facts).toMatchObject({ from: state });
  });
});

describe('more than the platform is set to take', () => {
  it('is told to come again, and everything is well afterwards without help', async () => {
    await allTo('cold');
    await platform.json('down');
    await platform.configure({ maxWaiters: 3, maxBoots: 1, maxQueuedBoots: 2, freezeAfter: 'never' });
    await platform.up();
    await untilTemplate();
    const many = Array.from({ length: 30 }, () => FIRST);
    const replies = await Promise.all([...SITES, ...many].map(async (site) => [site, await platform.fetch(site, '/')] as const));
    expect(replies.map(([site, reply]) => wrongOf(site, reply)).filter(Boolean)).toEqual([]);
    const statuses = new Set(replies.map(([, reply]) => reply.status));
    expect(statuses).toEqual(new Set([200, 503]));
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
    expect(await platform.api.get<StatusReply>('/v1/status')).toMatchObject({ waiting: 0, queuedBoots: 0 });
  });
});

function wrong(site: string, reply: Reply | undefined): string | undefined {
  return reply === undefined ? `${site}: nothing` : wrongOf(site, reply);
}

async function allTo(state: 'cold'): Promise<void> {
  for (const site of SITES) await platform.wake(site).then(() => platform.sleep(site, state));
}

async function lastSeq(): Promise<number> {
  return (await platform.events()).at(-1)?.seq ?? 0;
}

async function untilTemplate(): Promise<void> {
  const made = await poll(async () => (await platform.api.get<StatusReply>('/v1/status')).templates > 0, { timeoutMs: 120_000, everyMs: 200 });
  expect(made, 'no template was made').toBe(true);
}
