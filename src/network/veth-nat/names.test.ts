import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceAt, MOST_ADDRESSES, networkNames, placeOf } from './names.ts';

const names = networkNames('0123abcd');

describe('names of devices', () => {
  it('fit into the kernel’s 15 bytes and tell the address again', () => {
    fc.assert(
      fc.property(fc.nat(MOST_ADDRESSES - 1), (place) => {
        const device = deviceAt(place, names.devices);
        expect(device.length).toBeLessThanOrEqual(15);
        expect(placeOf(device, names)).toBe(place);
      }),
    );
  });

  it.each(['eth0', 'sb0123abcd-', 'sb0123abce-1', 'sb0123abcd-12345', 'sb0123abcd-A', 'sb0123abcd-1;'])('do not claim “%s”', (device) => {
    expect(placeOf(device, names)).toBeUndefined();
  });
});
