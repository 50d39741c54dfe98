/** Networks of one's own as the API shows them. */
import type { ApiNetworks } from '../api/platform.ts';
import type { NetworkMemberReply, NetworkReply } from '../api/container-types.ts';
import { connect, disconnect } from '../container/connect.ts';
import type { Containers } from '../container/containers.ts';
import type { ContainersDeps } from '../container/deps.ts';
import type { NamedNetworks } from '../container/named-networks.ts';
import type { NamedNetwork } from '../domain/network.ts';

export interface NetworksApiDeps {
  readonly containers: Containers;
  readonly named: NamedNetworks;
  readonly deps: ContainersDeps;
}

export function networksApi({ containers, named, deps }: NetworksApiDeps): ApiNetworks {
  const reply = async (network: NamedNetwork): Promise<NetworkReply> => {
    const { subnet6, ...rest } = network;
    return { ...rest, subnet6: subnet6 ?? null, users: await named.users(network.name), members: await membersOf(network, deps) };
  };
  return {
    rows: async () => Promise.all((await named.list()).map(reply)),
    create: async (request) => reply(await named.create(request)),
    show: async (name) => reply(await named.get(name)),
    remove: (name) => named.remove(name),
    prune: () => named.prune(),
    connect: (ref, membership) => connect({ containers, ref }, membership, deps),
    disconnect: (ref, name) => disconnect({ containers, ref }, name, deps),
  };
}

/** Those that are up. */
async function membersOf({ id }: NamedNetwork, { networks, cmdb }: ContainersDeps): Promise<NetworkMemberReply[]> {
  const names = new Map((await cmdb.containers()).map((container) => [container.id, container.name]));
  const domains = new Map((await cmdb.sites()).map((site) => [site.id, site.domain]));
  const siteOf = new Map((await cmdb.instances()).map((instance) => [instance.id, domains.get(instance.siteId)]));
  return networks.members(id).map(({ address6, ...member }) => ({
    ...member,
    address6: address6 ?? null,
    container: names.get(member.id) ?? null,
    site: siteOf.get(member.id) ?? null,
  }));
}
