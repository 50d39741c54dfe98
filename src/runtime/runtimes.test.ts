import { describe, expect, it } from 'vitest';
import type { RuntimeName } from '../domain/runtime-name.ts';
import type { BundleSpec } from './bundle/bundle-spec.ts';
import { Runtimes } from './runtimes.ts';
import type { OneRuntime } from './runtimes.ts';

/** Remembers what it was asked for. */
function driver(name: RuntimeName, asked: string[], isUsed = true): OneRuntime {
  const bundles = new Set<string>();
  const known: Partial<OneRuntime> = {
    name,
    isUsed,
    has: (id) => bundles.has(id),
    prepare: async (id) => void bundles.add(id),
    remove: async (id) => void (bundles.delete(id), asked.push(`${name} remove ${id}`)),
    isFrozen: (id) => asked.push(`${name} isFrozen ${id}`) > 0,
    list: async () => [`of-${name}`],
  };
  return known as OneRuntime;
}

function runtimesOf(asked: string[], { isUsed = true } = {}): Runtimes {
  return new Runtimes({
    drivers: [driver('crun', asked), driver('runc', asked, isUsed), driver('runsc', asked, false)],
    ensure: async (name) => void asked.push(`ensure ${name}`),
  });
}

const spec = (runtime?: RuntimeName): BundleSpec => (runtime === undefined ? {} : { runtime }) as BundleSpec;

describe('all runtimes as one', () => {
  it('lead to the one that a container was prepared with, else to the default', async () => {
    const asked: string[] = [];
    const runtimes = runtimesOf(asked);
    await runtimes.prepare('a', spec());
    await runtimes.prepare('b', spec('runc'));
    expect(['a', 'b', 'unknown'].map((id) => runtimes.runtimeOf(id))).toEqual(['crun', 'runc', 'crun']);
    runtimes.isFrozen('b');
    await runtimes.remove('b');
    expect(asked).toEqual(['ensure runc', 'runc isFrozen b', 'runc remove b']);
  });

  it('refuse one that is not there, rather than take another', async () => {
    await expect(runtimesOf([]).prepare('a', spec('kata' as RuntimeName))).rejects.toMatchObject({ code: 'host_unfit' });
  });

  it('remove what no bundle speaks of from every one that was used', async () => {
    const asked: string[] = [];
    await runtimesOf(asked).remove('lost');
    expect(asked).toEqual(['ensure runc', 'crun remove lost', 'runc remove lost']);
  });

  it('make and ask none that was never used', async () => {
    const asked: string[] = [];
    expect(await runtimesOf(asked, { isUsed: false }).list()).toEqual(['of-crun']);
    expect(asked).toEqual([]);
  });
});
