/** Puts the operator's hooks together. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { digestOf } from '../config/definition-file.ts';
import type { EventSink } from '../domain/events.ts';
import { HookWorker } from '../hooks/hook-worker.ts';
import { Hooks } from '../hooks/hooks.ts';
import { HookTimers } from '../hooks/timers.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { HookThreadData } from './hook-thread.ts';

export interface BuiltHooks extends AsyncDisposable {
  readonly hooks: Hooks;
  /** Emits, and tells the hooks. */
  readonly emit: EventSink;
}

const THREAD = new URL('hook-thread.ts', import.meta.url);
const PROGRAM = fileURLToPath(new URL('../../subako', import.meta.url));

export function buildHooks(config: Config, store: EventSink): BuiltHooks {
  const { definition, state, run } = config;
  const functions = new HookWorker(THREAD, {
    ...(definition === undefined ? {} : { definition: { path: definition, digest: digestOf(definition) } }),
    state,
    run,
  } satisfies HookThreadData);
  const env = { HOME: '/root', SUBAKO: PROGRAM, SUBAKO_STATE: state, SUBAKO_RUN: run };
  const emit: EventSink = (event) => {
    store(event);
    hooks.note(event);
  };
  const hooks = new Hooks({ hooks: config.hooks, functions, env, emit, now: Date.now });
  const end = async (): Promise<void> => {
    hooks.beginEnding();
    await hooks.settled();
    await functions[Symbol.asyncDispose]();
  };
  return { hooks, emit, [Symbol.asyncDispose]: end };
}

export function startTimers(config: Config, { hooks, lifecycle }: { hooks: Hooks; lifecycle: Lifecycle }): AsyncDisposable {
  const timers = new HookTimers({
    hooks: config.hooks,
    dispatch: hooks,
    lives: () =>
      lifecycle
        .allLive()
        .map(({ site, role, instance, isFrozen }) => ({ site: site.domain, role, instance: instance.id, bootedAt: instance.bootedAt, isFrozen })),
    now: Date.now,
  });
  timers.start();
  return { [Symbol.asyncDispose]: () => timers.stop() };
}
