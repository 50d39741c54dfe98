import { describe, expect, it } from 'vitest';
import { HOOKS } from './hook-schema.ts';
import type { Hook } from './hook.ts';
import type { Told } from './hooks.ts';
import { HookTimers } from './timers.ts';
import type { Ticking } from './timers.ts';

const run = ['/bin/true'];
const A: Ticking = { site: 'a.example', role: 'public', instance: 'i1', bootedAt: 0, isFrozen: false };

function world(given: readonly object[]) {
  const state = { now: 0, lives: [] as Ticking[] };
  const hooks = HOOKS.parse(given);
  const told: string[] = [];
  const tell = ({ instance = 'platform' }: Told, isMeant: (hook: Hook) => boolean = () => true): void => {
    for (const hook of hooks) if (isMeant(hook)) told.push(`${state.now} ${hook.index} ${instance}`);
  };
  const timers = new HookTimers({ hooks, dispatch: { tell, keepOnly: () => undefined }, lives: () => state.lives, now: () => state.now });
  const at = (seconds: number): string[] => {
    state.now = seconds * 1_000;
    timers.look();
    return told.splice(0).map((line) => line.split(' ').slice(1).join(' '));
  };
  return { state, at };
}

describe('timers', () => {
  it('of the platform run again and again, or once', () => {
    const { at } = world([
      { on: 'timer', every: '10s', run },
      { on: 'timer', after: '15s', run },
    ]);
    expect([at(9), at(10), at(15), at(19), at(20), at(100)]).toEqual([[], ['0 platform'], ['1 platform'], [], ['0 platform'], ['0 platform']]);
  });

  it('of sites run for each of their instances, counted from its start, and not while it is frozen', () => {
    const { state, at } = world([{ on: 'timer', after: '10s', sites: '*', run }]);
    state.lives = [A, { ...A, instance: 'i2', bootedAt: 5_000 }];
    expect([at(9), at(10), at(11)]).toEqual([[], ['0 i1'], []]);
    state.lives = state.lives.map((live) => ({ ...live, isFrozen: true }));
    expect(at(20)).toEqual([]);
    state.lives = state.lives.map((live) => ({ ...live, isFrozen: false }));
    expect(at(21)).toEqual(['0 i2']);
  });

  it('begin anew with the next instance', () => {
    const { state, at } = world([{ on: 'timer', every: '10s', role: 'public', run }]);
    state.lives = [A, { ...A, role: 'admin', instance: 'i9' }];
    expect([at(10), at(15)]).toEqual([['0 i1'], []]);
    state.lives = [{ ...A, instance: 'i2', bootedAt: 16_000 }];
    expect([at(20), at(26)]).toEqual([[], ['0 i2']]);
  });
});
