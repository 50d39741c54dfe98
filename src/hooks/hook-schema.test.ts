import { describe, expect, it } from 'vitest';
import { HOOKS } from './hook-schema.ts';
import { isMeant } from './hook.ts';

const run = ['/bin/true'];
const wrong = (hook: unknown): string | undefined => HOOKS.safeParse([hook]).error?.issues[0]?.message;

describe('a hook in the definition file', () => {
  it('has ten seconds, and an hour for its veto, unless it says else', () => {
    const [usual, own] = HOOKS.parse([
      { on: 'before-stop', run },
      { on: 'before-stop', run, deadline: '2s', vetoAtMost: '5m', sites: 'a.example' },
    ]);
    expect(usual).toMatchObject({ index: 0, deadline: 10_000, vetoAtMost: 3_600_000, sites: undefined, wait: false });
    expect(own).toMatchObject({ index: 1, deadline: 2_000, vetoAtMost: 300_000, sites: ['a.example'] });
  });

  it('is a function or a command', () => {
    const hook = (): undefined => undefined;
    expect(HOOKS.parse([{ on: 'ready', run: hook }])[0]?.run).toBe(hook);
    for (const bad of ['/bin/true', [], ['true'], [1], ['/bin/true', 'zero\0byte'], undefined]) expect(wrong({ on: 'ready', run: bad })).toContain('should');
  });

  it.each([
    [{ on: 'nothing', run }],
    [{ run }],
    [{ on: 'ready', run, colour: 'red' }],
    [{ on: 'ready', run, vetoAtMost: '1h' }],
    [{ on: 'ready', run, wait: true }],
    [{ on: 'before-stop', run, deadline: '1h' }],
    [{ on: 'before-stop', run, vetoAtMost: '30d' }],
    [{ on: 'before-stop', run, sites: '../x' }],
    [{ on: 'before-stop', run, role: 'root' }],
    [{ on: 'timer', run }],
    [{ on: 'timer', run, every: '1s', after: '1s' }],
    [{ on: 'timer', run, every: '10ms' }],
    [{ on: 'signal', run, signal: 'SIGKILL' }],
    [{ on: 'signal', run, signal: 'SIGHUP', sites: 'a.example' }],
    [{ on: 'event', run }],
    [{ on: 'event', run, events: ['a; rm'] }],
  ])('is refused: %j', (hook) => {
    expect(HOOKS.safeParse([hook]).success).toBe(false);
  });

  it('is meant for its sites and role', () => {
    const [hook] = HOOKS.parse([{ on: 'ready', run, sites: ['a.example', '*.b.example'], role: 'public' }]);
    if (hook === undefined) throw new Error('none');
    const meant = (site: string, role: 'public' | 'admin' = 'public'): boolean => isMeant(hook, { hook: 'ready', site, role });
    expect([meant('a.example'), meant('x.b.example'), meant('b.example'), meant('xa.example'), meant('a.example', 'admin')]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(isMeant(hook, { hook: 'ready' })).toBe(false);
    expect(isMeant(hook, { hook: 'after-stop', site: 'a.example', role: 'public' })).toBe(false);
  });
});
