/** Where a container can connect to over IPv6, and where not; whom it may ask for names. Each refused place answers this machine itself. */
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerReply } from '../../src/api/container-types.ts';
import { directories } from '../../src/config/directories.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, execAny } from '../../src/lib/exec.ts';
import { way6 } from '../../src/network/veth-nat/way6.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import { advertise } from '../helpers/advertise.ts';
import { importBusybox } from '../helpers/busybox.ts';
import { ask, listen, PORT } from '../helpers/inside.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { makeWorld } from '../helpers/world.ts';
import type { World } from '../helpers/world.ts';

const SITE = 'writes.localhost';
const WITHIN = { timeoutMs: 120_000, everyMs: 100 } as const;
/** Asked for, so that it is there on a machine without a way out of its own; where that would harm the machine, there is nothing to test. */
const way = way6(true);
if (way.is !== 'yes') console.warn(`IPv6 of containers is not tested: ${way.why}`);

let platform: TestPlatform;
let world: World;
let ip: string;
let nft: string;
const FORWARDING = '/proc/sys/net/ipv6/conf/all/forwarding';
let forwarded: string;
/** A service of this machine that is not for containers. */
const service = createServer((_request, response) => response.end('machine'));

const url = (address: string, port = 80): string => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
const of = (name: string): Promise<ContainerReply> => platform.api.get(`/v1/containers/${name}`);
const within = async (name: string): Promise<string[]> => ['nsenter', `--net=/proc/${(await of(name)).pid}/ns/net`];
const run = (name: string, more: object = {}): Promise<ContainerReply> =>
  platform.api.work('/v1/containers/run', { image: 'busybox', name, command: ['sleep', '100000'], ...more }, () => undefined);
const dashed = (address: string): string => `at-${address.replaceAll('.', '-')}.example`;
/** What a container of its own resolves, with what its image has. */
const lookUp = async (name: string, host: string): Promise<string> => (await platform.cli(['exec', name, 'busybox', 'nslookup', '-type=a', host])).stdout;

describe.skipIf(way.is !== 'yes')('a container with IPv6', () => {
  beforeAll(async () => {
    forwarded = (await readFile(FORWARDING, 'utf8')).trim();
    service.listen(0, '::');
    await once(service, 'listening');
    platform = await TestPlatform.create();
    const { cache } = directories({});
    ({ ip, nft } = await ensureToolbox(new ImageStore({ dir: join(platform.state, 'toolbox'), cacheDir: cache }), () => undefined));
    world = await makeWorld(ip, [80, 25, 53]);
    await platform.configure({ egressRange6: `${world.six.private.split('::')[0]}:0:1::/64` });
    await platform.up();
    await importBusybox(platform.api, platform.dir);
    await platform.api.post('/v1/networks', { name: 'alpha', ipv6: true });
    await platform.api.post('/v1/networks', { name: 'closed', internal: true });
    for (const name of ['one', 'two']) await run(name);
    await run('member', { network: 'alpha' });
    await platform.createSite(SITE);
    await platform.wake(SITE, 'admin');
  });

  afterAll(async () => {
    const left = await platform.stop();
    await world[Symbol.asyncDispose]();
    service.close();
    expect(left).toEqual([]);
  });

  function port(): number {
    return (service.address() as AddressInfo).port;
  }

  it('reaches the Internet over it, with an address of this machine’s, and so do an admin role and a member of a network', async () => {
    const admin = ['nsenter', `--net=/proc/${(await platform.row(SITE, 'admin')).pid}/ns/net`];
    for (const inside of [await within('one'), await within('member'), admin]) {
      expect(await ask(inside, url(world.six.internet))).toBe(`world ${world.six.machine}`);
      expect(await ask(inside, url(world.internet))).toBe(`world ${world.machine}`);
    }
    expect((await platform.cli(['exec', 'one', 'wget', '-q', '-O', '-', url(world.six.internet)])).stdout).toBe(`world ${world.six.machine}`);
    const php = await platform.inside(SITE, ['php8.4', '-r', `echo file_get_contents('${url(world.six.internet)}');`]);
    expect(php.stdout).toBe(`world ${world.six.machine}`);
  });

  it('reaches nothing private over it, no metadata, no neighbour of the machine’s, no mail server, nothing of the machine and no other container', async () => {
    await using stack = new AsyncDisposableStack();
    for (const name of ['two', 'member']) await listen(await within(name), name, stack);
    const [one, two, member] = [await of('one'), await of('two'), await of('member')];
    const { six } = world;
    const gateway = `${one.address6?.split('::')[0]}:ffff::1`;
    const places = [six.private, six.metadata, six.neighbour, ...six.others];
    const ofMachine = [six.machine, gateway].map((address) => url(address, port()));
    const neighbours = [two, member].map(({ address6 }) => url(address6 ?? '', PORT));
    const members = url(member.networks[0]?.address6 ?? '', PORT);
    const refused = [...places.map((address) => url(address)), url(six.internet, 25), ...ofMachine, ...neighbours, members];
    for (const name of ['one', 'member'])
      for (const to of refused.filter((each) => name === 'one' || (each !== members && each !== neighbours[1])))
        expect([name, to, await ask(await within(name), to)]).toEqual([name, to, '']);
    // Each of them is there, and answers whoever may ask.
    for (const address of places) expect([address, await ask([], url(address))]).toEqual([address, `world ${six.machine}`]);
    expect(await ask([], url(six.internet, 25))).toBe(`world ${six.machine}`);
    for (const to of ofMachine) expect(await ask([], to)).toBe('machine');
    for (const [name, to] of [
      ['two', neighbours[0]],
      ['member', neighbours[1]],
      ['member', members],
    ] as const)
      expect(await ask(await within(name), to ?? '')).toBe(name);
  });

  it('reaches no more with addresses and routes that it makes up, and tells the machine nothing as a router', async () => {
    const { six } = world;
    const inside = await within('two');
    const [{ address6: one }, before] = [await of('one'), (await exec([ip, '-6', 'route', 'show', 'default'])).stdout];
    const from = async (address: string, lines: readonly string[] = []): Promise<string> => {
      await exec([...inside, ip, '-batch', '-'], { input: [`addr add ${address}/128 dev eth0 nodad`, ...lines].join('\n') });
      const script = `const s = require('node:net').connect({ host: '${six.internet}', port: 80, localAddress: '${address}' });
        s.on('error', () => process.exit(0)); s.setTimeout(1500, () => process.exit(0)); s.on('data', (d) => { process.stdout.write(d); process.exit(0) }); s.write('GET / HTTP/1.0\\r\\n\\r\\n')`;
      return (await execAny([...inside, process.execPath, '-e', script])).stdout;
    };
    const own = (await of('two')).address6 ?? '';
    const script = `require('node:http').get({ host: '${six.internet}', localAddress: '${own}' }, (r) => r.pipe(process.stdout))`;
    expect((await execAny([...inside, process.execPath, '-e', script])).stdout).toBe(`world ${six.machine}`);
    for (const address of [one ?? '', six.machine, `${own.split('::')[0]}::9`, '2d00::1']) expect([address, await from(address)]).toEqual([address, '']);
    // An advertisement needs an address of the link, and nothing from there is taken.
    await exec([...inside, ip, '-batch', '-'], { input: 'addr add fe80::2/64 dev eth0 nodad\n' });
    const dropped = async (): Promise<number> => {
      const { stdout } = await exec([nft, 'list', 'chain', 'inet', platform.table, 'guard']);
      return Number(/fib saddr \. iif oif (?:0|missing) counter packets (\d+)/u.exec(stdout)?.[1]);
    };
    const count = await dropped();
    await advertise(inside, 'eth0', 'fe80::2');
    expect(await dropped()).toBeGreaterThan(count);
    expect((await exec([ip, '-6', 'route', 'show', 'default'])).stdout).toBe(before);
  });

  it('is reached at its published ports over IPv6 by the world and by this machine, ::1 included, and at those for this machine by that alone', async () => {
    const [open, local, four] = [platform.http + 1_001, platform.http + 1_002, platform.http + 1_003];
    const publish = [`${open}:${PORT}`, `[::1]:${local}:${PORT}`, `0.0.0.0:${four}:${PORT}`];
    const { ports, address6 } = await run('published', { publish });
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => void (await platform.api.delete('/v1/containers/published?force=1')));
    await listen(await within('published'), 'published', stack);
    expect(ports).toContain(`${PORT}/tcp -> [::1]:${local}`);
    const { six, machine, inside } = world;
    for (const to of [url(six.machine, open), url(machine, open), url(machine, four)]) expect([to, await ask(inside, to)]).toEqual([to, 'published']);
    await exec([...inside, ip, 'route', 'add', `${address6}/128`, 'via', six.machine]);
    for (const to of [url(six.machine, local), url(six.machine, four), url(address6 ?? '', PORT)]) expect([to, await ask(inside, to)]).toEqual([to, '']);
    const here = [url('::1', open), url('::1', local), url(six.machine, open), url('127.0.0.1', open), url('127.0.0.1', four)];
    for (const to of here) expect([to, await ask([], to)]).toEqual([to, 'published']);
    for (const to of [url('::1', four), url('127.0.0.1', local)]) expect([to, await ask([], to)]).toEqual([to, '']);
    expect(await ask(await within('one'), url(six.machine, open))).toBe('');
    await platform.killDaemon();
    await platform.up();
    for (const to of here) expect([to, await ask([], to)]).toEqual([to, 'published']);
    // What is not published stays where it was.
    await listen([], 'loopback', stack);
    expect(await ask([], url('::1', PORT))).toBe('loopback');
    expect(await ask(await within('published'), url('::1', PORT))).toBe('published');
  });

  it('asks the resolvers that it was given, private ones too, at that port alone, and nobody else does', async () => {
    const dns = [world.private, world.six.private];
    await run('asks', { dns, dnsSearch: ['example'], dnsOptions: ['ndots:1'] });
    await run('shut', { dns: [world.private], network: 'closed' });
    expect((await platform.cli(['exec', 'asks', 'cat', '/etc/resolv.conf'])).stdout).toBe(
      `nameserver ${world.private}\nnameserver ${world.six.private}\nsearch example\noptions ndots:1\n`,
    );
    expect(await lookUp('asks', dashed(world.internet))).toContain(`Address: ${world.internet}`);
    expect(await ask(await within('asks'), `http://${world.private}:53/`)).toBe(`world ${world.machine}`);
    expect(await ask(await within('asks'), `http://[${world.six.private}]:53/`)).toBe(`world ${world.six.machine}`);
    // The way to a resolver is no way to what else is there, nor to what else is private.
    for (const to of [url(world.private), url(world.six.private), url(world.carrier, 53), url(world.metadata, 53), url(world.six.metadata, 53)])
      expect([to, await ask(await within('asks'), to)]).toEqual([to, '']);
    for (const name of ['one', 'shut'])
      for (const to of [url(world.private, 53), url(world.six.private, 53)]) expect([name, to, await ask(await within(name), to)]).toEqual([name, to, '']);
    for (const to of [url(world.private, 53), url(world.six.private, 53), url(world.carrier, 53)]) expect(await ask([], to)).toMatch(/^world /u);
    await platform.killDaemon();
    await platform.up();
    expect(await lookUp('asks', dashed(world.internet))).toContain(`Address: ${world.internet}`);
    expect(await ask(await within('asks'), `http://[${world.six.private}]:53/`)).toBe(`world ${world.six.machine}`);
    for (const name of ['asks', 'shut']) await platform.api.delete(`/v1/containers/${name}?force=1`);
    expect((await exec([nft, 'list', 'set', 'inet', platform.table, 'asks'])).stdout).not.toContain(world.private);
  });

  it('keeps what it has when the daemon is killed, and no address outlives it', async () => {
    const { address6 } = await of('one');
    await platform.killDaemon();
    await platform.up();
    expect((await of('one')).address6).toBe(address6);
    expect(await ask(await within('one'), url(world.six.internet))).toBe(`world ${world.six.machine}`);
    for (const name of ['one', 'two', 'member']) await platform.api.delete(`/v1/containers/${name}?force=1`);
    await platform.sleep(SITE, 'cold', 'admin');
    expect(await poll(async () => (await platform.devices()).length === 0, WITHIN)).toBe(true);
    const prefix = address6?.split('::')[0] ?? 'none';
    for (const what of [
      ['-6', 'route', 'show', 'table', 'all'],
      ['-6', 'neigh', 'show'],
    ])
      expect((await exec([ip, ...what])).stdout).not.toContain(prefix);
  });

  it('leaves the machine as it was', async () => {
    await platform.cli(['down']);
    const { stdout } = await exec([nft, 'list', 'tables']);
    expect(stdout).not.toContain(platform.table);
    // Other platforms of this machine may need it.
    if (!stdout.includes('subako_')) expect((await readFile(FORWARDING, 'utf8')).trim()).toBe(forwarded);
  });
});
