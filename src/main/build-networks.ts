/** Chooses the driver of containers' networks. */
import type { Config } from '../config/config.ts';
import { ownPrefix, prefixOf } from '../network/veth-nat/address6.ts';
import { EDGE_UID } from '../edge/edge-service.ts';
import { parseIpv4Range } from '../lib/ipv4.ts';
import { parseIpv6Range } from '../lib/ipv6.ts';
import type { Networks } from '../network/networks.ts';
import { NoNetworks } from '../network/no-networks.ts';
import { networkNames } from '../network/veth-nat/names.ts';
import { hostResolver } from '../network/veth-nat/resolvers.ts';
import { VethNat } from '../network/veth-nat/veth-nat.ts';
import { way6 } from '../network/veth-nat/way6.ts';
import type { Way6 } from '../network/veth-nat/way6.ts';
import type { Toolbox } from '../toolbox/toolbox.ts';
import { platformDigest, platformPaths } from './paths.ts';

export function buildNetworks(config: Config, { ip, nft }: Pick<Toolbox, 'ip' | 'nft'>): Networks {
  const range = parseIpv4Range(config.egressRange);
  if (range === undefined) return new NoNetworks('switched off by `egressRange` in the definition file');
  return new VethNat({
    ip,
    nft,
    range,
    prefix6: prefix6Of(config),
    hasWay6: () => wayOut6(config).is === 'yes',
    names: networkNames(platformDigest(config.state)),
    http: config.http,
    https: config.https,
    edge: EDGE_UID,
    resolver: () => config.resolver ?? hostResolver(),
    record: platformPaths(config).forwarding,
    segments: platformPaths(config).segments,
  });
}

/** For people too: why containers have no IPv6. */
export function wayOut6({ egressRange6 }: Pick<Config, 'egressRange6'>): Way6 {
  if (egressRange6 === 'none') return { is: 'none', why: 'switched off by `egressRange6` in the definition file', hint: '' };
  return way6(egressRange6 !== 'auto');
}

function prefix6Of({ egressRange6, state }: Config): string | undefined {
  if (egressRange6 === 'auto') return ownPrefix(platformDigest(state));
  const range = parseIpv6Range(egressRange6);
  return range === undefined ? undefined : prefixOf(range);
}
