/** At which points hooks run for an event of the platform. Pure. */
import type { NewEvent } from '../domain/events.ts';
import type { Role } from '../domain/role.ts';
import type { State } from '../domain/state.ts';
import type { HookPoint } from './hook.ts';
import type { Told } from './hooks.ts';

interface Moved {
  readonly points: readonly HookPoint[];
  /** Of the role, from then on. */
  readonly state?: State;
  /** Where it is not the event's. */
  readonly instance?: string;
}

/** In the order in which things happened. */
export function pointsOf(event: NewEvent): Told[] {
  const moves = MOVES[event.type]?.(event.facts ?? {}) ?? [];
  return moves.flatMap(({ points, state, instance = event.instance }) =>
    points.map((hook) => ({
      hook,
      ...(event.site === undefined ? {} : { site: event.site }),
      ...(event.facts?.['role'] === undefined ? {} : { role: event.facts['role'] as Role }),
      ...(instance === undefined ? {} : { instance }),
      ...(state === undefined ? {} : { state }),
      ...(event.cause === undefined ? {} : { cause: event.cause }),
      ...(event.facts === undefined ? {} : { facts: event.facts }),
    })),
  );
}

const RUNNING = 'running';

/** What an event of that type means, by its facts. */
const MOVES: Readonly<Partial<Record<NewEvent['type'], (facts: Readonly<Record<string, unknown>>) => readonly Moved[]>>> = {
  'instance.woken': ({ from }) => [{ points: [from === 'frozen' ? 'after-thaw' : 'after-boot', 'ready'], state: RUNNING }],
  'instance.added': () => [{ points: ['after-boot', 'ready'], state: RUNNING }],
  'instance.recycled': ({ old }) => [
    { points: ['after-boot', 'ready'], state: RUNNING },
    { points: ['after-stop'], state: RUNNING, ...(typeof old === 'string' ? { instance: old } : {}) },
  ],
  'instance.slept': ({ to }) => [{ points: [to === 'frozen' ? 'after-freeze' : 'after-stop'], state: to as State }],
  'instance.ended': () => [{ points: ['after-stop'], state: RUNNING }],
  'checkpoint.made': () => [{ points: ['after-checkpoint'], state: 'checkpointed' }],
  'instance.died': () => [{ points: ['died'] }],
  'instance.oom': () => [{ points: ['oom'], state: RUNNING }],
  'memory.pressure': () => [{ points: ['memory-pressure'] }],
};
