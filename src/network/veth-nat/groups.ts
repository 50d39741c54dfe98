/** What a container's link may be used for, as the group of its device: the firewall's rules look at groups, so that none is made for a container. */
import type { NetworkWish } from '../networks.ts';

/** Of numbers that nobody else uses. A device in none of ours may only ask outward, and no mail servers. */
const FIRST = 5500;
const [SMTP, SERVES, CLOSED] = [1, 2, 4];

export function groupOf({ smtp, egress = true, serves = false }: NetworkWish): number {
  const bits = (egress ? 0 : CLOSED) + (egress && smtp ? SMTP : 0) + (serves ? SERVES : 0);
  return bits === 0 ? 0 : FIRST + bits;
}

/** Groups of containers that may speak to mail servers. */
export const SMTP_GROUPS = groupsWith(SMTP);
/** Of those that the edge may begin connections with. */
export const SERVING_GROUPS = groupsWith(SERVES);
/** Of those that may begin no connection at all. */
export const CLOSED_GROUPS = groupsWith(CLOSED);

function groupsWith(bit: number): readonly number[] {
  return [1, 2, 3, 4, 5, 6, 7].filter((bits) => (bits & bit) !== 0).map((bits) => FIRST + bits);
}
