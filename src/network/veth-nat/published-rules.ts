/** Rules of single containers: ports of the machine that are led to one, and resolvers that one asks beside the platform's. Pure. */
import { parseIpv4 } from '../../lib/ipv4.ts';
import { parseIpv6 } from '../../lib/ipv6.ts';
import type { Published } from '../networks.ts';

/** A container that something is opened for. */
export interface Opened {
  readonly address: string;
  /** Undefined: it has none of IPv6, and what is published is so over IPv4 alone. */
  readonly address6?: string | undefined;
  readonly ports: readonly Published[];
  /** Addresses of either kind. */
  readonly resolvers: readonly string[];
}

/** A published port: how it is translated, and what then is let in. */
export interface Led {
  readonly translate: string;
  readonly admit: string;
}

/** @throws RangeError for what is not an address or a port */
export function ledTo({ address, address6, ports }: Opened): Led[] {
  if (parseIpv4(address) === undefined) throw new RangeError(`not an address: ${address}`);
  if (address6 !== undefined && parseIpv6(address6) === undefined) throw new RangeError(`not an address: ${address6}`);
  return ports.flatMap((port) => {
    check(port);
    const isFor = (parse: (text: string) => unknown): boolean => port.hostAddress === undefined || parse(port.hostAddress) !== undefined;
    const four = isFor(parseIpv4) ? [leading({ kind: 'ip', any: '0.0.0.0', to: address }, port)] : [];
    return address6 !== undefined && isFor(parseIpv6) ? [...four, leading({ kind: 'ip6', any: '::', to: address6 }, port)] : four;
  });
}

/** `ip saddr . ip daddr` of those that a container may ask, as elements of a set. @throws RangeError */
export function asking(opened: readonly Opened[]): { readonly four: string[]; readonly six: string[] } {
  const all = opened.flatMap(({ address, address6, resolvers }) => resolvers.map((resolver) => ({ address, address6, resolver })));
  const unknown = all.find(({ resolver }) => parseIpv4(resolver) === undefined && parseIpv6(resolver) === undefined);
  if (unknown !== undefined) throw new RangeError(`not an address: ${unknown.resolver}`);
  const four = all.filter(({ resolver }) => parseIpv4(resolver) !== undefined).map(({ address, resolver }) => `${address} . ${resolver}`);
  const six = all.filter(({ address6, resolver }) => address6 !== undefined && parseIpv6(resolver) !== undefined);
  return { four: [...new Set(four)], six: [...new Set(six.map(({ address6, resolver }) => `${address6} . ${resolver}`))] };
}

function leading({ kind, any, to }: { kind: 'ip' | 'ip6'; any: string; to: string }, { protocol, hostAddress = any, hostPort, containerPort }: Published): Led {
  const at = hostAddress === any ? 'fib daddr type local' : `${kind} daddr ${hostAddress}`;
  const family = kind === 'ip' ? 'ipv4' : 'ipv6';
  const target = kind === 'ip' ? `${to}:${containerPort}` : `[${to}]:${containerPort}`;
  return {
    translate: `meta nfproto ${family} ${at} ${protocol} dport ${hostPort} dnat ${kind} to ${target}`,
    admit: `${kind} daddr ${to} ${protocol} dport ${containerPort} ct status dnat accept`,
  };
}

function check({ protocol, hostAddress, hostPort, containerPort }: Published): void {
  if (hostAddress !== undefined && parseIpv4(hostAddress) === undefined && parseIpv6(hostAddress) === undefined)
    throw new RangeError(`not an address: ${hostAddress}`);
  for (const port of [hostPort, containerPort]) if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  if (protocol !== 'tcp' && protocol !== 'udp') throw new RangeError(`not a protocol: ${String(protocol)}`);
}
