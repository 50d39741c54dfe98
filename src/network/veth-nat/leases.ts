/** Which container has which address. The kernel's devices are the record; this is what we know of them. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import type { Ipv4Range } from '../../lib/ipv4.ts';
import { deviceAt, MOST_ADDRESSES, placeOf } from './names.ts';
import type { NetworkNames } from './names.ts';

export interface Lease {
  readonly address: string;
  /** The host's end of the link. */
  readonly device: string;
}

const DEVICES = '/sys/class/net';
const ROUTES = '/proc/net/route';

export class Leases {
  readonly #byId = new Map<string, Lease>();
  readonly #taken = new Set<string>();
  readonly #options: { readonly names: NetworkNames; readonly range: Ipv4Range };
  #next: number;

  constructor(options: { names: NetworkNames; range: Ipv4Range }) {
    this.#options = options;
    // Platforms side by side may share a range: each begins to look somewhere else.
    this.#next = Number.parseInt(options.names.table.slice(-8), 16);
  }

  of(id: string): Lease | undefined {
    return this.#byId.get(id);
  }

  /** An address that nobody on this machine uses. @throws SubakoError `host_unfit` when there is none */
  take(id: string): Lease {
    const { range } = this.#options;
    const usable = Math.min(range.size, MOST_ADDRESSES) - 2;
    const routed = routedAddresses();
    for (let tried = 0; tried < usable; tried += 1) {
      this.#next += 1;
      // Neither the first nor the last address of the range.
      const lease = this.#at(1 + (this.#next % usable));
      if (this.#taken.has(lease.device) || routed.has(lease.address)) continue;
      this.record(id, lease);
      return lease;
    }
    throw new SubakoError('host_unfit', 'every address of the egress range is taken', { hint: 'set a larger egressRange in config.json' });
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
    return readdirSync(DEVICES).flatMap((device) => {
      const place = placeOf(device, this.#options.names);
      return place === undefined ? [] : [{ id: aliasOf(device), lease: this.#at(place) }];
    });
  }

  #at(place: number): Lease {
    const { names, range } = this.#options;
    return { address: formatIpv4(range.first + place), device: deviceAt(place, names.devices) };
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
