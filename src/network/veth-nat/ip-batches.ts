/** What `ip -batch -` is told, on the machine's side and on the container's. Pure. */
import { GATEWAY } from '../../domain/gateway.ts';
import type { NetworkWish } from '../networks.ts';
import type { Lease } from './leases.ts';
import { groupOf } from './groups.ts';

export interface Joining extends NetworkWish {
  readonly id: string;
  /** A process of the container. */
  readonly pid: number;
}

/**
 * The link, with its other end made in the container at once: moving one there takes the kernel several times as long.
 * The device's name says the address, its alias whose it is.
 */
export function linkBatch({ device, address }: Lease, { id, pid, ...wish }: Joining): string {
  return lines(
    `link add ${device} group ${groupOf(wish)} type veth peer name ${INSIDE} netns ${pid}`,
    `link set ${device} alias ${id}`,
    `link set ${device} addrgenmode none`,
    `addr add ${GATEWAY} peer ${address} dev ${device}`,
    `link set ${device} up`,
  );
}

/** In the container's namespace: everything else lies behind the gateway, or nowhere. No IPv6 address, not even a link-local one. */
export function joinBatch({ address }: Lease, { egress = true }: NetworkWish): string {
  return lines(
    'link set lo up',
    `link set ${INSIDE} addrgenmode none`,
    `addr add ${address} peer ${GATEWAY} dev ${INSIDE}`,
    `link set ${INSIDE} up`,
    ...(egress ? [`route add default via ${GATEWAY} dev ${INSIDE}`] : []),
  );
}

const INSIDE = 'eth0';

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
