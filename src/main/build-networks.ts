/** Chooses the driver of containers' networks. */
import type { Config } from '../config/config.ts';
import { EDGE_UID } from '../edge/edge-service.ts';
import { parseIpv4Range } from '../lib/ipv4.ts';
import type { Networks } from '../network/networks.ts';
import { NoNetworks } from '../network/no-networks.ts';
import { networkNames } from '../network/veth-nat/names.ts';
import { hostResolver } from '../network/veth-nat/resolvers.ts';
import { VethNat } from '../network/veth-nat/veth-nat.ts';
import type { Toolbox } from '../toolbox/toolbox.ts';
import { platformDigest, platformPaths } from './paths.ts';

export function buildNetworks(config: Config, { ip, nft }: Pick<Toolbox, 'ip' | 'nft'>): Networks {
  const range = parseIpv4Range(config.egressRange);
  if (range === undefined) return new NoNetworks('switched off by `egressRange` in the definition file');
  return new VethNat({
    ip,
    nft,
    range,
    names: networkNames(platformDigest(config.state)),
    http: config.http,
    https: config.https,
    edge: EDGE_UID,
    resolver: () => config.resolver ?? hostResolver(),
    record: platformPaths(config).forwarding,
    segments: platformPaths(config).segments,
  });
}
