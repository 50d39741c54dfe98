import { describe, expect, it } from 'vitest';
import { way6 } from './way6.ts';
import type { Facts6 } from './way6.ts';

const LO = '00000000000000000000000000000001 01 80 10 80       lo\n';
const LINK_LOCAL = 'fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n';
const GLOBAL = '20010db8000000000000000000000002 04 40 00 80     eth0\n';

const NOWHERE = '0'.repeat(32);
const route = (flags: string, device: string, destination = `${NOWHERE} 00`): string =>
  `${destination} ${NOWHERE} 00 fe800000000000000000000000000001 00000400 00000002 00000000 ${flags} ${device.padStart(8)}\n`;
const BY_HAND = route('00000003', 'eth0');
const BY_ROUTER = route('00450003', 'eth0');
const REFUSING = route('00200200', 'lo');

function facts(addresses: string | undefined, routes: string, settings: Record<string, string> = {}): Facts6 {
  const all: Record<string, string> = { 'all/forwarding': '0', 'default/disable_ipv6': '0', 'eth0/accept_ra': '1', ...settings };
  return { addresses: () => addresses, routes: () => routes, setting: (name) => all[name] ?? '' };
}

describe('a way out over IPv6', () => {
  it.each([
    ['a kernel without IPv6', facts(undefined, ''), 'no IPv6'],
    ['no address but on a link', facts(LO + LINK_LOCAL, BY_HAND), 'no IPv6 address'],
    ['no route', facts(LO + GLOBAL, REFUSING + route('00000001', 'eth0', `fe80${'0'.repeat(28)} 40`)), 'no way out'],
    ['IPv6 switched off for new devices', facts(LO + GLOBAL, BY_HAND, { 'default/disable_ipv6': '1' }), 'new devices'],
  ])('is none with %s', (_what, machine, why) => {
    const way = way6(false, machine);
    expect(way.is).toBe('none');
    expect(way.why).toContain(why);
  });

  it('is there with a route that somebody set', () => {
    expect(way6(false, facts(LO + GLOBAL, REFUSING + BY_HAND)).is).toBe('yes');
  });

  it('is not made where the machine would forget what routers tell it, and that is said with what to do', () => {
    const way = way6(false, facts(LO + GLOBAL, BY_ROUTER));
    expect(way).toMatchObject({ is: 'unsafe', hint: expect.stringContaining('net.ipv6.conf.eth0.accept_ra=2') as string });
    expect(way6(true, facts(LO + GLOBAL, BY_ROUTER)).is).toBe('unsafe');
  });

  it('is there with a route of a router’s where the machine listens to routers all the same, or forwards already', () => {
    expect(way6(false, facts(LO + GLOBAL, BY_ROUTER, { 'eth0/accept_ra': '2' })).is).toBe('yes');
    expect(way6(false, facts(LO + GLOBAL, BY_ROUTER, { 'eth0/accept_ra': '0' })).is).toBe('yes');
    expect(way6(false, facts(LO + GLOBAL, BY_ROUTER, { 'all/forwarding': '1' })).is).toBe('yes');
  });

  it('is given by those who ask for it where the machine has none itself, but not against its kernel', () => {
    expect(way6(true, facts(LO, '')).is).toBe('yes');
    expect(way6(true, facts(undefined, '')).is).toBe('none');
  });
});
