import { beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../domain/events.ts';
import { spareContainerId, spareSlotOf } from '../domain/spare-id.ts';
import { startTimeOf } from '../lib/proc.ts';
import type { StackContext } from '../stack/stack.ts';
import type { Spare } from './spare-maker.ts';
import { Spares } from './spares.ts';
import type { Served } from './templates.ts';

const ALIVE = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
const DEAD = { pid: process.pid, startTime: 'another' };
const QUIET = { short: false, isQuiet: () => true };
const IMAGE = 'sha256:one';

function servedAs(id: string, role: 'public' | 'admin' = 'public'): Served {
  return { id, of: { role, image: { digest: IMAGE }, stack: { name: 'stack' } } } as Served;
}

/** A machine whose containers are names. */
class Machine {
  now = 0;
  served: Served[] = [servedAs('first')];
  containers: string[] = [];
  /** Of those that are made from now on. */
  process = ALIVE;
  fails = false;
  readonly cleared: StackContext[] = [];
  readonly events: NewEvent[] = [];
  readonly spares = new Spares({
    count: 2,
    now: () => this.now,
    emit: (event) => this.events.push(event),
    containers: async () => this.containers,
    runtime: { usage: async () => ({ memoryBytes: 1, cpuMs: 0, oomKills: 0 }) },
    templates: { served: () => this.served, use: async () => '/template' },
    maker: {
      make: async (of, { slot }) => {
        if (this.fails) throw new Error('no');
        const id = spareContainerId(slot, of.role);
        this.containers.push(id);
        return { id, stack: of.stack, process: this.process, logPath: '', context: { image: of.image } as StackContext } satisfies Spare;
      },
      remove: async ({ id }) => void (this.containers = this.containers.filter((one) => one !== id)),
      clearFiles: async (context) => void this.cleared.push(context),
    },
  });

  causes(type: NewEvent['type']): (string | undefined)[] {
    return this.events.filter((event) => event.type === type).map(({ cause }) => cause);
  }
}

describe('spares', () => {
  let machine: Machine;
  let spares: Spares;
  beforeEach(() => {
    machine = new Machine();
    spares = machine.spares;
  });

  it('are made until as many wait as should, each with ids of its own', async () => {
    await spares.tend(QUIET);
    expect([spares.waiting, spares.wanted]).toEqual([2, 2]);
    expect(new Set(machine.containers.map(spareSlotOf)).size).toBe(2);
    await spares.tend(QUIET);
    expect(machine.containers).toHaveLength(2);
  });

  it('are given to one each, and to a site of their image', async () => {
    await spares.tend(QUIET);
    expect(spares.take('sha256:other')).toBeUndefined();
    const taken = [spares.take(IMAGE), spares.take(IMAGE), spares.take(IMAGE)].map((spare) => spare?.id);
    expect([new Set(taken).size, taken[2]]).toEqual([3, undefined]);
  });

  it('leave nothing of nobody’s behind, once the visitor they were taken for has his page', async () => {
    await machine.spares.tend(QUIET);
    const spare = spares.take(IMAGE);
    if (spare !== undefined) spares.handedOver(spare);
    await spares.tend({ ...QUIET, isQuiet: () => false });
    expect(machine.cleared).toEqual([]);
    await spares.tend(QUIET);
    expect(machine.cleared).toEqual([spare?.context]);
    await spares.tend(QUIET);
    expect(machine.cleared).toHaveLength(1);
  });

  it('never get ids of which there is a container still', async () => {
    machine.containers = ['spare00000-public-sabcde', 'spare00002-public-sabcde', 'sabcdefghi-public-sabcde'];
    await spares.tend(QUIET);
    expect(machine.containers.slice(3).map(spareSlotOf)).toEqual([1, 3]);
  });

  it('are for the public role alone', async () => {
    machine.served = [servedAs('of the admin role', 'admin')];
    await spares.tend(QUIET);
    expect([spares.waiting, spares.wanted]).toEqual([0, 0]);
  });

  it('are made while nobody is waiting for a wake', async () => {
    let asked = 0;
    await spares.tend({ short: false, isQuiet: () => (asked += 1) <= 2 });
    expect(spares.waiting).toBe(1);
  });

  it('go when memory is short, and come back', async () => {
    await spares.tend(QUIET);
    await spares.tend({ ...QUIET, short: true });
    expect([spares.waiting, machine.containers, machine.causes('spare.dropped')]).toEqual([0, [], ['memory pressure', 'memory pressure']]);
    await spares.tend(QUIET);
    expect(spares.waiting).toBe(2);
  });

  it('go with their template, and are not given out meanwhile', async () => {
    await spares.tend(QUIET);
    const old = machine.containers;
    machine.served = [servedAs('second')];
    expect(spares.take(IMAGE)).toBeUndefined();
    await spares.tend(QUIET);
    expect([spares.waiting, machine.containers.filter((id) => old.includes(id))]).toEqual([2, []]);
  });

  it('that are dead are replaced, and not given out meanwhile', async () => {
    machine.process = DEAD;
    await spares.tend(QUIET);
    expect(spares.take(IMAGE)).toBeUndefined();
    machine.process = ALIVE;
    await spares.tend(QUIET);
    expect([machine.causes('spare.dropped'), spares.take(IMAGE) === undefined]).toEqual([['it ended by itself', 'it ended by itself'], false]);
  });

  it('that cannot be made are tried again after a while', async () => {
    machine.fails = true;
    await spares.tend(QUIET);
    await spares.tend(QUIET);
    expect(machine.causes('spare.failed')).toEqual(['Error: no']);
    machine.fails = false;
    machine.now = 60_001;
    await spares.tend(QUIET);
    expect(spares.waiting).toBe(2);
  });

  it('are gone when the platform stops, and no more are made', async () => {
    const tending = spares.tend(QUIET);
    await spares.stop();
    await tending;
    await spares.tend(QUIET);
    expect([spares.waiting, machine.containers]).toEqual([0, []]);
  });
});
