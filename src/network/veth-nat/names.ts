/** What a platform calls its things in the kernel's network. Several platforms live side by side on one machine. */

export interface NetworkNames {
  /** nftables table of the family inet. */
  readonly table: string;
  /** Beginning of the names of the host's ends; what follows is the place of the address in the range, in base 36. */
  readonly devices: string;
}

/** A device's name holds 15 bytes: 11 of them begin it. */
export const MOST_ADDRESSES = 36 ** 4;

/** @param platform eight hexadecimal digits */
export function networkNames(platform: string): NetworkNames {
  if (!/^[0-9a-f]{8}$/u.test(platform)) throw new RangeError(`not a platform: ${platform}`);
  return { table: `subako_${platform}`, devices: `sb${platform}-` };
}

/** Of a device of ours, the place of its address; undefined for the machine's other devices. */
export function placeOf(device: string, { devices }: NetworkNames): number | undefined {
  const rest = device.startsWith(devices) ? device.slice(devices.length) : '';
  return /^[0-9a-z]{1,4}$/u.test(rest) ? Number.parseInt(rest, 36) : undefined;
}

export function deviceAt(place: number, beginning: string): string {
  return `${beginning}${place.toString(36)}`;
}
