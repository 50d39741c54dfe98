/** Networks that people name: made, looked at, removed. What the kernel has of one comes and goes with its members. */
import { existsSync } from 'node:fs';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { DEFAULT_NETWORK, membershipsOf } from '../domain/network.ts';
import type { NamedNetwork } from '../domain/network.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Ipv4Range } from '../lib/ipv4.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { freeSubnet, subnet6Of } from '../network/subnets.ts';
import { checkName, newContainerId } from './names.ts';

export interface NetworkRequest {
  readonly name: string;
  /** Without a way out. */
  readonly internal?: boolean;
  /** IPv6 addresses besides. */
  readonly ipv6?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface NamedNetworksDeps {
  readonly cmdb: Pick<Cmdb, 'networks' | 'insertNetwork' | 'deleteNetwork' | 'containers' | 'sites'>;
  readonly emit: EventSink;
  readonly now: () => number;
  /** Undefined: this platform gives containers no network. */
  readonly range: Ipv4Range | undefined;
  /** Eight hexadecimal digits. */
  readonly platform: string;
}

const RESERVED = new Set([DEFAULT_NETWORK, 'bridge', 'none', 'host']);

export class NamedNetworks {
  readonly #deps: NamedNetworksDeps;
  readonly #lock = new KeyedLock();

  constructor(deps: NamedNetworksDeps) {
    this.#deps = deps;
  }

  /** @throws SubakoError `bad_usage`, `already_exists`, `host_unfit` */
  create({ name, internal = false, ipv6 = false, labels = {} }: NetworkRequest): Promise<NamedNetwork> {
    const { cmdb, emit, now, range, platform } = this.#deps;
    checkName(name, 'network');
    if (RESERVED.has(name)) throw new SubakoError('bad_usage', `a network cannot be called ${name}`, { hint: 'that word has a meaning for --network already' });
    if (range === undefined)
      throw new SubakoError('host_unfit', 'containers have no network: switched off by `egressRange` in the definition file', {
        hint: 'subako doctor tells more',
      });
    if (ipv6 && !existsSync('/proc/net/if_inet6')) throw new SubakoError('host_unfit', 'this machine has no IPv6', { hint: 'leave out --ipv6' });
    return this.#lock.run('subnets', async () => {
      const subnet = freeSubnet(range, new Set((await cmdb.networks()).map((one) => one.subnet)));
      const subnet6 = ipv6 ? { subnet6: subnet6Of(platform, subnet) } : {};
      const network: NamedNetwork = { id: newContainerId(), name, subnet, ...subnet6, internal, labels, createdAt: now() };
      await cmdb.insertNetwork(network);
      await failpoint('network.created');
      emit({ type: 'network.created', facts: { network: name, subnet } });
      return network;
    });
  }

  list(): Promise<NamedNetwork[]> {
    return this.#deps.cmdb.networks();
  }

  /** @throws SubakoError `not_found` */
  get(name: string): Promise<NamedNetwork> {
    return networkNamed(name, this.#deps.cmdb);
  }

  /** @throws SubakoError `not_found`; `conflict` while a container or a site is to be in it */
  async remove(name: string): Promise<void> {
    const { cmdb, emit } = this.#deps;
    await this.get(name);
    const users = await this.users(name);
    if (users.length > 0)
      throw new SubakoError('conflict', `the network ${name} is used by ${users.join(', ')}`, { hint: 'remove those first, or disconnect them' });
    await cmdb.deleteNetwork(name);
    emit({ type: 'network.removed', facts: { network: name } });
  }

  /** Removes those that nobody is to be in. Returns their names. */
  async prune(): Promise<string[]> {
    const removed: string[] = [];
    for (const { name } of await this.list()) {
      if ((await this.users(name)).length > 0) continue;
      await this.remove(name);
      removed.push(name);
    }
    return removed;
  }

  /** Names of containers, up or not, and domains of sites. */
  async users(name: string): Promise<string[]> {
    const { cmdb } = this.#deps;
    const containers = (await cmdb.containers()).filter(({ spec }) => membershipsOf(spec.network).some((one) => one.name === name));
    const sites = (await cmdb.sites()).filter(({ app }) => app?.networks?.some((one) => one.name === name) === true);
    return [...containers.map((one) => one.name), ...sites.map(({ domain }) => domain)];
  }
}

/** @throws SubakoError `not_found` */
export async function networkNamed(name: string, cmdb: Pick<Cmdb, 'networks'>): Promise<NamedNetwork> {
  const found = (await cmdb.networks()).find((network) => network.name === name);
  if (found !== undefined) return found;
  throw new SubakoError('not_found', `there is no network ${name}`, { hint: `make it: subako network create ${name}` });
}
