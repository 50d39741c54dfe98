/** Networks of a container that is there already. What it has runs on; its way out is that of its next start. */
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import { DEFAULT_NETWORK } from '../domain/network.ts';
import type { NetworkMembership } from '../domain/network.ts';
import { SubakoError } from '../domain/errors.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Containers } from './containers.ts';
import type { ContainersDeps } from './deps.ts';
import { networkNamed } from './named-networks.ts';
import { attachmentsOf, hostsFileOf } from './network-wish.ts';
import { networkOf } from './parse-network.ts';

type Deps = Pick<ContainersDeps, 'cmdb' | 'dirs' | 'networks'>;

interface Of {
  readonly containers: Containers;
  readonly ref: string;
}

/** @throws SubakoError `not_found`, `bad_usage`, `conflict` when it is in already */
export async function connect({ containers, ref }: Of, wish: NetworkMembership, deps: Deps): Promise<void> {
  await networkNamed(wish.name, deps.cmdb);
  await containers.exclusively(ref, async (container) => {
    const had = asMemberships(container);
    if (had.some(({ name }) => name === wish.name)) throw new SubakoError('conflict', `${container.name} is in ${wish.name} already`);
    const spec = { ...container.spec, network: networkOf({ networks: [...had, wish] }) };
    // The record comes first: a daemon that finds it goes on from there.
    await deps.cmdb.putContainer({ ...container, spec });
    await failpoint('connect.recorded');
    await seat({ ...container, spec }, deps).catch(async (error: unknown) => {
      await deps.cmdb.putContainer(container);
      await seat(container, deps);
      throw error;
    });
  });
}

/** @throws SubakoError `not_found`, `conflict` when it is not in */
export async function disconnect({ containers, ref }: Of, name: string, deps: Deps): Promise<void> {
  await containers.exclusively(ref, async (container) => {
    const had = asMemberships(container);
    const rest = had.filter((one) => one.name !== name);
    if (name === DEFAULT_NETWORK || rest.length === had.length) throw new SubakoError('conflict', `${container.name} is not in ${name}`);
    const spec = { ...container.spec, network: rest.length === 0 ? ('none' as const) : networkOf({ networks: rest }) };
    await deps.cmdb.putContainer({ ...container, spec });
    await failpoint('disconnect.recorded');
    await seat({ ...container, spec }, deps);
  });
}

/** Makes what the kernel has what the record says. Repeatable. */
export async function seat(container: Container, deps: Deps): Promise<void> {
  const { id, process } = container;
  if (!isUp(container) || process === undefined) return;
  const wanted = await attachmentsOf(container, deps);
  const isWanted = (network: string): boolean => wanted.some((one) => one.network.id === network);
  for (const { network } of deps.networks.placesOf(id)) if (!isWanted(network.id)) await deps.networks.disconnect(id, network.id);
  for (const attachment of wanted) await deps.networks.connect(id, process.pid, { attachment, hosts: hostsFileOf(container, deps) });
}

function asMemberships({ spec: { network } }: Container): readonly NetworkMembership[] {
  if (network === 'none') return [];
  return network === 'default' ? [{ name: DEFAULT_NETWORK, aliases: [] }] : network.networks;
}
