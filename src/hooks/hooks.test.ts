import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../domain/events.ts';
import { HOOKS } from './hook-schema.ts';
import type { Hook, HookEvent } from './hook.ts';
import { Hooks } from './hooks.ts';
import type { Asker } from './hooks.ts';
import { ASK_AGAIN_MS } from './vetoes.ts';

const SITE = { site: 'a.example', role: 'public', instance: 'i1' } as const;
const QUESTION = { told: { hook: 'before-stop', ...SITE }, instance: 'i1', since: 7, own: [] } as const;

function world(given: readonly object[]) {
  const clock = { now: 100_000 };
  const emitted: NewEvent[] = [];
  const hooks: Hooks = new Hooks({
    hooks: HOOKS.parse(given),
    functions: { call: (hook: Hook, event: HookEvent) => Promise.resolve().then(() => (hook.run as (event: HookEvent) => unknown)(event)) },
    env: {},
    emit: (event) => {
      emitted.push(event);
      hooks.note(event);
    },
    now: () => clock.now,
  });
  return { hooks, emitted, clock };
}

/** A function that keeps what it was told. */
function listener(): { told: HookEvent[]; run: (event: HookEvent) => void } {
  const told: HookEvent[] = [];
  return { told, run: (event) => void told.push(event) };
}

describe('hooks', () => {
  it('follow a site over the whole ladder, in the order in which things happened', async () => {
    const { told, run } = listener();
    const points = ['after-boot', 'ready', 'after-freeze', 'after-thaw', 'after-checkpoint', 'after-stop', 'died', 'oom'];
    const { hooks } = world(points.map((on) => ({ on, run: async (event: HookEvent) => Promise.resolve().then(() => run(event)) })));
    const note = (type: NewEvent['type'], facts: object, cause = 'x'): void =>
      hooks.note({ type, site: SITE.site, instance: 'i1', cause, facts: { role: 'public', ...facts } });
    note('instance.woken', { from: 'cold', origin: 'boot' }, 'request');
    note('instance.slept', { to: 'frozen' }, 'idle');
    note('instance.woken', { from: 'frozen' });
    note('checkpoint.made', {});
    note('instance.slept', { to: 'checkpointed' });
    note('instance.died', {});
    note('instance.oom', {});
    note('instance.recycled', { old: 'i0' });
    await hooks.settled();
    expect(told.map(({ hook }) => hook)).toEqual(
      'after-boot ready after-freeze after-thaw ready after-checkpoint after-stop died oom after-boot ready after-stop'.split(' '),
    );
    expect(told[0]).toMatchObject({ ...SITE, hook: 'after-boot', at: 100_000, state: 'running', cause: 'request', facts: { origin: 'boot' } });
    expect(told[2]).toMatchObject({ state: 'frozen', cause: 'idle' });
    expect(told.at(-1)?.instance).toBe('i0');
  });

  it('that fail are an event, and the next ones run', async () => {
    const { told, run } = listener();
    const broken = (): void => {
      throw new Error('broken');
    };
    const { hooks, emitted } = world([
      { on: 'ready', run: broken },
      { on: 'ready', run },
    ]);
    hooks.tell({ hook: 'ready', ...SITE });
    await hooks.settled();
    expect(told).toHaveLength(1);
    expect(emitted).toEqual([
      { type: 'hook.failed', site: SITE.site, instance: 'i1', cause: 'broken', facts: { hook: 'hooks[0] ready', on: 'ready', role: 'public' } },
    ]);
  });

  it('of events hear of those they name, and one that fails does not hear of its own failure', async () => {
    const { told, run } = listener();
    const both = (event: HookEvent): void => {
      run(event);
      throw new Error('always');
    };
    const { hooks, emitted } = world([
      { on: 'event', events: ['certificate.*', 'hook.failed'], run: both },
      { on: 'ready', run: () => Promise.reject(new Error('once')) },
    ]);
    hooks.note({ type: 'certificate.failed', site: SITE.site, cause: 'no answer' });
    hooks.note({ type: 'site.created', site: SITE.site });
    hooks.tell({ hook: 'ready', ...SITE });
    await hooks.settled();
    expect(told.map(({ facts }) => facts?.['type'])).toEqual(['certificate.failed', 'hook.failed']);
    expect(emitted.map(({ cause }) => cause)).toEqual(['always', 'once', 'always']);
  });

  it('hear of memory pressure once a minute', async () => {
    const { told, run } = listener();
    const { hooks, clock } = world([{ on: 'memory-pressure', run }]);
    for (const ms of [0, 1_000, 58_999, 1]) {
      clock.now += ms;
      hooks.note({ type: 'memory.pressure', facts: { leaving: 3 } });
    }
    await hooks.settled();
    expect(told.map(({ at }) => at)).toEqual([100_000, 160_000]);
  });

  it('before a boot are waited for where they say so, and then whatever comes of them', async () => {
    const { told, run } = listener();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { hooks, emitted } = world([
      { on: 'before-boot', run: () => promise },
      { on: 'before-boot', wait: true, run: () => Promise.reject(new Error('no')) },
      { on: 'before-boot', wait: true, run },
    ]);
    await hooks.beforeBoot(SITE);
    expect(told).toHaveLength(1);
    expect(emitted.map(({ type }) => type)).toEqual(['hook.failed']);
    resolve();
    await hooks.settled();
  });
});

describe('hooks before a step', () => {
  it('hold it by a veto, are not asked again at once, and let it go when they have no objection any more', async () => {
    let mails = 2;
    let asked = 0;
    const run = (): unknown => {
      asked += 1;
      return mails > 0 ? { veto: `${mails} mails` } : undefined;
    };
    const { hooks, emitted, clock } = world([{ on: 'before-stop', run }]);
    expect(await hooks.ask(QUESTION)).toBe('2 mails');
    expect(await hooks.ask(QUESTION)).toBe('2 mails');
    expect(asked).toBe(1);
    clock.now += ASK_AGAIN_MS;
    mails = 1;
    expect(await hooks.ask(QUESTION)).toBe('1 mails');
    clock.now += ASK_AGAIN_MS;
    mails = 0;
    expect(await hooks.ask(QUESTION)).toBeUndefined();
    expect(emitted).toEqual([
      {
        type: 'hook.vetoed',
        site: SITE.site,
        instance: 'i1',
        cause: '2 mails',
        facts: { hook: 'hooks[0] before-stop', on: 'before-stop', role: 'public', until: 3_700_000 },
      },
    ]);
  });

  it('hold it no longer than they say', async () => {
    const { hooks, emitted, clock } = world([{ on: 'before-stop', vetoAtMost: '1m', run: () => ({ veto: 'never' }) }]);
    expect(await hooks.ask(QUESTION)).toBe('never');
    clock.now += 60_000;
    expect(await hooks.ask(QUESTION)).toBeUndefined();
    expect(emitted.map(({ type }) => type)).toEqual(['hook.vetoed', 'hook.overruled']);
    expect(await hooks.ask({ ...QUESTION, since: 8 })).toBe('never');
  });

  it('do not hold it by failing', async () => {
    const { hooks, emitted } = world([{ on: 'before-stop', run: () => Promise.reject(new Error('broken')) }]);
    expect(await hooks.ask(QUESTION)).toBeUndefined();
    expect(emitted.map(({ type }) => type)).toEqual(['hook.failed']);
  });

  it('are told that a veto would not be heard, and it is not', async () => {
    const { told, run } = listener();
    const veto = (event: HookEvent): unknown => {
      run(event);
      return { veto: 'no' };
    };
    const { hooks } = world([{ on: 'before-stop', run: veto }]);
    await hooks.announce(QUESTION);
    await hooks.ask(QUESTION);
    expect(told.map(({ mayVeto }) => mayVeto)).toEqual([false, true]);
  });

  it('come before the owner’s, whose veto counts alike', async () => {
    const order: string[] = [];
    const owner: Asker = { name: 'hook.before-stop', vetoAtMost: 1_000, ask: async () => (order.push('owner'), { kind: 'veto', reason: 'busy' }) };
    const { hooks } = world([{ on: 'before-stop', run: () => void order.push('operator') }]);
    expect(await hooks.ask({ ...QUESTION, own: [owner] })).toBe('busy');
    expect(order).toEqual(['operator', 'owner']);
  });

  it('have ten seconds together when the platform ends', async () => {
    const { told, run } = listener();
    const { hooks, clock } = world([{ on: 'before-stop', run }]);
    hooks.beginEnding();
    clock.now += 9_999;
    await hooks.announce(QUESTION);
    clock.now += 1;
    let owners = 0;
    const own: Asker[] = [{ name: 'hook.before-stop', vetoAtMost: 1, ask: async () => ((owners += 1), { kind: 'done' }) }];
    await hooks.announce({ ...QUESTION, own });
    expect([told.length, owners]).toEqual([1, 0]);
  });
});
