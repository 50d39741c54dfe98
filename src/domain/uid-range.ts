/** Host user ids of containers: each site and each system service has a range of its own, never shared. */

/** Size of one range: as many ids as an image can name (16 bits), so any image runs unchanged. */
export const RANGE_SIZE = 65_536;

/** Above the ranges of login users, of /etc/subuid defaults (100000…) and of systemd-nspawn (524288–1879048191). */
const FIRST_HOST_ID = 1_900_000_000;

/** Ranges below this index belong to the platform's own services. */
export const FIRST_SITE_RANGE = 16;

/** Ids end at 2^32 - 2. From 2^31 on, which is from the 3,760th site, some old programs show them as negative numbers. */
export const LAST_RANGE = Math.floor((2 ** 32 - 2 - FIRST_HOST_ID) / RANGE_SIZE) - 1;

/** Spare containers run in ranges of their own, at the top: a running process cannot be given other ids. One is free again when its container is gone. */
export const SPARE_SLOTS = 4_096;
export const LAST_SITE_RANGE = LAST_RANGE - SPARE_SLOTS;

/** Range of the spare slot 0…SPARE_SLOTS-1. */
export function spareRange(slot: number): number {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SPARE_SLOTS) throw new RangeError(`no spare slot ${slot}`);
  return LAST_SITE_RANGE + 1 + slot;
}

export const SERVICE_RANGE = { edge: 1, database: 2, template: 3, probe: 4, seed: 5, build: 6 } as const;

/** The host id of the container's id 0 in the range with this index. */
export function rangeBase(index: number): number {
  if (!Number.isInteger(index) || index < 0 || index > LAST_RANGE) throw new RangeError(`no uid range ${index}`);
  return FIRST_HOST_ID + index * RANGE_SIZE;
}
