import { describe, expect, it } from 'vitest';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { givenMounts } from './given-mounts.ts';

const SPEC = { mounts: [{ source: '/host/hosts', destination: '/etc/hosts', writable: false }] } as unknown as BundleSpec;
const MASK = { source: '/masks/keys', destination: '/proc/keys', writable: false };

describe('what CRIU is given to mount', () => {
  it('is all but /proc and /dev/pts, where /dev is shared', () => {
    const given = givenMounts({ ...SPEC, sharedDev: '/state/dev' }, '/views/x/memory');
    expect(given.map(({ destination, source }) => [destination, source])).toEqual([
      ['/dev', '/state/dev'],
      ['/dev/memory', '/views/x/memory'],
      ['/etc/hosts', '/host/hosts'],
    ]);
    expect(givenMounts({ ...SPEC, sharedDev: '/state/dev' })[1]?.source).toBe('/state/dev/memory');
  });

  it('is devices, masks and what was bound, of a container of an image', () => {
    const given = givenMounts({ ...SPEC, masks: [MASK] });
    expect(given.map(({ destination }) => destination)).toEqual([
      ...['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`),
      '/proc/keys',
      '/etc/hosts',
    ]);
    expect([given[0]?.source, given[6]?.source]).toEqual(['/dev/null', '/masks/keys']);
  });

  it('is the shared /dev, masks and what was bound, where any program may run in it', () => {
    const given = givenMounts({ ...SPEC, sharedDev: '/state/dev', masks: [MASK] });
    expect(given.map(({ destination }) => destination)).toEqual(['/dev', '/proc/keys', '/etc/hosts']);
  });

  it('is nothing of a service of the platform', () => {
    expect(() => givenMounts(SPEC)).toThrow(TypeError);
  });
});
