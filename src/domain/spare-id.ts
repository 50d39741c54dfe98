/** Names of spare containers: they tell which slot, and so which ids, a container runs with, for as long as there is anything of it. */
import { newId } from './ids.ts';
import { SPARE_SLOTS, spareRange } from './uid-range.ts';

const DIGITS = 4;
/** A zero is in no id of `newId`: no site is called so. As long as any site's id. */
const PATTERN = /^spare0(\d{4})(?:-|$)/u;

/** In the place of a site's id. */
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

/** Index of the uid range that a container runs in: that of its site, unless it was a spare before it was the site's. */
export function rangeOfContainer(containerId: string, siteRange: number): number {
  const slot = spareSlotOf(containerId);
  return slot === undefined ? siteRange : spareRange(slot);
}
