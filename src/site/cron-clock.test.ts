import { expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import type { Settling } from '../lifecycle/lifecycle.ts';
import { CronClock } from './cron-clock.ts';

const BEGAN = 100_000;

/** One run of a site that slept; `meanwhile` happens while it runs. Whether the site is put to rest after it. */
async function restsAfter(meanwhile: (clock: CronClock, plansAreRead: Promise<void>) => Promise<void> | void): Promise<boolean> {
  let now = BEGAN;
  const site = { id: 's', domain: 'a.example', phase: 'ready', stack: 'static', createdAt: 0, settings: { ...QUIET, cronEveryMs: 1, keepAwake: false } };
  const ended = Promise.withResolvers<boolean>();
  const read = Promise.withResolvers<void>();
  const settle = async (_: unknown, { isDue }: Settling): Promise<boolean> => {
    ended.resolve(isDue?.() === true);
    return true;
  };
  const deps = {
    cmdb: {
      sites: async () => [],
      site: async () => site,
      cron: async () => read.resolve(),
      dueCrons: async () => [{ siteId: 's', dueAt: 0, ranAt: 0 }],
      putCron: async () => undefined,
    },
    lifecycle: { stateOf: () => 'cold', live: () => ({ site }), settle },
    tools: {
      run: async () => {
        now += 500;
        await meanwhile(clock, read.promise);
        return { ran: [] };
      },
    },
    emit: () => undefined,
    now: () => now,
    random: () => 0,
  };
  const clock: CronClock = new CronClock(deps as unknown as ConstructorParameters<typeof CronClock>[0]);
  await clock.start({ follow: () => () => undefined });
  const rests = await ended.promise;
  await clock.stop();
  return rests;
}

it('puts a site that slept to rest again after its work', async () => {
  expect(await restsAfter(() => undefined)).toBe(true);
});

it('leaves a site awake that was visited meanwhile', async () => {
  expect(await restsAfter((clock) => clock.noteUse('s', BEGAN + 200))).toBe(false);
});

it('does so also where its plans were read since', async () => {
  const visited = restsAfter(async (clock, plansAreRead) => {
    clock.noteUse('s', BEGAN + 200);
    await plansAreRead;
  });
  expect(await visited).toBe(false);
});

it('is not misled by a visit from before the work, of which it hears late', async () => {
  expect(await restsAfter((clock) => clock.noteUse('s', BEGAN - 200))).toBe(true);
});
