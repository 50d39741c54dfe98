import { describe, expect, it } from 'vitest';
import type { ProjectModel, ProjectService, ServiceContainer } from '../domain/project.ts';
import { checkProject } from './check.ts';
import type { ComposeDeps } from './deps.ts';
import { PROJECT } from './labels.ts';

const image = {
  id: 'sha256:1',
  config: { entrypoint: [], cmd: ['run'], env: [], labels: {}, volumes: [], exposedPorts: [], stopSignal: '', user: '', workingDir: '/' },
};
const there = [
  { name: 'p_open', internal: false, labels: { [PROJECT]: 'p' } },
  { name: 'p_shut', internal: true, labels: { [PROJECT]: 'p' } },
  { name: 'others', internal: true, labels: {} },
];
const deps = {
  cmdb: { site: async () => undefined, siteByHost: async () => undefined },
  networks: { list: async () => there },
  volumes: { list: async () => [] },
  images: { resolve: async () => image },
  gate: { admit: async () => undefined },
} as unknown as ComposeDeps;

function service(name: string, more: Partial<ServiceContainer> = {}): ProjectService {
  const container = { image: 'x', env: [], tmpfs: [], volumes: [], publish: [], networks: [], extraHosts: [], labels: [], ...more };
  return { name, replicas: 1, dependsOn: [], files: [], keep: false, container };
}

function check(name: string, services: readonly ProjectService[], more: Partial<ProjectModel> = {}): ReturnType<typeof checkProject> {
  const model = { services, networks: [], volumes: [], ...more };
  return checkProject({ name, model, meant: new Set(services.map((one) => one.name)), before: undefined, dir: '/p' }, deps);
}

describe('names of a project and its services', () => {
  it('are no host names', async () => {
    expect([...(await check('my_app', [service('web_app'), service('Db.1')])).keys()]).toEqual(['web_app', 'Db.1']);
  });

  it('are as long as a container’s may be that takes the place of another', async () => {
    const [fits, long] = ['s'.repeat(54), 's'.repeat(55)];
    await expect(check('p', [service(fits)])).resolves.toBeDefined();
    await expect(check('p', [service(long, { name: 'short' })])).resolves.toBeDefined();
    await expect(check('p', [service(long)])).rejects.toThrow(`services.${long}: the name p-${long}-1 is too long`);
    const site = { domain: 'd.example', service: long, port: 80, settings: [] };
    await expect(check('p', [service(long)], { site })).resolves.toBeDefined();
  });
});

describe('networks that are there', () => {
  const withNetwork = (name: string, internal: boolean, external = false) => check('p', [service('a')], { networks: [{ name, internal, external }] });

  it('are the project’s own, and as its file says', async () => {
    await expect(withNetwork('p_open', false)).resolves.toBeDefined();
    await expect(withNetwork('p_shut', true)).resolves.toBeDefined();
    await expect(withNetwork('p_open', true)).rejects.toMatchObject({
      code: 'conflict',
      message: 'the network p_open is there, and not internal; the file says internal',
      hint: 'take the project down first; its volumes stay: subako compose -p p down',
    });
    await expect(withNetwork('p_shut', false)).rejects.toThrow('p_shut is there, and internal; the file says not internal');
  });

  it('are as they are where they are external', async () => {
    await expect(withNetwork('others', false, true)).resolves.toBeDefined();
    await expect(withNetwork('gone', false, true)).rejects.toMatchObject({ code: 'not_found' });
  });
});
