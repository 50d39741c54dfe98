/** `/etc/hosts` of a container that is in networks. Pure. */
import type { Member } from '../networks.ts';

/**
 * @param lines its own
 * @param self what it is in its first network
 * @param neighbours everybody of its networks, itself included
 */
export function hostsText({ lines: own, hostname }: { lines: string; hostname: string }, self: Member | undefined, neighbours: readonly Member[]): string {
  const itself = self === undefined ? [`127.0.0.1\t${hostname}`] : addressesOf(self).map((address) => `${address}\t${hostname}`);
  const others = neighbours.filter(({ names }) => names.length > 0);
  const lines = others.flatMap((member) => addressesOf(member).map((address) => `${address}\t${member.names.join(' ')}`));
  return `${own}${[...itself, ...lines].join('\n')}\n`;
}

function addressesOf({ address, address6 }: Member): string[] {
  return address6 === undefined ? [address] : [address, address6];
}
