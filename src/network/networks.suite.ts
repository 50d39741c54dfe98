/** What every driver that gives containers a network must do, on a real kernel. */
import { afterEach, describe, expect, it } from 'vitest';
import { asSubakoError } from '../domain/errors.ts';
import type { Networks } from './networks.ts';

export interface NetworksUnderTest {
  readonly networks: Networks;
  /** The same platform's networks, as a daemon that was started anew has them. */
  readonly another: () => Networks;
  /** A process in a namespace of its own, as a container's first one is. */
  readonly container: () => Promise<number>;
  /** Addresses that the process has on interfaces that are up, in the spelling of `10.0.0.1` or `fe80::1`. */
  readonly addressesOf: (pid: number) => Promise<string[]>;
  /** Everything of this platform that the machine's network holds. */
  readonly left: () => Promise<string[]>;
  readonly close: () => Promise<void>;
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
        expect((await test.addressesOf(pid)).filter((one) => !LOOPBACK.has(one))).toEqual([address]);
        expect(test.networks.addressOf(id)).toBe(address);
        addresses.push(address);
      }
      expect(new Set(addresses).size).toBe(2);
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
      for (const id of [ONE, OTHER]) {
        pids.set(id, await test.container());
        test.networks.begin(id, { smtp: false });
        addresses.set(id, (await test.networks.join(id, pids.get(id) ?? 0)).address);
      }
      const anew = test.another();
      expect(await anew.sweep(new Set([ONE]))).toEqual([OTHER]);
      expect([anew.addressOf(ONE), anew.addressOf(OTHER)]).toEqual([addresses.get(ONE), undefined]);
      expect(await test.addressesOf(pids.get(ONE) ?? 0)).toContain(addresses.get(ONE));
      expect(await test.addressesOf(pids.get(OTHER) ?? 0)).not.toContain(addresses.get(OTHER));
      const third = await test.container();
      anew.begin(THIRD, { smtp: false });
      expect((await anew.join(THIRD, third)).address).not.toBe(addresses.get(ONE));
      await anew.end();
      expect(await test.left()).toEqual([]);
    });
  });
}
