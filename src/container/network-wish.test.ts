import { describe, expect, it } from 'vitest';
import type { Container, ContainerSpec } from '../domain/container.ts';
import { networkWishOf } from './network-wish.ts';

const named = [
  { id: '111111111111', name: 'front', subnet: '10.208.0.0/24', internal: false, labels: {}, createdAt: 0 },
  { id: '222222222222', name: 'back', subnet: '10.208.1.0/24', internal: true, labels: {}, createdAt: 0 },
];
const deps = { cmdb: { networks: async () => named }, dirs: { containers: '/containers', volumes: '', exits: '' } } as unknown as Parameters<
  typeof networkWishOf
>[1];
const port = { protocol: 'tcp', hostPort: 1, containerPort: 1 } as const;

function wishOf(network: ContainerSpec['network'] | readonly string[], ports: ContainerSpec['ports'] = []): ReturnType<typeof networkWishOf> {
  const asked = typeof network === 'string' || 'networks' in network ? network : { networks: network.map((name) => ({ name, aliases: ['alias'] })) };
  const spec = { network: asked, ports, hostname: 'box' } as unknown as ContainerSpec;
  return networkWishOf({ id: 'abc', name: 'one', spec } as unknown as Container, deps);
}

describe('the network of a container', () => {
  it('is a link alone where it named none', async () => {
    expect(await wishOf('none')).toBe('none');
    expect(await wishOf('default')).toEqual({ smtp: false, hosts: { path: '/containers/abc/hosts', own: '/containers/abc/hosts.own', hostname: 'box' } });
  });

  it('is found by its name, its aliases and its id', async () => {
    expect(await wishOf(['front'])).toMatchObject({ networks: [{ network: named[0], names: ['one', 'alias', 'abc'] }] });
  });

  it.each([
    { networks: ['front'], ports: [], egress: true, link: true },
    { networks: ['back'], ports: [], egress: false, link: false },
    { networks: ['back'], ports: [port], egress: false, link: true },
    { networks: ['back', 'front'], ports: [], egress: true, link: true },
    { networks: ['back', 'default'], ports: [], egress: true, link: true },
  ])('has a way out, and a link, where something asks for it: %j', async ({ networks, ports, ...wish }) => {
    expect(await wishOf(networks, ports)).toMatchObject({ ...wish, smtp: false });
  });

  it('is refused when it is gone', async () => {
    await expect(wishOf(['gone'])).rejects.toMatchObject({ code: 'not_found', message: 'there is no network gone' });
  });
});
