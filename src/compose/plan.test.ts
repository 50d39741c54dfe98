import { describe, expect, it } from 'vitest';
import type { Container } from '../domain/container.ts';
import type { ProjectModel, ProjectService } from '../domain/project.ts';
import { draftName, withoutReplaced } from './drafts.ts';
import { labelsOf } from './labels.ts';
import { plan } from './plan.ts';

const service = (name: string, replicas = 1): ProjectService => ({
  name,
  replicas,
  dependsOn: [],
  files: [],
  keep: false,
  container: { image: 'x', env: [], tmpfs: [], volumes: [], publish: [], networks: [], extraHosts: [], labels: [] },
});
const model = (...services: ProjectService[]): ProjectModel => ({ services, networks: [], volumes: [] });

function container(of: string, number = 1, { hash = 'h', project = 'p', isOneOff = false } = {}): Container {
  const pairs = labelsOf({ project, service: of, number, hash }, isOneOff).map((pair) => pair.split('='));
  return { id: `${of}${number}`, name: `${project}-${of}-${number}`, spec: { labels: Object.fromEntries(pairs) } } as unknown as Container;
}

function planned(asked: ProjectModel, containers: readonly Container[], more: { recreate?: boolean; meant?: readonly string[] } = {}) {
  const names = more.meant ?? asked.services.map(({ name }) => name);
  const hashes = new Map(asked.services.map(({ name }) => [name, 'h']));
  const found = plan({ project: 'p', model: asked, meant: new Set(names), hashes, recreate: more.recreate ?? false }, containers);
  return {
    kept: found.kept.map(({ id }) => id),
    made: found.made.map(({ name }) => name),
    replaced: found.replaced.map(({ wanted }) => wanted.name),
    surplus: found.surplus.map(({ id }) => id),
    orphans: found.orphans.map(({ id }) => id),
  };
}

const NOTHING = { kept: [], made: [], replaced: [], surplus: [], orphans: [] };

describe('what must be done', () => {
  it('is to make what is not there, and to replace what was made by something else', () => {
    expect(planned(model(service('a', 2), service('b')), [container('a'), container('b', 1, { hash: 'older' })])).toEqual({
      ...NOTHING,
      kept: ['a1'],
      made: ['p-a-2'],
      replaced: ['p-b-1'],
    });
  });

  it('is nothing for other projects, for those that run once, and for services that are not meant', () => {
    const others = [container('a', 1, { project: 'q' }), container('a', 1, { isOneOff: true }), container('b', 1, { hash: 'older' })];
    expect(planned(model(service('a'), service('b')), others, { meant: ['a'] })).toEqual({ ...NOTHING, made: ['p-a-1'] });
  });

  it('is to take away what is too many, and to name what is of no service any more', () => {
    expect(planned(model(service('a', 0)), [container('a'), container('gone')])).toEqual({ ...NOTHING, surplus: ['a1'], orphans: ['gone1'] });
  });

  it('is to make no container for the site, and to take away those that its service had before', () => {
    const site = { domain: 'd', service: 'a', port: 80, settings: [] };
    expect(planned({ ...model(service('a'), service('b')), site }, [container('a')])).toEqual({ ...NOTHING, made: ['p-b-1'], surplus: ['a1'] });
  });

  it('is to replace all where that is asked for', () => {
    expect(planned(model(service('a')), [container('a')], { recreate: true })).toEqual({ ...NOTHING, replaced: ['p-a-1'] });
  });
});

it('leaves out a container that another is to take the place of', () => {
  const [one, two] = [container('a'), container('b')];
  const next = { ...one, id: 'next', name: draftName(one.name) };
  expect(withoutReplaced([one, two, next]).map(({ id }) => id)).toEqual(['b1', 'next']);
});
