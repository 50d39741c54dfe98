import { describe, expect, it } from 'vitest';
import { isReleaseName, releaseName } from './code.ts';

const LETTERS = 'abcdefghijkm2345';

describe('the name of a release', () => {
  it('says when it came to be, and sorts by it', () => {
    const names = ['2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-02-01T00:00:00.001Z'].map((at) => releaseName(new Date(at), LETTERS));
    expect(names[0]).toBe(`20260131T235959999Z-${LETTERS}`);
    expect(names.toSorted()).toEqual(names);
    expect(names.every(isReleaseName)).toBe(true);
  });

  it.each(['', '..', '.draft-20260131T235959999Z-abcdefghijkm2345', '20260131T235959999Z-ABC', '20260131T235959999Z-abcdefghijkm2345/x'])(
    'is not %j',
    (name) => {
      expect(isReleaseName(name)).toBe(false);
    },
  );
});
