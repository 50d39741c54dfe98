import { describe, expect, it } from 'vitest';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import { instancePaths, sitePaths } from '../site/site-paths.ts';
import type { StackContext } from '../stack/stack.ts';
import { mountsToHand } from './hand-over.ts';

const CONTAINER = 'spare00001-public-sabcde';

/** As much of a context as mounts are made of. */
function sideOf(id: string, state: string, databaseSockets: string): { context: StackContext; mounts: BindMount[] } {
  const paths = sitePaths({ state, run: '/run/x' }, id);
  const instance = instancePaths(paths, CONTAINER);
  const context = { paths, instance, databaseSockets } as StackContext;
  const mount = (source: string, destination: string, writable: boolean): BindMount => ({ source, destination, writable });
  const mounts = [
    mount(instance.sockets, '/run/sockets', true),
    mount(databaseSockets, '/run/mysqld', false),
    mount(paths.configOf('public'), '/etc/config', false),
    mount(paths.content, '/srv/content', true),
    mount(instance.tmp, '/tmp', true),
    mount('/images/core', '/srv/core', false),
  ];
  return { context, mounts };
}

describe('the mounts of a spare that becomes a site’s', () => {
  const nobodys = sideOf('spare00001', '/state/spare-work', '/state/spare-work/none');
  const site = sideOf('sabcdefghi', '/state', '/run/x/database');

  it('are those that differ; the directories of the instance move and stay mounted', () => {
    const handed = mountsToHand(nobodys, site);
    expect(handed.map(({ destination, owned, writable }) => [destination, owned, writable])).toEqual([
      ['/run/mysqld', false, false],
      ['/etc/config', true, false],
      ['/srv/content', true, true],
    ]);
    expect(handed.map(({ source }) => source)).toEqual(['/run/x/database', '/state/sites/sabcdefghi/config/public', '/state/sites/sabcdefghi/content']);
  });

  it('must be at the same places', () => {
    const more = { ...site, mounts: [...site.mounts, { source: '/a', destination: '/b', writable: false }] };
    expect(() => mountsToHand(nobodys, more)).toThrow('other mounts');
    expect(() => mountsToHand(nobodys, { ...site, mounts: site.mounts.slice(1) })).toThrow('other mounts');
  });
});
