/** What a container's network is to be: its link to the machine, and the networks that it is in. */
import { writeFile } from 'node:fs/promises';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Container } from '../domain/container.ts';
import { DEFAULT_NETWORK, membershipsOf } from '../domain/network.ts';
import type { ContainerNetwork, NetworkMembership } from '../domain/network.ts';
import type { Attachment, HostsFile, NetworkWish, OpenWish } from '../network/networks.ts';
import { containerPaths } from './deps.ts';
import { resolverText } from './dns.ts';
import type { ContainersDeps } from './deps.ts';
import { networkNamed } from './named-networks.ts';

type Deps = Pick<ContainersDeps, 'cmdb' | 'dirs'>;

/** @throws SubakoError `not_found` when a network is gone */
export async function networkWishOf(container: Container, deps: Deps): Promise<'none' | NetworkWish> {
  const { network, ports } = container.spec;
  if (network === 'none') return 'none';
  const hosts = hostsFileOf(container, deps);
  if (network === 'default') return { smtp: false, hosts };
  const egress = await hasWayOut(network, deps);
  return { smtp: false, egress, link: egress || ports.length > 0, networks: await attachmentsOf(container, deps), hosts };
}

/** By what is known of its networks, whoever made them. @throws SubakoError `not_found` when one is gone */
export async function hasWayOut(network: ContainerNetwork, { cmdb }: { readonly cmdb: Pick<Cmdb, 'networks'> }): Promise<boolean> {
  if (typeof network === 'string') return network === 'default';
  const named = await Promise.all(membershipsOf(network).map(({ name }) => networkNamed(name, cmdb)));
  return named.some(({ internal }) => !internal) || network.networks.some(({ name }) => name === DEFAULT_NETWORK);
}

/** Undefined: nothing. */
export function openWishOf({ spec: { network, ports, dns } }: Container): OpenWish | undefined {
  const resolvers = dns?.servers ?? [];
  return network === 'none' || ports.length + resolvers.length === 0 ? undefined : { ports, resolvers };
}

/** @throws SubakoError `not_found` */
export function attachmentsOf(container: Container, { cmdb }: Pick<Deps, 'cmdb'>): Promise<Attachment[]> {
  return Promise.all(
    membershipsOf(container.spec.network).map(async (membership) => attachment(container, membership, await networkNamed(membership.name, cmdb))),
  );
}

function attachment({ id, name }: Pick<Container, 'id' | 'name'>, { aliases }: NetworkMembership, network: Attachment['network']): Attachment {
  return { network, names: [...new Set([name, ...aliases, id])] };
}

export function hostsFileOf({ id, spec }: Pick<Container, 'id' | 'spec'>, { dirs }: Pick<Deps, 'dirs'>): HostsFile {
  const { hosts, ownHosts } = containerPaths(dirs, id);
  return { path: hosts, own: ownHosts, hostname: spec.hostname };
}

/** What it knows before it is in any network. */
export async function writeNameFiles({ id, spec }: Pick<Container, 'id' | 'spec'>, wish: 'none' | NetworkWish, { dirs }: Pick<Deps, 'dirs'>): Promise<void> {
  const { hosts, ownHosts, resolver } = containerPaths(dirs, id);
  const own = ['127.0.0.1\tlocalhost', '::1\tlocalhost', ...(spec.extraHosts ?? []).map(({ name, address }) => `${address}\t${name}`)].join('\n');
  const asks = wish !== 'none' && wish.egress !== false;
  await Promise.all([
    writeFile(ownHosts, `${own}\n`),
    writeFile(hosts, `${own}\n127.0.0.1\t${spec.hostname}\n`),
    writeFile(resolver, resolverText(spec.dns, asks)),
  ]);
}
