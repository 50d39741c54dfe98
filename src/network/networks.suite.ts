/** What every driver that gives containers a network must do, on a real kernel. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { asSubakoError } from '../domain/errors.ts';
import type { Attachment, HostsFile, Networks } from './networks.ts';

export interface NetworksUnderTest {
  readonly networks: Networks;
  /** Whether links have IPv6. */
  readonly hasIpv6: boolean;
  /** The same platform's networks, as a daemon that was started anew has them. */
  readonly another: () => Networks;
  /** A process in a namespace of its own, as a container's first one is. */
  readonly container: () => Promise<number>;
  /** Addresses that the process has on interfaces that are up, in the spelling of `10.0.0.1` or `fe80::1`. */
  readonly addressesOf: (pid: number) => Promise<string[]>;
  /** Everything of this platform that the machine's network holds. */
  readonly left: () => Promise<string[]>;
  readonly close: () => Promise<void>;
  /** A file with these lines. */
  readonly file: (text: string) => Promise<string>;
  /** Whether one who listens in the namespace is reached from this machine, by a port of it. */
  readonly reachesFromHere: (pid: number, at: { readonly port: number; readonly address: string }) => Promise<boolean>;
  /** Whether a process in the one's namespace is answered by one in the other's, that listens at this address. */
  readonly reaches: (from: number, to: { readonly pid: number; readonly address: string }) => Promise<boolean>;
}

const [ONE, OTHER, THIRD] = ['n-one', 'n-two', 'n-six'];
const LOOPBACK = new Set(['127.0.0.1', '::1']);

export function networksSuite(name: string, open: () => Promise<NetworksUnderTest>): void {
  describe(`${name} as networks of containers`, () => {
    let test: NetworksUnderTest;
    afterEach(async () => {
      await test.networks.end();
      await test.close();
    });

    it('gives each container an address of its own, and nothing but that', async () => {
      test = await open();
      const addresses = [];
      for (const id of [ONE, OTHER]) {
        const pid = await test.container();
        test.networks.begin(id, { smtp: false });
        const { address } = await test.networks.join(id, pid);
        const address6 = test.networks.address6Of(id);
        expect((await test.addressesOf(pid)).filter((one) => !LOOPBACK.has(one))).toEqual(test.hasIpv6 ? [address, address6] : [address]);
        expect(test.networks.addressOf(id)).toBe(address);
        addresses.push(address, address6);
      }
      expect(new Set(addresses).size).toBe(test.hasIpv6 ? 4 : 3);
    });

    it('leaves nothing of a network that was removed, however often, and however far it was', async () => {
      test = await open();
      const pid = await test.container();
      test.networks.begin(ONE, { smtp: false });
      await test.networks.remove(ONE);
      test.networks.begin(ONE, { smtp: false });
      await test.networks.join(ONE, pid);
      expect((await test.left()).length).toBeGreaterThan(0);
      await test.networks.remove(ONE);
      await test.networks.remove(ONE);
      await test.networks.remove('never-begun');
      expect((await test.addressesOf(pid)).filter((one) => !LOOPBACK.has(one))).toEqual([]);
      await test.networks.end();
      await test.networks.end();
      expect(await test.left()).toEqual([]);
    });

    it('ends what an earlier daemon left, though no container has a network any more', async () => {
      test = await open();
      test.networks.begin(ONE, { smtp: false });
      await test.networks.join(ONE, await test.container());
      await test.networks.remove(ONE);
      const anew = test.another();
      await anew.sweep(new Set());
      await anew.end();
      expect(await test.left()).toEqual([]);
    });

    it('leads ports to a container as long as it is there, and to an address of IPv6 only where it has one', async () => {
      test = await open();
      const pid = await test.container();
      test.networks.begin(ONE, { smtp: false });
      await test.networks.join(ONE, pid);
      const port = { protocol: 'tcp', hostPort: 47_113, containerPort: 7 } as const;
      const reached = (address: string): Promise<boolean> => test.reachesFromHere(pid, { port: port.hostPort, address });
      expect(await reached('127.0.0.1')).toBe(false);
      await test.networks.open(ONE, { ports: [port], resolvers: [] });
      await test.networks.open(ONE, { ports: [port], resolvers: ['192.0.2.53', '2001:db8::53'] });
      expect([await reached('127.0.0.1'), await reached('::1')]).toEqual([true, test.hasIpv6]);
      const at6 = test.networks.open(ONE, { ports: [{ ...port, hostAddress: '::1' }], resolvers: [] });
      if (test.hasIpv6) await at6;
      else await expect(at6).rejects.toMatchObject({ code: 'host_unfit', message: expect.stringContaining('IPv6') as string });
      if (test.hasIpv6) expect([await reached('127.0.0.1'), await reached('::1')]).toEqual([false, true]);
      await test.networks.remove(ONE);
      expect([await reached('127.0.0.1'), await reached('::1')]).toEqual([false, false]);
    });

    it('says when it cannot, and leaves nothing then', async () => {
      test = await open();
      test.networks.begin(ONE, { smtp: false });
      const error: unknown = await test.networks.join(ONE, 2 ** 30).catch((thrown: unknown) => thrown);
      expect(asSubakoError(error).code).not.toBe('internal');
      await test.networks.end();
      expect(await test.left()).toEqual([]);
    });

    it('refuses an id that could mean something else', async () => {
      test = await open();
      for (const id of ['', '../x', 'a b', 'a\nlink delete lo', '-x']) expect(() => test.networks.begin(id, { smtp: false })).toThrow(RangeError);
    });

    it('takes over what an earlier daemon left for those it knows, and removes the rest', async () => {
      test = await open();
      const pids = new Map<string, number>();
      const addresses = new Map<string, string>();
      const addresses6 = new Map<string, string | undefined>();
      for (const id of [ONE, OTHER]) {
        pids.set(id, await test.container());
        test.networks.begin(id, { smtp: false });
        addresses.set(id, (await test.networks.join(id, pids.get(id) ?? 0)).address ?? '');
        addresses6.set(id, test.networks.address6Of(id));
      }
      const anew = test.another();
      expect(await anew.sweep(new Set([ONE]))).toEqual([OTHER]);
      expect([anew.addressOf(ONE), anew.addressOf(OTHER)]).toEqual([addresses.get(ONE), undefined]);
      expect(anew.address6Of(ONE)).toBe(addresses6.get(ONE));
      expect(await test.addressesOf(pids.get(ONE) ?? 0)).toContain(addresses.get(ONE));
      expect(await test.addressesOf(pids.get(OTHER) ?? 0)).not.toContain(addresses.get(OTHER));
      const third = await test.container();
      anew.begin(THIRD, { smtp: false });
      expect((await anew.join(THIRD, third)).address).not.toBe(addresses.get(ONE));
      await anew.end();
      expect(await test.left()).toEqual([]);
    });

    describe('of one’s own', () => {
      const front: Attachment['network'] = { id: 'f0f0f0f0f0f0', name: 'front', subnet: '10.214.1.0/24', subnet6: 'fd5b:1:2:1::/64' };
      const back: Attachment['network'] = { id: 'babababababa', name: 'back', subnet: '10.214.2.0/24' };

      async function member(id: string, ...networks: readonly Attachment['network'][]): Promise<{ pid: number; hosts: HostsFile }> {
        const pid = await test.container();
        const hosts = { path: await test.file(''), own: await test.file('127.0.0.1\tlocalhost\n'), hostname: `host-${id}` };
        test.networks.begin(id, { smtp: false, link: false, hosts, networks: networks.map((network) => ({ network, names: [id, 'all'] })) });
        await test.networks.join(id, pid);
        return { pid, hosts };
      }
      const text = ({ hosts }: { hosts: HostsFile }): Promise<string> => readFile(hosts.path, 'utf8');
      const addressIn = (network: Attachment['network'], id: string): string => test.networks.members(network.id).find((one) => one.id === id)?.address ?? '';

      it('let members reach one another, over IPv6 too where the network has it, and nobody of another network', async () => {
        test = await open();
        const [one, other, third] = [await member(ONE, front), await member(OTHER, front, back), await member(THIRD, back)];
        expect((await test.addressesOf(one.pid)).filter((address) => !LOOPBACK.has(address))).toEqual(['10.214.1.2', 'fd5b:1:2:1::2', 'fe80::2']);
        for (const address of ['10.214.1.3', 'fd5b:1:2:1::3']) expect(await test.reaches(one.pid, { pid: other.pid, address })).toBe(true);
        expect(await test.reaches(third.pid, { pid: other.pid, address: addressIn(back, OTHER) })).toBe(true);
        expect(await test.reaches(one.pid, { pid: third.pid, address: addressIn(back, THIRD) })).toBe(false);
        expect(await test.reaches(third.pid, { pid: one.pid, address: addressIn(front, ONE) })).toBe(false);
      });

      it('tell each member who is where, as long as it is, and nobody else', async () => {
        test = await open();
        const one = await member(ONE, front);
        expect(await text(one)).toBe(
          '127.0.0.1\tlocalhost\n10.214.1.2\thost-n-one\nfd5b:1:2:1::2\thost-n-one\n10.214.1.2\tn-one all\nfd5b:1:2:1::2\tn-one all\n',
        );
        const [other, third] = [await member(OTHER, front, back), await member(THIRD, back)];
        expect(await text(one)).toContain('10.214.1.3\tn-two all\n');
        expect(await text(one)).not.toContain('n-six');
        for (const line of ['10.214.1.2\tn-one all', '10.214.2.2\tn-two all', '10.214.2.3\tn-six all', '10.214.1.3\thost-n-two'])
          expect((await text(other)).split('\n')).toContain(line);
        await test.networks.remove(OTHER);
        for (const each of [one, third]) expect(await text(each)).not.toContain('n-two');
        expect(await text(third)).toMatch(/\S\n$/u);
      });

      it('take in a container that runs, and let it go', async () => {
        test = await open();
        const [one, other] = [await member(ONE, front), await member(OTHER, back)];
        await test.networks.connect(OTHER, other.pid, { attachment: { network: front, names: ['late'] }, hosts: other.hosts });
        await test.networks.connect(OTHER, other.pid, { attachment: { network: front, names: ['late'] }, hosts: other.hosts });
        expect(await test.reaches(one.pid, { pid: other.pid, address: addressIn(front, OTHER) })).toBe(true);
        expect(await text(one)).toContain('\tlate\n');
        await test.networks.disconnect(OTHER, front.id);
        await test.networks.disconnect(OTHER, front.id);
        expect(await text(one)).not.toContain('late');
        expect(await text(other)).not.toContain('n-one');
        expect((await test.addressesOf(other.pid)).filter((address) => !LOOPBACK.has(address))).toEqual(['10.214.2.2']);
      });

      it('outlive a daemon with those that it knew, and go with their last member', async () => {
        test = await open();
        const [one, other] = [await member(ONE, front), await member(OTHER, front)];
        await member(THIRD, back);
        const anew = test.another();
        expect((await anew.sweep(new Set([ONE, OTHER]))).toSorted()).toEqual([THIRD]);
        expect(anew.members(front.id).map(({ id, address }) => [id, address])).toEqual([
          [ONE, '10.214.1.2'],
          [OTHER, '10.214.1.3'],
        ]);
        expect(anew.members(back.id)).toEqual([]);
        expect(await test.reaches(one.pid, { pid: other.pid, address: '10.214.1.3' })).toBe(true);
        expect(await text(one)).toContain('10.214.1.3\tn-two all');
        await anew.remove(OTHER);
        expect(await text(one)).not.toContain('n-two');
        expect(await test.left()).not.toEqual([]);
        await anew.remove(ONE);
        expect(await test.left()).toEqual([]);
      });

      it('leave a container that cannot join as it was, and the network without it', async () => {
        test = await open();
        const one = await member(ONE, front);
        const hosts = { path: await test.file(''), own: await test.file(''), hostname: 'gone' };
        test.networks.begin(OTHER, { smtp: false, link: false, hosts, networks: [{ network: front, names: ['gone'] }] });
        await expect(test.networks.join(OTHER, 2 ** 30)).rejects.toMatchObject({ code: 'command_failed' });
        expect(test.networks.members(front.id).map(({ id }) => id)).toEqual([ONE]);
        expect(await text(one)).not.toContain('gone');
      });
    });
  });
}
