import { describe, expect, it } from 'vitest';
import { isAlive, startTimeOf } from '../lib/proc.ts';
import { poll } from '../lib/deadline.ts';
import { HOOKS } from './hook-schema.ts';
import type { Hook, HookEvent } from './hook.ts';
import { runHook } from './run-hook.ts';
import type { Outcome } from './run-hook.ts';

const EVENT: HookEvent = { hook: 'before-stop', at: 5, site: 'a.example', role: 'admin', instance: 'i', cause: 'idle\0; $(id)' };

function hookOf(run: unknown, more: object = {}): Hook {
  const [hook] = HOOKS.parse([{ on: 'before-stop', run, ...more }]);
  if (hook === undefined) throw new Error('none');
  return hook;
}

const functions = {
  call: (hook: Hook, event: HookEvent): Promise<unknown> => Promise.resolve().then(() => (hook.run as (event: HookEvent) => unknown)(event)),
};
const outcome = (run: unknown, more: object = {}): Promise<Outcome> => runHook(hookOf(run, more), EVENT, { functions, env: { GIVEN: 'yes' } });
const sh = (script: string): string[] => ['/bin/sh', '-c', script];

describe('a command', () => {
  it('is told what happens on its standard input and in its environment, and finds nothing else there', async () => {
    const told = await outcome(sh('cat >&2; echo "$SUBAKO_HOOK $SUBAKO_SITE $SUBAKO_ROLE $SUBAKO_INSTANCE $GIVEN ${HOME-none}" >&2; exit 1'));
    expect(told).toEqual({ kind: 'failed', why: 'exit 1: before-stop a.example admin i yes none' });
    const [program, ...args] = sh(`test "$(cat)" = '${JSON.stringify(EVENT)}'`);
    expect(await outcome([program, ...args])).toEqual({ kind: 'done' });
  });

  it('gets its arguments as they are: no shell looks at them', async () => {
    expect(await outcome(['/usr/bin/test', '$(id) `id` ; *', '=', '$(id) `id` ; *'])).toEqual({ kind: 'done' });
  });

  it('vetoes by exit code 75; its last line says why, without what steers a terminal', async () => {
    expect(await outcome(sh('echo looking; printf "\\033[31m3 mails\\n"; exit 75'))).toEqual({ kind: 'veto', reason: '\uFFFD[31m3 mails' });
    expect(await outcome(sh('exit 75'))).toEqual({ kind: 'veto', reason: 'it gave no reason' });
  });

  it('that fails, is not there or dies has failed', async () => {
    expect(await outcome(sh('exit 3'))).toEqual({ kind: 'failed', why: 'exit 3' });
    expect(await outcome(['/no/such/program'])).toMatchObject({ kind: 'failed', why: expect.stringContaining('ENOENT') });
    expect(await outcome(sh('kill -KILL $$'))).toEqual({ kind: 'failed', why: 'died of SIGKILL' });
  });

  it('that hangs is ended at its deadline, with what it started', async () => {
    const { execAny } = await import('../lib/exec.ts');
    const mark = `86399.${process.pid}`;
    expect(await outcome(sh(`sleep ${mark} & trap "" TERM; sleep ${mark}; sleep ${mark}`), { deadline: '200ms' })).toEqual({
      kind: 'failed',
      why: 'it took longer than 200 ms',
    });
    const gone = await poll(async () => (await execAny(['pgrep', '-f', `sleep ${mark}`])).code === 1, { timeoutMs: 60_000, everyMs: 50 });
    expect(gone).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: startTimeOf(process.pid) ?? '' })).toBe(true);
  });
});

describe('a function', () => {
  it('vetoes by what it gives, and fails by what it throws', async () => {
    expect(await outcome(() => undefined)).toEqual({ kind: 'done' });
    expect(await outcome(() => ({ veto: 'not\nyet' }))).toEqual({ kind: 'veto', reason: 'not yet' });
    expect(await outcome(() => Promise.reject(new Error('broken')))).toEqual({ kind: 'failed', why: 'broken' });
    expect(await outcome(() => 'anything else')).toEqual({ kind: 'done' });
  });
});
