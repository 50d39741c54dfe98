import { describe, expect, it } from 'vitest';
import { laterPlan } from './personalise.ts';

describe('a WordPress that becomes somebody’s', () => {
  it('has its timed work as much later as it is younger, and nothing else of the plan is changed', () => {
    const plan = 'a:2:{i:1795890685;a:1:{s:10:"1795890685";a:1:{s:8:"interval";i:86400;}}s:7:"version";i:2;}';
    expect(laterPlan(plan, 100)).toBe('a:2:{i:1795890785;a:1:{s:10:"1795890685";a:1:{s:8:"interval";i:86400;}}s:7:"version";i:2;}');
  });
});
