import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.ts';

const times = (count: number, crowd: Crowd, seen: { inFlight: number; instances: number }): string[] =>
  Array.from({ length: count }, () => crowd.look('a', seen));

describe('a crowd', () => {
  it('gets another instance after three looks in a row above the target, and not before', () => {
    const crowd = new Crowd(4);
    expect(times(2, crowd, { inFlight: 5, instances: 1 })).toEqual(['enough', 'enough']);
    expect(times(1, crowd, { inFlight: 4, instances: 1 })).toEqual(['enough']);
    expect(times(3, crowd, { inFlight: 5, instances: 1 })).toEqual(['enough', 'enough', 'more']);
  });

  it('gives one back after thirty looks in which the others would be at most half busy', () => {
    const crowd = new Crowd(4);
    expect(times(30, crowd, { inFlight: 2, instances: 2 }).lastIndexOf('fewer')).toBe(29);
    expect(times(30, crowd, { inFlight: 3, instances: 2 })).not.toContain('fewer');
    expect(times(40, crowd, { inFlight: 0, instances: 1 })).not.toContain('fewer');
  });

  it('does not flap: a load that made it grow never makes the grown one shrink', () => {
    for (let target = 1; target < 20; target += 1) {
      for (let instances = 1; instances < 6; instances += 1) {
        const inFlight = target * instances + 1;
        const crowd = new Crowd(target);
        expect(times(100, crowd, { inFlight, instances: instances + 1 })).not.toContain('fewer');
      }
    }
  });

  it('begins anew after a time in which nobody looked', () => {
    const crowd = new Crowd(4);
    times(2, crowd, { inFlight: 5, instances: 1 });
    crowd.forgetOthers(new Set(['b']));
    expect(times(3, crowd, { inFlight: 5, instances: 1 })).toEqual(['enough', 'enough', 'more']);
  });
});
