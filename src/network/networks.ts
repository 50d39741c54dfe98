/**
 * The network port: gives a container a way out, or the edge a way in, and none to its neighbours, to the machine or to private networks.
 *
 * A container is made with a network namespace of its own that holds lo alone. A network is put into it once it runs, and goes with it:
 * neither the bundle nor a checkpoint knows of it.
 */
import type { NamedNetwork } from '../domain/network.ts';

export interface Networks {
  /** The technology, as shown by `doctor`. */
  readonly name: string;

  /**
   * Begins with what a container will need, while others start it. Neither waits nor throws: what went wrong, `join` tells.
   * `id` is a container id; for one that has a network already, nothing happens.
   */
  begin(id: string, wish: NetworkWish): void;

  /**
   * Puts the network into the container whose first process is `pid`. When it returns, connections can be made.
   *
   * @throws SubakoError `host_unfit` where this machine cannot, `command_failed` otherwise; the container then has lo alone, as before
   */
  join(id: string, pid: number): Promise<Network>;

  /** On its link to the machine; of a container that has joined, or was taken over. */
  addressOf(id: string): string | undefined;

  /** The same of IPv6. Undefined: its link has none. */
  address6Of(id: string): string | undefined;

  /**
   * Puts a container that runs into one more network; it and those who are there find one another by name from then on. Nothing happens when it is in.
   * @throws SubakoError as `join`
   */
  connect(id: string, pid: number, more: { readonly attachment: Attachment; readonly hosts: HostsFile }): Promise<void>;

  /** Takes it out again. Idempotent. */
  disconnect(id: string, networkId: string): Promise<void>;

  /** Those that are in a network now, in the order in which they came. */
  members(networkId: string): readonly Member[];

  /** The networks that a container is in, and what it is there. */
  placesOf(id: string): readonly Place[];

  /**
   * Leads ports of the machine to the container, for the world and for the machine itself, and lets it ask resolvers, until its network is removed.
   * Replaces what it had. Whether somebody listens at such a port already is the caller's business.
   *
   * @throws SubakoError `host_unfit`, also for a port at an address of IPv6 where its link has none; `command_failed`
   */
  open(id: string, wish: OpenWish): Promise<void>;

  /** Takes away what the container has, at once. Its address may be another's from then on. Idempotent. */
  remove(id: string): Promise<void>;

  /** Takes over the networks of these containers from an earlier daemon, and removes all others of this platform. Returns the ids of those. */
  sweep(known: ReadonlySet<string>): Promise<string[]>;

  /** Removes everything, and puts back what was changed on the machine. Idempotent. */
  end(): Promise<void>;
}

export interface NetworkWish {
  /** Whether it may begin connections to the outside. Default: yes. */
  readonly egress?: boolean;
  /** Whether mail servers can be reached then, on the ports of SMTP. */
  readonly smtp: boolean;
  /** Whether the edge, and root of this machine, may begin connections with it. Default: no. */
  readonly serves?: boolean;
  /** False: it has no link to the machine, and is in networks alone. Default: it has one. */
  readonly link?: boolean;
  /** Networks that it is in besides. Members of one reach one another at any port; nothing leads from one network to another, nor to the machine. */
  readonly networks?: readonly Attachment[];
  /** Where it finds their names, kept true for as long as it is in any. */
  readonly hosts?: HostsFile;
}

/** A container's place in a network. */
export interface Attachment {
  readonly network: Pick<NamedNetwork, 'id' | 'name' | 'subnet' | 'subnet6'>;
  /** What the others find it by. */
  readonly names: readonly string[];
}

/** A file of ours that is `/etc/hosts` in a container: it is written in place, so that a running container sees it. */
export interface HostsFile {
  readonly path: string;
  /** Another one, with what stands in it whatever networks there are: whole lines. */
  readonly own: string;
  /** What the container calls itself. */
  readonly hostname: string;
}

export interface Member {
  readonly id: string;
  readonly address: string;
  readonly address6?: string;
  readonly names: readonly string[];
}

export interface Place extends Member {
  readonly network: Attachment['network'];
}

export interface OpenWish {
  readonly ports: readonly Published[];
  /** Addresses, private ones too, that it may ask at port 53, besides the one at the gateway; as far as its link leads anywhere. */
  readonly resolvers: readonly string[];
}

export interface Published {
  readonly protocol: 'tcp' | 'udp';
  /** Of the machine; `0.0.0.0` and `::` are all of their kind. Undefined: all of both. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

export interface Network {
  /** Of the container, on its link to the machine. Undefined: it has none. */
  readonly address: string | undefined;
}
