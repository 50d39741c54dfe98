import { expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import type { Settling } from '../lifecycle/lifecycle.ts';
import { CronClock } from './cron-clock.ts';

/** One run of a site that slept, which began at 1,000; `meanwhile` happens while it runs. Whether the site is put to rest after it. */
async function restsAfter(meanwhile: (clock: CronClock) => void): Promise<boolean> {
  let now = 1_000;
  const site = { id: 's', domain: 'a.example', phase: 'ready', stack: 'static', createdAt: 0, settings: { ...QUIET, cronEveryMs: 1, keepAwake: false } };
  const ended = Promise.withResolvers<boolean>();
  const settle = async (_: unknown, { isDue }: Settling): Promise<boolean> => {
    ended.resolve(isDue?.() === true);
    return true;
  };
  const deps = {
    cmdb: { sites: async () => [], site: async () => site, dueCrons: async () => [{ siteId: 's', dueAt: 0, ranAt: 0 }], putCron: async () => undefined },
    lifecycle: { stateOf: () => 'cold', live: () => ({ site }), settle },
    tools: {
      run: async () => {
        now += 500;
        meanwhile(clock);
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
  expect(await restsAfter((clock) => clock.noteUse('s', 1_200))).toBe(false);
});

it('is not misled by a visit from before the work, of which it hears late', async () => {
  expect(await restsAfter((clock) => clock.noteUse('s', 800))).toBe(true);
});
