/** What `ip -batch -` is told of a segment: in its own namespace, and in a member's. Pure. */
import type { Attachment } from '../networks.ts';
import { address6At, addressAt } from '../subnets.ts';

const BRIDGE = 'br0';

export interface Seat {
  readonly place: number;
  /** Name of the member's end of the link. */
  readonly inside: string;
}

/**
 * Nothing but a bridge: it has no address of any kind, so that nobody is reached by it but those who are plugged in.
 * Without snooping of multicast, which wants somebody who asks who listens; neighbours are found by multicast.
 */
export function bridgeBatch(): string {
  return lines(`link add ${BRIDGE} type bridge stp_state 0 mcast_snooping 0`, `link set ${BRIDGE} addrgenmode none`, `link set ${BRIDGE} up`);
}

/** The link, with its other end made in the container at once. */
export function plugBatch({ place, inside }: Seat, { id, pid }: { id: string; pid: number }): string {
  const port = portAt(place);
  return lines(
    `link add ${port} type veth peer name ${inside} netns ${pid}`,
    `link set ${port} alias ${id}`,
    `link set ${port} addrgenmode none`,
    `link set ${port} master ${BRIDGE}`,
    `link set ${port} up`,
  );
}

export function unplugBatch(place: number): string {
  return lines(`link delete ${portAt(place)}`);
}

/** In the member's namespace. The other end goes with it. */
export function unseatBatch({ inside }: Seat): string {
  return lines(`link delete ${inside}`);
}

/** In the member's namespace. IPv6 addresses are used at once: who has which is known, and needs no asking around. */
export function seatBatch({ place, inside }: Seat, { subnet, subnet6 }: Attachment['network']): string {
  const six = subnet6 === undefined ? [] : [address6At(subnet6, place), `fe80::${place.toString(16)}`];
  return lines(
    'link set lo up',
    `link set ${inside} addrgenmode none`,
    `addr add ${addressAt(subnet, place)}/24 dev ${inside}`,
    ...six.map((address) => `addr add ${address}/64 dev ${inside} nodad`),
    `link set ${inside} up`,
  );
}

/** The segment's end of a member's link. */
export function portAt(place: number): string {
  return `port${place}`;
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
