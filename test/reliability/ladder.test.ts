/** Sites that move up and down while they are used: no request is lost, none gets a wrong answer, and every wait has an end. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { startTimeOf } from '../../src/lib/proc.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { leftoversAtRest, wrongs } from './checker.ts';
import { often, PATIENT } from './whole.ts';

const SITE = 'ladder.localhost';
const BUSY = 'busy.localhost';
const FLAPPING = Array.from({ length: often(4, 50) }, (_, index) => `flap${index}.localhost`);
const SITES = [SITE, BUSY, ...FLAPPING];
let platform: TestPlatform;

const refused = (error: unknown): { code: string } => error as { code: string };
const titled = (site: string) => `<title>${site}</title>`;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', targetInFlight: 1, drainDeadline: '2s' });
  for (const site of SITES) await platform.createSite(site);
  for (const site of [SITE, ...FLAPPING]) await platform.set(site, 'instances=1');
  await platform.plantPhp(BUSY, 'slow.php', '<?php usleep(300000); echo "done";');
  await platform.plantPhp(SITE, 'slow.php', '<?php usleep((int) $_GET["us"]); echo "done";');
  await platform.untilTemplate();
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a site that has much to do', () => {
  it('gets another instance beside the first, and every answer is right', async () => {
    const seen = new Set<number>();
    const watch = async (): Promise<boolean> => {
      seen.add((await platform.row(BUSY)).instances);
      return seen.has(2);
    };
    const end = { now: false };
    const visitor = async (): Promise<void> => {
      while (!end.now) {
        const reply = await platform.fetch(BUSY, '/wp-content/plugins/slow.php');
        expect(`${reply.status} ${reply.text}`).toBe('200 done');
      }
    };
    const visitors = Array.from({ length: 10 }, visitor);
    const grown = await poll(watch, { timeoutMs: 120_000, everyMs: 200 });
    end.now = true;
    await Promise.all(visitors);
    expect(grown, 'no second instance came').toBe(true);
    expect((await platform.events(BUSY)).some((event) => event.type === 'instance.added')).toBe(true);
    expect(await leftoversAtRest(platform, { sites: SITES, instances: 4 })).toEqual([]);
  });
});

describe('a container whose lifetime is over', () => {
  it('is replaced under load: not one answer is wrong', PATIENT, async () => {
    await platform.wake(SITE);
    await platform.set(SITE, 'lifetime=3s');
    const until = Date.now() + often(9_000, 60_000);
    const pids = new Set<number | null>();
    let answers = 0;
    const visitor = async (): Promise<void> => {
      while (Date.now() < until) {
        const reply = await platform.fetch(SITE, '/');
        expect(reply.status).toBe(200);
        expect(reply.text).toContain(titled(SITE));
        answers += 1;
      }
    };
    const watch = async (): Promise<void> => {
      while (Date.now() < until) {
        pids.add((await platform.row(SITE)).pid);
        await sleep(200);
      }
    };
    await Promise.all([visitor(), visitor(), visitor(), watch()]);
    await platform.set(SITE, 'lifetime=1d');
    expect(answers).toBeGreaterThan(10);
    expect(pids.size).toBeGreaterThan(1);
    expect((await platform.events(SITE)).filter((event) => event.type === 'instance.recycled').length).toBeGreaterThan(0);
    expect(await wrongs(platform, { sites: [...SITES], instances: 4 })).toEqual([]);
  });
});

describe('freezing and thawing', () => {
  it('loses no request, however often and however many sites do it at once', PATIENT, async () => {
    const rounds = often(20, 500);
    const flap = async (site: string): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const sleeping = platform.sleep(site, 'frozen').catch((error: unknown) => expect(refused(error).code).toBe('busy'));
        const replies = await Promise.all(Array.from({ length: 2 }, () => platform.fetch(site, '/')));
        for (const reply of replies) {
          expect(reply.status).toBe(200);
          expect(reply.text).toContain(titled(site));
        }
        await sleeping;
      }
    };
    for (const site of FLAPPING) await platform.wake(site);
    await Promise.all(FLAPPING.map(flap));
    expect((await platform.events()).filter((event) => event.cause === 'request' && event.facts?.['from'] === 'frozen').length).toBeGreaterThan(rounds);
    expect(await wrongs(platform, { sites: SITES, instances: 4 })).toEqual([]);
  });

  it('of a container that was killed meanwhile ends in another one', async () => {
    const [site = ''] = FLAPPING;
    await platform.wake(site);
    const { pid } = await platform.row(site);
    await platform.sleep(site, 'frozen');
    process.kill(pid ?? 0, 'SIGKILL');
    const reply = await platform.fetch(site, '/');
    // It may take the kernel until it is thawed to end it, and the visitor with it; the next gets the page.
    expect([200, 502, 503]).toContain(reply.status);
    expect(await wrongs(platform, { sites: SITES, instances: 4 })).toEqual([]);
  });
});

describe('visitors who give up', () => {
  it('before their answer leave nothing stuck, in whatever state the site was', async () => {
    for (const to of ['cold', 'checkpointed', 'frozen'] as const) {
      await platform.wake(SITE);
      await platform.sleep(SITE, to);
      await Promise.all(Array.from({ length: 30 }, (_, index) => giveUp(SITE, index * 5)));
      expect((await platform.fetch(SITE, '/')).text).toContain(titled(SITE));
      await poll(async () => (await platform.api.get<StatusReply>('/v1/status')).waiting === 0, { timeoutMs: 120_000, everyMs: 50 });
      expect(await platform.api.get<StatusReply>('/v1/status')).toMatchObject({ waiting: 0, queuedBoots: 0 });
      expect(await platform.sleep(SITE, 'cold')).toMatchObject({ to: 'cold' });
    }
  });
});

describe('the database', () => {
  it('may be away while a site wakes: the site says so, and is well when it is back', async () => {
    await platform.wake(SITE);
    await platform.sleep(SITE, 'cold');
    const { database } = await platform.api.get<StatusReply>('/v1/status');
    process.kill(database.pid ?? 0, 'SIGKILL');
    const reply = await platform.fetch(SITE, '/');
    // Awake, but without its database: WordPress’ own words, or the page if the database is quick to be back.
    expect([200, 500, 503]).toContain(reply.status);
    const back = await poll(async () => (await platform.fetch(SITE, '/')).text.includes(titled(SITE)), { timeoutMs: 120_000, everyMs: 200 });
    expect(back, 'it is not well again').toBe(true);
    expect(await wrongs(platform, { sites: SITES, instances: 4 })).toEqual([]);
  });
});

describe('a container that does not want to end', () => {
  it('ends all the same, soon after its deadlines', PATIENT, async () => {
    await platform.wake(SITE);
    const { pid } = await platform.row(SITE);
    // Stopped again and again from outside, its first process handles no signal; a request keeps a worker busy for longer than any deadline.
    const stuck = platform.fetch(SITE, '/wp-content/plugins/slow.php?us=60000000');
    await sleep(500);
    const holding = setInterval(() => startTimeOf(pid ?? 0) !== undefined && process.kill(pid ?? 0, 'SIGSTOP'), 20);
    expect(await platform.sleep(SITE, 'cold')).toMatchObject({ to: 'cold' });
    clearInterval(holding);
    expect(await poll(() => startTimeOf(pid ?? 0) === undefined, { timeoutMs: 120_000, everyMs: 10 })).toBe(true);
    // A signal ends the sleep of PHP: then the answer is a whole one.
    expect([200, 502]).toContain((await stuck).status);
    expect(await wrongs(platform, { sites: SITES, instances: 4 })).toEqual([]);
  });
});

describe('settings of a site that runs', () => {
  it('change the limits of its container at once', async () => {
    await platform.wake(SITE);
    const { pid } = await platform.row(SITE);
    await platform.set(SITE, 'memory=200m', 'cpus=0.5', 'pids=40');
    expect(await limits(SITE)).toMatchObject({ memory: 200 * 1024 ** 2, cpus: 0.5, pids: 40 });
    await platform.set(SITE, 'memory=384m', 'cpus=2', 'pids=64');
    expect(await limits(SITE)).toMatchObject({ memory: 384 * 1024 ** 2, cpus: 2, pids: 64 });
    expect((await platform.row(SITE)).pid).toBe(pid);
  });
});

describe('by itself', () => {
  it('a site goes down rung after rung, and one that is kept awake does not', async () => {
    const [kept = '', resting = ''] = FLAPPING;
    for (const site of [kept, resting]) await platform.wake(site).then(() => platform.sleep(site, 'cold'));
    await platform.set(kept, 'awake=yes', 'freeze=1s', 'idle=2s');
    await platform.set(resting, 'freeze=2s', 'idle=7s', 'checkpoint=never');
    await Promise.all([kept, resting].map((site) => platform.fetch(site, '/')));
    const since = (await platform.events()).at(-1)?.seq ?? 0;
    await platform.untilState(resting, 'frozen');
    await platform.untilState(resting, 'cold');
    const slept = (await platform.events(resting)).filter((event) => event.seq > since && event.type === 'instance.slept');
    expect(slept.map((event) => [event.facts?.['from'], event.facts?.['to'], event.cause])).toEqual([
      ['running', 'frozen', 'idle'],
      ['frozen', 'cold', 'idle'],
    ]);
    expect((await platform.events(kept)).filter((event) => event.seq > since && event.type === 'instance.slept')).toEqual([]);
    expect((await platform.row(kept)).state).toBe('running');
  });
});

describe('a site that has less to do again', () => {
  it('gives its second instance back', async () => {
    const back = await poll(async () => (await platform.row(BUSY)).instances === 1, { timeoutMs: 150_000, everyMs: 500 });
    expect(back, `it has ${(await platform.row(BUSY)).instances} instances`).toBe(true);
    expect((await platform.events(BUSY)).some((event) => event.type === 'instance.ended' && event.cause === 'less to do')).toBe(true);
    expect(await wrongs(platform, { sites: SITES })).toEqual([]);
  });
});

/** A visitor who hangs up after so many milliseconds. */
async function giveUp(site: string, afterMs: number): Promise<void> {
  const socket = connect(platform.http, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`GET / HTTP/1.1\r\nHost: ${site}\r\n\r\n`);
  await sleep(afterMs);
  socket.destroy();
}

/** What the kernel holds a site's container to. */
async function limits(site: string): Promise<{ memory: number; cpus: number; pids: number }> {
  const { pid } = await platform.row(site);
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).split('\n');
  const path = (controller: string): string => lines.map((line) => line.split(':')).find(([, names = '']) => names.split(',').includes(controller))?.[2] ?? '';
  const number = async (...parts: string[]): Promise<number> => Number((await readFile(join('/sys/fs/cgroup', ...parts), 'utf8')).split(' ')[0]);
  if (path('memory') === '') {
    const own = path('');
    return { memory: await number(own, 'memory.max'), cpus: (await number(own, 'cpu.max')) / 100_000, pids: await number(own, 'pids.max') };
  }
  return {
    memory: await number('memory', path('memory'), 'memory.limit_in_bytes'),
    cpus: (await number('cpu', path('cpu'), 'cpu.cfs_quota_us')) / (await number('cpu', path('cpu'), 'cpu.cfs_period_us')),
    pids: await number('pids', path('pids'), 'pids.max'),
  };
}
