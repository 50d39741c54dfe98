import { expect, it } from 'vitest';
import type { App } from '../domain/app.ts';
import type { ContainerNetwork } from '../domain/network.ts';
import type { Project } from '../domain/project.ts';
import type { Site } from '../domain/site.ts';
import type { AppOfImage } from '../site/app-image.ts';
import type { ComposeDeps } from './deps.ts';
import { makeSite } from './make-site.ts';
import type { Made, UpWish } from './making.ts';

const OPEN = { name: 'open', internal: false };
const CLOSED = { name: 'closed', internal: true };
const wanted = { domain: 'd.example', service: 'web', port: 80, settings: ['cpus=1'] };

/** A platform with one site at most, and what it is told to set. */
function platform() {
  let site: Site | undefined;
  const said: string[][] = [];
  const make = (made: AppOfImage): Site => (site = JSON.parse(JSON.stringify({ id: 's', domain: wanted.domain, ...made })) as Site);
  const deps = {
    cmdb: { site: async () => site, networks: async () => [OPEN, CLOSED], putProject: async () => undefined },
    sites: {
      createFrom: async (_: string, made: AppOfImage) => make(made),
      changeApp: async (_: Site, made: AppOfImage) => make(made),
      set: async (_: string, assignments: string[]) => said.push(assignments),
    },
    volumes: { seed: async () => undefined },
    lifecycle: { stateOf: () => 'cold' },
  } as unknown as ComposeDeps;
  /** Its service is brought up in there; answers what was set. */
  const up = async (network: ContainerNetwork): Promise<string[]> => {
    said.length = 0;
    const networks = typeof network === 'string' ? [] : network.networks;
    const spec = { network, env: [], volumes: [], user: '7' };
    const checked = new Map([['web', { service: { name: 'web', container: { image: 'x', networks } }, image: { id: 'i', layers: [], config: {} }, spec }]]);
    // Of networks that other services are in, too.
    const model = { networks: [OPEN, CLOSED].map((one) => ({ ...one, external: false })) };
    const project = { name: 'p', model, ...(site === undefined ? {} : { siteId: site.id }) } as unknown as Project;
    await using undo = new AsyncDisposableStack();
    const made = { project, site: wanted, isNew: site === undefined, checked, undo } as unknown as Made & { site: typeof wanted; isNew: boolean };
    await makeSite(made, { progress: () => undefined, start: false } as unknown as UpWish, deps);
    undo.move();
    return said.flat();
  };
  return { up, app: (): App | undefined => site?.app };
}

const inside = (...names: string[]): ContainerNetwork => ({ networks: names.map((name) => ({ name, aliases: [] })) });

it.each([
  [inside('closed'), 'no'],
  [inside('open'), 'yes'],
  [inside('closed', 'open'), 'yes'],
  ['default' as const, 'yes'],
  ['none' as const, 'no'],
])('lets a new site out where its own networks do: %j', async (network, egress) => {
  expect(await platform().up(network)).toEqual(['boot=2m', `egress=${egress}`, 'cpus=1']);
});

it('leaves the way out to its owner until its networks say something else', async () => {
  const { up, app } = platform();
  const said = [];
  for (const network of [inside('open'), inside('open'), inside('closed', 'open'), inside('closed'), inside('closed'), 'default', 'default', 'none'] as const) {
    said.push((await up(network)).filter((one) => one.startsWith('egress')));
  }
  expect(said).toEqual([['egress=yes'], [], [], ['egress=no'], [], ['egress=yes'], [], ['egress=no']]);
  expect(app()?.networks).toEqual([]);
});
