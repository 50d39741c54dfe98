/** Which container has which address. The kernel's devices are the record; this is what we know of them. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import type { Ipv4Range } from '../../lib/ipv4.ts';
import { parseIpv6 } from '../../lib/ipv6.ts';
import { address6At, gateway6 } from './address6.ts';
import { parseAddresses6, readAddresses6 } from './machine6.ts';
import { deviceAt, MOST_ADDRESSES, placeOf } from './names.ts';
import type { NetworkNames } from './names.ts';

export interface Lease {
  readonly address: string;
  /** With IPv6 besides. */
  readonly six?: { readonly address: string; readonly gateway: string };
  /** The host's end of the link. */
  readonly device: string;
}

export interface LeasesOptions {
  readonly names: NetworkNames;
  readonly range: Ipv4Range;
  /** Four groups of IPv6 addresses. Undefined: none are given. */
  readonly prefix6?: string | undefined;
}

const DEVICES = '/sys/class/net';
const ROUTES = '/proc/net/route';

export class Leases {
  readonly #byId = new Map<string, Lease>();
  readonly #taken = new Set<string>();
  readonly #options: LeasesOptions;
  #next: number;

  constructor(options: LeasesOptions) {
    this.#options = options;
    // Platforms side by side may share a range: each begins to look somewhere else.
    this.#next = Number.parseInt(options.names.table.slice(-8), 16);
  }

  of(id: string): Lease | undefined {
    return this.#byId.get(id);
  }

  /** An address that nobody on this machine uses. @param six one of IPv6 besides @throws SubakoError `host_unfit` when there is none */
  take(id: string, six: boolean): Lease {
    const { range } = this.#options;
    const usable = Math.min(range.size, MOST_ADDRESSES) - 2;
    const routed = routedAddresses();
    for (let tried = 0; tried < usable; tried += 1) {
      this.#next += 1;
      // Neither the first nor the last address of the range.
      const lease = this.#at(1 + (this.#next % usable), six);
      if (this.#taken.has(lease.device) || routed.has(lease.address)) continue;
      this.record(id, lease);
      return lease;
    }
    throw new SubakoError('host_unfit', 'every address of the egress range is taken', { hint: 'set a larger egressRange in the definition file' });
  }

  record(id: string, lease: Lease): void {
    this.#byId.set(id, lease);
    this.#taken.add(lease.device);
  }

  /** Only when its device is gone. */
  free(id: string): void {
    const lease = this.#byId.get(id);
    if (lease !== undefined) this.#taken.delete(lease.device);
    this.#byId.delete(id);
  }

  /** Devices of this platform, and the container that each was made for; an empty id where a crash came before that was written. */
  found(): { readonly id: string; readonly lease: Lease }[] {
    const six = this.#devicesWithIpv6();
    return readdirSync(DEVICES).flatMap((device) => {
      const place = placeOf(device, this.#options.names);
      return place === undefined ? [] : [{ id: aliasOf(device), lease: this.#at(place, six.has(device)) }];
    });
  }

  #at(place: number, six: boolean): Lease {
    const { names, range, prefix6 } = this.#options;
    const lease = { address: formatIpv4(range.first + place), device: deviceAt(place, names.devices) };
    return six && prefix6 !== undefined ? { ...lease, six: { address: address6At(prefix6, place), gateway: gateway6(prefix6) } } : lease;
  }

  /** An earlier daemon may have thought otherwise of IPv6. */
  #devicesWithIpv6(): Set<string> {
    const { prefix6 } = this.#options;
    if (prefix6 === undefined) return new Set();
    const gateway = parseIpv6(gateway6(prefix6));
    const all = parseAddresses6(readAddresses6() ?? '');
    return new Set(all.filter(({ hex }) => BigInt(`0x${hex}`) === gateway).map(({ device }) => device));
  }
}

/** Addresses that are routed to some device already, in the kernel's spelling: hexadecimal, the last byte first. */
function routedAddresses(): Set<string> {
  const lines = readFileSync(ROUTES, 'utf8').split('\n').slice(1);
  return new Set(
    lines
      .map((line) => line.split('\t')[1] ?? '')
      .map((hex) =>
        (hex.match(/../gu) ?? [])
          .map((byte) => Number.parseInt(byte, 16))
          .toReversed()
          .join('.'),
      ),
  );
}

function aliasOf(device: string): string {
  try {
    return readFileSync(join(DEVICES, device, 'ifalias'), 'utf8').trim();
  } catch {
    return '';
  }
}
