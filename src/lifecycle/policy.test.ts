import { describe, expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { dueRest } from './policy.ts';
import { Verdicts } from './way-verdicts.ts';

const SETTINGS: SiteSettings = { ...QUIET, freezeAfterMs: 1_000, idleTimeoutMs: 10_000 };

function due(idleMs: number, settings: Partial<SiteSettings> = {}, checkpoints = true): string | undefined {
  const site = { id: 'a', settings: { ...SETTINGS, ...settings } } as Site;
  return dueRest({ site, role: 'public', usedAt: 5_000 }, { now: 5_000 + idleMs, checkpoints }, new Verdicts());
}

describe('how deep a site rests', () => {
  it('follows its idleness down the ladder, each rung at its time', () => {
    expect([0, 999, 1_000, 9_999, 10_000, 1_000_000].map((idleMs) => due(idleMs))).toEqual([undefined, undefined, 'frozen', 'frozen', 'cold', 'cold']);
  });

  it('leaves out a rung that is set to never', () => {
    expect(due(5_000, { freezeAfterMs: 0 })).toBeUndefined();
    expect(due(10_000, { freezeAfterMs: 0 })).toBe('cold');
    expect(due(1_000_000, { idleTimeoutMs: 0 })).toBe('frozen');
    expect(due(1_000_000, { freezeAfterMs: 0, idleTimeoutMs: 0 })).toBeUndefined();
  });

  it('skips the freezer when it would leave memory sooner', () => {
    expect(due(1_000, { freezeAfterMs: 5_000, idleTimeoutMs: 1_000 })).toBe('cold');
  });

  it('is never at all for a site that is kept awake', () => {
    expect(due(1_000_000, { keepAwake: true, checkpoint: 'always' })).toBeUndefined();
  });

  it('is a checkpoint of its own where the site has one, and the machine can', () => {
    expect(due(10_000, { checkpoint: 'always' })).toBe('checkpointed');
    expect(due(10_000, { checkpoint: 'always' }, false)).toBe('cold');
    expect(due(10_000, { checkpoint: 'auto' })).toBe('cold');
    expect(due(1_000, { checkpoint: 'always' })).toBe('frozen');
  });
});
