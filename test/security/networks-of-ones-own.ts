/**
 * Whom a container in a network of one's own reaches, and who reaches a published port. Part of egress.test.ts. Whoever asks here is root in the container's
 * network namespace with everything that root of the machine may do, which is more than a container ever has.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { ContainerReply, NetworkReply } from '../../src/api/container-types.ts';
import { exec } from '../../src/lib/exec.ts';
import { importBusybox } from '../helpers/busybox.ts';
import { ask, listen, PORT } from '../helpers/inside.ts';
import type { TestPlatform } from '../helpers/platform.ts';
import type { World } from '../helpers/world.ts';

export interface Surroundings {
  readonly platform: TestPlatform;
  readonly world: World;
  /** The program. */
  readonly ip: string;
  /** A service of this machine. */
  readonly port: number;
  /** A site's container, with its address. */
  readonly site: { readonly pid: number; readonly address: string };
}

export function networksOfOnesOwn(surroundings: () => Promise<Surroundings>): void {
  const around = { current: undefined as unknown as Surroundings };
  const of = (name: string): Promise<ContainerReply> => around.current.platform.api.get(`/v1/containers/${name}`);
  const place = async (name: string): Promise<{ address: string; address6: string | null }> => (await of(name)).networks[0] ?? { address: '', address6: null };
  const within = async (name: string): Promise<string[]> => ['nsenter', `--net=/proc/${(await of(name)).pid}/ns/net`];

  beforeAll(async () => {
    around.current = await surroundings();
    const { platform } = around.current;
    await importBusybox(platform.api, platform.dir);
    for (const network of [{ name: 'alpha', ipv6: true }, { name: 'beta' }, { name: 'closed', internal: true }])
      await platform.api.post('/v1/networks', network);
    for (const [name, network] of Object.entries({ one: 'alpha', two: 'alpha', three: 'beta', shut: 'closed' })) {
      await platform.api.work('/v1/containers/run', { image: 'busybox', name, network, command: ['sleep', '100000'] }, () => undefined);
    }
    return async () => {
      for (const name of ['one', 'two', 'three', 'shut']) await platform.api.delete(`/v1/containers/${name}?force=1`);
      expect(await platform.json('network', 'prune')).toEqual({ removed: ['alpha', 'beta', 'closed'] });
    };
  });

  it('reaches its neighbours and the Internet, no other network, no site, nothing private and nothing of the machine', async () => {
    const { world, port, site } = around.current;
    await using stack = new AsyncDisposableStack();
    for (const name of ['two', 'three']) await listen(await within(name), name, stack);
    await listen(['nsenter', `--net=/proc/${site.pid}/ns/net`], 'site', stack);
    const [two, three] = [await place('two'), await place('three')];
    const neighbour = [`http://${two.address}:${PORT}/`, `http://[${two.address6}]:${PORT}/`];
    for (const url of neighbour) expect([url, await ask(await within('one'), url)]).toEqual([url, 'two']);
    expect(await ask(await within('one'), `http://${world.internet}/`)).toBe(`world ${world.machine}`);
    const refused = [
      `http://${three.address}:${PORT}/`,
      `http://${(await of('three')).address}:${PORT}/`,
      `http://${(await of('two')).address}:${PORT}/`,
      `http://${site.address}:${PORT}/`,
      ...[world.private, world.carrier, world.metadata].map((address) => `http://${address}/`),
      ...[world.machine, '169.254.1.1'].map((address) => `http://${address}:${port}/`),
    ];
    for (const url of refused) expect([url, await ask(await within('one'), url)]).toEqual([url, '']);
    // Each of them is there, and answers whoever may ask.
    for (const url of refused.slice(0, 2)) expect(await ask(await within('three'), url)).toBe('three');
    for (const address of [world.private, world.carrier, world.metadata]) expect(await ask([], `http://${address}/`)).toMatch(/^world /u);
    expect(await ask([], `http://${world.machine}:${port}/`)).toBe('machine');
  });

  it('reaches no more by addresses, routes and neighbours that it makes up', async () => {
    const { platform, world, ip, port } = around.current;
    await using stack = new AsyncDisposableStack();
    for (const name of ['two', 'three']) await listen(await within(name), name, stack);
    const alpha = await platform.api.get<NetworkReply>('/v1/networks/alpha');
    const segment = ['nsenter', `--net=${join(platform.run, 'networks', alpha.id, 'net')}`, ip, '-oneline'];
    const hardware = async (argv: readonly string[]): Promise<string> => /link\/ether ([\da-f:]+)/u.exec((await exec(argv)).stdout)?.[1] ?? '';
    const bridge = await hardware([...segment, 'link', 'show', 'br0']);
    const two = await hardware([...(await within('two')), ip, '-oneline', 'link', 'show', 'eth1']);
    const lead = async (address: string, to: string): Promise<void> => {
      const lines = [`route replace ${address}/32 dev eth1`, `neigh replace ${address} lladdr ${to} dev eth1`];
      await exec([...(await within('one')), ip, '-batch', '-'], { input: lines.join('\n') });
    };
    // The trick works where somebody is.
    await exec([...(await within('two')), ip, 'addr', 'add', '198.18.5.5/32', 'dev', 'lo']);
    await lead('198.18.5.5', two);
    expect(await ask(await within('one'), `http://198.18.5.5:${PORT}/`)).toBe('two');
    const three = (await place('three')).address;
    await exec([...(await within('one')), ip, 'addr', 'add', `${three.replace(/\d+$/u, '99')}/24`, 'dev', 'eth1']);
    for (const to of [bridge, 'ff:ff:ff:ff:ff:ff']) {
      for (const [address, at] of [
        [world.machine, port],
        [world.metadata, 80],
        [three, PORT],
      ] as const) {
        await lead(address, to);
        expect([address, to, await ask(await within('one'), `http://${address}:${at}/`)]).toEqual([address, to, '']);
      }
    }
    // Nobody of the machine is in it to be asked, and nothing of it is in the machine.
    expect((await exec([...segment, 'addr', 'show'])).stdout).toBe('');
    expect((await exec([ip, '-oneline', 'link'])).stdout).not.toMatch(/: (?:br0|port\d)/u);
  });

  it('has no way out of an internal one, by whatever route', async () => {
    const { world, ip } = around.current;
    const inside = await within('shut');
    expect((await exec([...inside, ip, '-oneline', 'link'])).stdout.match(/^\d+: [^@:]+/gmu)).toEqual(['1: lo', '2: eth0']);
    await exec([...inside, ip, 'route', 'add', 'default', 'dev', 'eth0']);
    for (const address of [world.internet, world.machine]) expect(await ask(inside, `http://${address}/`)).toBe('');
  });

  it('is reached at its published ports by the world, at those for this machine by that alone, and at no other', async () => {
    const { platform, world, ip } = around.current;
    const [open, local] = [platform.http + 1_001, platform.http + 1_002];
    const request = {
      image: 'busybox',
      name: 'published',
      network: 'beta',
      publish: [`${open}:${PORT}`, `127.0.0.1:${local}:${PORT}`],
      command: ['sleep', '100000'],
    };
    const { address } = await platform.api.work<ContainerReply>('/v1/containers/run', request, () => undefined);
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => void (await platform.api.delete('/v1/containers/published?force=1')));
    await listen(await within('published'), 'published', stack);
    await exec([...world.inside, ip, 'route', 'add', `${address}/32`, 'via', world.machine]);
    expect(await ask(world.inside, `http://${world.machine}:${open}/`)).toBe('published');
    for (const url of [`http://${world.machine}:${local}/`, `http://${address}:${PORT}/`]) expect([url, await ask(world.inside, url)]).toEqual([url, '']);
    for (const at of [open, local]) expect(await ask([], `http://127.0.0.1:${at}/`)).toBe('published');
    expect(await ask(await within('one'), `http://${world.machine}:${open}/`)).toBe('');
  });
}
