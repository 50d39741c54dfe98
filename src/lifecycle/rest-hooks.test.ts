import { describe, expect, it } from 'vitest';
import type { ExecResult } from '../lib/exec.ts';
import { Hooks } from '../hooks/hooks.ts';
import { HOOKS } from '../hooks/hook-schema.ts';
import type { HookEvent } from '../hooks/hook.ts';
import { RestHooks } from './rest-hooks.ts';
import { Live } from './live.ts';

const RESULT: ExecResult = { code: 0, signal: null, stdout: '', stderr: '', timedOut: false };

function world(given: readonly object[], owners: Readonly<Record<string, string>> = {}, result: Partial<ExecResult> = {}) {
  const order: string[] = [];
  const live = Object.assign(Object.create(Live.prototype) as Live, {
    site: { id: 's', domain: 'a.example', settings: { hooks: owners } },
    instance: { id: 'i1', role: 'public', state: 'running', bootedAt: 3 },
    context: { paths: { log: '/nonexistent' } },
    usedAt: 50,
    holds: 0,
    cause: 'request',
    veto: undefined,
  });
  const functions = { call: async (_hook: unknown, event: HookEvent) => void order.push(`${event.hook} of ${event.state}`) };
  const hooks = new Hooks({ hooks: HOOKS.parse(given), functions, env: {}, emit: ({ type }) => void order.push(type), now: () => 100 });
  const exec = async (id: string, argv: readonly string[]): Promise<ExecResult> => {
    order.push(`${argv.join(' ')} in ${id}, ${live.isFrozen ? 'frozen' : 'running'}, holds ${live.holds}`);
    return { ...RESULT, ...result };
  };
  const wake = async (): Promise<void> => {
    order.push('wake');
    live.instance = { ...live.instance, state: 'running' };
    live.usedAt = 99;
  };
  const restHooks = new RestHooks({ hooks, runtime: { exec } as never, now: () => 100, wake });
  return { restHooks, live, order };
}
const ALL = ['before-freeze', 'before-checkpoint', 'before-stop'].map((on) => ({ on, run: () => undefined }));
const IDLE = { cause: 'idle', since: 50 };

describe('hooks before a rest', () => {
  it('asks before each step that lies on the way', async () => {
    for (const [to, steps] of [
      ['frozen', ['before-freeze']],
      ['checkpointed', ['before-checkpoint', 'before-stop']],
      ['cold', ['before-stop']],
    ] as const) {
      const { restHooks, live, order } = world(ALL);
      expect(await restHooks.mayRest(live, { to, ...IDLE })).toBe(true);
      expect(order).toEqual(steps.map((step) => `${step} of running`));
    }
  });

  it('runs the owner’s hook in the container, and keeps that container there meanwhile', async () => {
    const { restHooks, live, order } = world([], { 'before-stop': '/bin/queue --empty' });
    expect(await restHooks.mayRest(live, { to: 'cold', ...IDLE })).toBe(true);
    expect(order).toEqual(['/bin/queue --empty in i1, running, holds 1']);
    expect([live.holds, live.usedAt]).toEqual([0, 50]);
  });

  it('keeps a container whose owner’s hook exits 75, and says why', async () => {
    const { restHooks, live } = world([], { 'before-freeze': '/bin/queue' }, { code: 75, stdout: '3 mails\n' });
    expect(await restHooks.mayRest(live, { to: 'frozen', ...IDLE })).toBe(false);
    expect(live.why).toBe('not to freeze yet: 3 mails');
    live.usedAt = 101;
    expect(live.why).toBe('request');
  });

  it('thaws a frozen container for its owner’s hook, and that is no use of the site', async () => {
    const { restHooks, live, order } = world([], { 'before-stop': '/bin/queue' });
    live.instance = { ...live.instance, state: 'frozen' };
    expect(await restHooks.mayRest(live, { to: 'cold', ...IDLE })).toBe(true);
    expect(order).toEqual(['wake', '/bin/queue in i1, running, holds 1']);
    expect(live.usedAt).toBe(50);
  });

  it('is not held by an owner’s hook that fails', async () => {
    const { restHooks, live, order } = world([], { 'before-stop': '/bin/queue' }, { code: 1 });
    expect(await restHooks.mayRest(live, { to: 'cold', ...IDLE })).toBe(true);
    expect(order.at(-1)).toBe('hook.failed');
  });

  it('only announces what is ordered: nobody holds it, and a frozen one sleeps on', async () => {
    const { restHooks, live, order } = world(ALL, { 'before-stop': '/bin/queue' }, { code: 75 });
    await restHooks.announce(live, { to: 'cold', cause: 'command' });
    live.instance = { ...live.instance, state: 'frozen' };
    await restHooks.announce(live, { to: 'cold', cause: 'platform stopped' });
    expect(order).toEqual(['before-stop of running', '/bin/queue in i1, running, holds 1', 'before-stop of frozen']);
  });
});
