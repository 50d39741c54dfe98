/** Names of spare containers. The name tells the slot, and so the uid range, for as long as anything of the container is left. */
import { newId } from './ids.ts';
import { SPARE_SLOTS, spareRange } from './uid-range.ts';

const DIGITS = 4;
/** No id of `newId` holds a zero, so no site has such an id. It is as long as a site's id, because CRIU puts one in the place of the other. */
const PATTERN = /^spare0(\d{4})(?:-|$)/u;

/** What a spare has in the place of a site's id. */
export function spareId(slot: number): string {
  return `spare0${String(slot).padStart(DIGITS, '0')}`;
}

/** A name for a container in this slot. */
export function spareContainerId(slot: number, role: string): string {
  return `${spareId(slot)}-${role}-${newId(6)}`;
}

/** Undefined for a container that never was a spare. */
export function spareSlotOf(containerId: string): number | undefined {
  const digits = PATTERN.exec(containerId)?.[1];
  return digits === undefined || Number(digits) >= SPARE_SLOTS ? undefined : Number(digits);
}

/** Index of the uid range that a container runs in: its site's, unless it was a spare before. */
export function rangeOfContainer(containerId: string, siteRange: number): number {
  const slot = spareSlotOf(containerId);
  return slot === undefined ? siteRange : spareRange(slot);
}
