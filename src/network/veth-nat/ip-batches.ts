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

/** The machine's end has the same on every link; each leads to one container alone. */
const HARDWARE = '02:5b:00:00:00:01';
const INSIDE = 'eth0';

/**
 * The link, with its other end made in the container at once: moving one there takes the kernel several times as long.
 * The device's name says the address, its alias whose it is.
 *
 * Each end is told where the other is: with IPv6, asking for it takes addresses of the link and messages that a container could forge.
 */
export function linkBatch(lease: Lease, { id, pid, ...wish }: Joining): string {
  const { device, address } = lease;
  return lines(
    `link add ${device} address ${HARDWARE} group ${groupOf(wish)} type veth peer name ${INSIDE} address ${hardwareOf(lease)} netns ${pid}`,
    `link set ${device} alias ${id}`,
    `link set ${device} addrgenmode none`,
    `addr add ${GATEWAY} peer ${address} dev ${device}`,
    ...sixOf(lease, ({ gateway }) => [`addr add ${gateway}/128 dev ${device} nodad`]),
    `link set ${device} up`,
    ...sixOf(lease, (six) => [
      `route add ${six.address}/128 dev ${device}`,
      `neigh add ${six.address} lladdr ${hardwareOf(lease)} dev ${device} nud permanent`,
    ]),
  );
}

/** In the container's namespace: everything else lies behind the gateway, or nowhere. Of IPv6 there is that one address or none, not even a link-local one. */
export function joinBatch(lease: Lease, { egress = true }: NetworkWish): string {
  return lines(
    'link set lo up',
    `link set ${INSIDE} addrgenmode none`,
    `addr add ${lease.address} peer ${GATEWAY} dev ${INSIDE}`,
    ...sixOf(lease, (six) => [`addr add ${six.address}/128 dev ${INSIDE} nodad`]),
    `link set ${INSIDE} up`,
    ...(egress ? [`route add default via ${GATEWAY} dev ${INSIDE}`] : []),
    ...sixOf(lease, ({ gateway }) => [
      `route add ${gateway}/128 dev ${INSIDE}`,
      `neigh add ${gateway} lladdr ${HARDWARE} dev ${INSIDE} nud permanent`,
      ...(egress ? [`route add default via ${gateway} dev ${INSIDE}`] : []),
    ]),
  );
}

/**
 * Lets the machine's own ::1 lead to the container behind this device: what comes back is for ::1 again once the translation is undone, and the kernel takes
 * that from no device but one that has a route for it. What a container itself sends to ::1 the kernel drops before it looks at anything.
 */
export function loopback6Batch(device: string): string {
  // Behind lo's own in any case. Each device has one: `add` would find the other's in its place.
  return lines(`route append local ::1/128 dev ${device} table local metric 4096`);
}

function sixOf({ six }: Lease, of: (six: NonNullable<Lease['six']>) => readonly string[]): readonly string[] {
  return six === undefined ? [] : of(six);
}

/** Of its own: there are programs that make names out of it. */
function hardwareOf({ address }: Lease): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '5b', ...bytes].join(':');
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
