/** A network of one's own: containers of it reach one another at any port, and by name; nobody else reaches them there. */

export interface NamedNetwork {
  /** Twelve hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** A /24 that no other network has, such as `10.208.3.0/24`. */
  readonly subnet: string;
  /** A /64 of the same, such as `fd12:3456:789a:3::/64`. Undefined: it speaks IPv4 alone. */
  readonly subnet6?: string;
  /** Its containers have no way out by it. */
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}

/** A network that a container is to be in, and what the container is called there besides its own name. */
export interface NetworkMembership {
  /** Of the network. `DEFAULT_NETWORK`: a link to the outside. */
  readonly name: string;
  readonly aliases: readonly string[];
}

/** `default`: a way out, and no neighbours. */
export type ContainerNetwork = 'default' | 'none' | { readonly networks: readonly NetworkMembership[] };

export const DEFAULT_NETWORK = 'default';

/** The networks of one's own among them: `default` is a link to the outside, not a network. */
export function membershipsOf(network: ContainerNetwork): readonly NetworkMembership[] {
  return typeof network === 'string' ? [] : network.networks.filter(({ name }) => name !== DEFAULT_NETWORK);
}
