import { describe, expect, it } from 'vitest';
import { usernsImage } from './userns-image.ts';

describe('the image of a user namespace', () => {
  it('is byte for byte what CRIU 4.1 wrote for the range that begins at 1900655360', () => {
    expect(usernsImage(1_900_655_360, 65_536).toString('hex')).toBe('19435654064947551c0000000a0c08001080e6a68a0718808004120c08001080e6a68a0718808004');
  });
});
