import { expect, it } from 'vitest';
import type { CronRecord } from '../cmdb/cmdb.ts';
import type { EventSink } from '../domain/events.ts';
import { QUIET } from '../domain/site.ts';
import type { Settling } from '../lifecycle/lifecycle.ts';
import { CronClock } from './cron-clock.ts';

const BEGAN = 100_000;

interface Run {
  /** Whether the site is put to rest after it. */
  readonly rests: boolean;
  readonly event: Parameters<EventSink>[0] | undefined;
  readonly record: CronRecord | undefined;
}

/** One run of a site that slept, and what is told and kept of it. `meanwhile` happens while it runs; what it throws, the run fails with. */
async function oneRun(meanwhile: (clock: CronClock, plansAreRead: Promise<void>) => Promise<void> | void, { takesMs = 500, busyFor = 0 } = {}): Promise<Run> {
  let now = BEGAN;
  const site = { id: 's', domain: 'a.example', phase: 'ready', stack: 'static', createdAt: 0, settings: { ...QUIET, cronEveryMs: 1, keepAwake: false } };
  const ended = Promise.withResolvers<boolean>();
  const read = Promise.withResolvers<void>();
  let event: Run['event'];
  let record: Run['record'];
  let looks = 0;
  const settle = async (_: unknown, { isDue }: Settling): Promise<boolean> => {
    looks += 1;
    if (looks > busyFor) ended.resolve(isDue?.() === true);
    return looks > busyFor;
  };
  const deps = {
    cmdb: {
      sites: async () => [],
      site: async () => site,
      cron: async () => read.resolve(),
      dueCrons: async () => (now === BEGAN ? [{ siteId: 's', dueAt: 0, ranAt: 0 }] : []),
      putCron: async (kept: CronRecord) => void (record = kept),
    },
    lifecycle: { stateOf: () => 'cold', live: () => ({ site }), settle },
    tools: {
      run: async () => {
        now += takesMs;
        await meanwhile(clock, read.promise);
        return { ran: [] };
      },
    },
    emit: (told: Run['event']) => void (event = told),
    now: () => now,
    random: () => 0,
  };
  const clock: CronClock = new CronClock(deps as unknown as ConstructorParameters<typeof CronClock>[0]);
  await clock.start({ follow: () => () => undefined });
  const rests = await ended.promise;
  await clock.stop();
  return { rests, event, record };
}

const restsAfter = async (meanwhile: Parameters<typeof oneRun>[0]): Promise<boolean> => (await oneRun(meanwhile)).rests;

it('puts a site that slept to rest again after its work', async () => {
  expect(await restsAfter(() => undefined)).toBe(true);
});

it('looks again where something is at work in it just then', async () => {
  expect((await oneRun(() => undefined, { busyFor: 1 })).rests).toBe(true);
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

it('lets a site that hung until its deadline wait thirty times as long, and says so', async () => {
  const hang = (): void => {
    throw new Error('it did not end');
  };
  const { event, record } = await oneRun(hang, { takesMs: 300_000 });
  expect(event).toMatchObject({ type: 'cron.failed', facts: { ms: 300_000, restMs: 9_000_000 } });
  expect(record).toEqual({ siteId: 's', ranAt: BEGAN, dueAt: BEGAN + 9_000_000 });
});

it('says of a slow run that it waits, and nothing of the kind of a quick one', async () => {
  const slow = await oneRun(() => undefined, { takesMs: 60_000 });
  expect(slow.event).toMatchObject({ type: 'cron.ran', facts: { ms: 60_000, restMs: 1_800_000 } });
  const quick = await oneRun(() => undefined);
  expect(quick.event?.facts).toEqual({ ms: 500, hooks: 0, first: [] });
});
