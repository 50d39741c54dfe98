/** Whether containers can have a way out over IPv6, and whether this machine stays what it is when it forwards for them. */
import { devicesWithIpv6, parseRoutes6, readAddresses6, readRoutes6, readSetting6 } from './machine6.ts';

/** `none`: there is nothing to lead to; `unsafe`: it would harm the machine. */
export interface Way6 {
  readonly is: 'yes' | 'none' | 'unsafe';
  /** For people. */
  readonly why: string;
  readonly hint: string;
}

/** See machine6.ts. */
export interface Facts6 {
  readonly addresses: () => string | undefined;
  readonly routes: () => string;
  readonly setting: (name: string) => string;
}

const MACHINE: Facts6 = { addresses: readAddresses6, routes: readRoutes6, setting: readSetting6 };
const YES: Way6 = { is: 'yes', why: 'yes', hint: '' };
/** Of a route (linux/ipv6_route.h, linux/route.h). */
const [REJECT, LEARNED] = [0x0200, 0x0004_0000];

/**
 * A machine that forwards is a router: what other routers tell it of the way out, it forgets and does not learn any more, where `accept_ra` is 1, as by default.
 * @param always though the machine has no way out over IPv6 itself
 */
export function way6(always: boolean, { addresses, routes, setting }: Facts6 = MACHINE): Way6 {
  const table = addresses();
  if (table === undefined) return none('the kernel has no IPv6');
  if (setting('default/disable_ipv6') === '1') {
    return { ...none('new devices have no IPv6'), hint: 'set net.ipv6.conf.default.disable_ipv6=0 and start the platform again' };
  }
  const forwards = setting('all/forwarding') !== '0';
  if (always && forwards) return YES;
  // The cheap look first: the table of routes can be long, and a machine without a way out is asked again and again.
  if (!always && devicesWithIpv6(table).length === 0) return none('the machine has no IPv6 address');
  const all = parseRoutes6(routes());
  const leadsOut = all.some(({ isDefault, flags, device }) => isDefault && (flags & REJECT) === 0 && device !== 'lo');
  if (!always && !leadsOut) return none('the machine has no way out over IPv6');
  if (forwards) return YES;
  const learned = new Set(all.filter(({ flags, device }) => (flags & LEARNED) !== 0 && device !== 'lo').map(({ device }) => device));
  return judge([...learned].filter((device) => setting(`${device}/accept_ra`) === '1'));
}

/** @param lost devices whose routes would be forgotten */
function judge(lost: readonly string[]): Way6 {
  if (lost.length === 0) return YES;
  return {
    is: 'unsafe',
    why: `this machine would forget the way out that routers tell it at ${lost.join(', ')}`,
    hint: `set ${lost.map((device) => `net.ipv6.conf.${device}.accept_ra=2`).join(', ')} and start the platform again`,
  };
}

function none(why: string): Way6 {
  return { is: 'none', why, hint: '' };
}
