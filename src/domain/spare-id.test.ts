import { describe, expect, it } from 'vitest';
import { newId } from './ids.ts';
import { rangeOfContainer, spareContainerId, spareId, spareSlotOf } from './spare-id.ts';
import { SPARE_SLOTS, spareRange } from './uid-range.ts';

describe('names of spares', () => {
  it('tell the slot, and with it the uid range', () => {
    for (const slot of [0, 7, 42, SPARE_SLOTS - 1]) {
      const id = spareContainerId(slot, 'public');
      expect(id).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/u);
      expect(spareSlotOf(id)).toBe(slot);
      expect(spareSlotOf(spareId(slot))).toBe(slot);
      expect(rangeOfContainer(id, 20)).toBe(spareRange(slot));
    }
  });

  it('are as long as those of sites, whose place they take in the paths of sockets', () => {
    expect(spareId(3)).toHaveLength(newId().length);
    expect(spareContainerId(3, 'public')).toHaveLength(`${newId()}-public-${newId(6)}`.length);
  });

  it('are no site’s', () => {
    for (const id of [
      'spare2222x-public-sabcde',
      `${newId()}-public-${newId(6)}`,
      'spare0',
      'spare09999-public-sabcde',
      'template00-public-sabcde',
      'x-spare00001-web',
    ]) {
      expect(spareSlotOf(id)).toBeUndefined();
      expect(rangeOfContainer(id, 20)).toBe(20);
    }
  });
});
