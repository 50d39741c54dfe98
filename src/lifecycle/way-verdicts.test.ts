import { describe, expect, it } from 'vitest';
import type { Site } from '../domain/site.ts';
import { Verdicts } from './way-verdicts.ts';

const site = (checkpoint: Site['settings']['checkpoint'], id = 'a') => ({ id, settings: { checkpoint } as Site['settings'] });
const AUTO = site('auto');

function measured(pages: { template?: number[]; boot?: number[]; checkpoint?: number[]; usual?: number[] }): Verdicts {
  const verdicts = new Verdicts();
  for (const ms of pages.boot ?? []) verdicts.firstPage('a', 'boot', ms);
  for (const ms of pages.template ?? []) verdicts.firstPage('a', 'template', ms);
  for (const ms of pages.checkpoint ?? []) verdicts.firstPage('a', 'checkpoint', ms);
  for (const ms of pages.usual ?? []) verdicts.usualPage('a', ms);
  return verdicts;
}

describe('whether a site keeps a checkpoint of its own', () => {
  it('is the owner’s choice first', () => {
    expect(measured({}).wantsCheckpoint(site('always'))).toBe(true);
    expect(measured({ template: [900], usual: [10] }).wantsCheckpoint(site('never'))).toBe(false);
  });

  it('is no as long as nothing was measured', () => {
    expect(measured({}).wantsCheckpoint(AUTO)).toBe(false);
    expect(measured({ template: [900] }).wantsCheckpoint(AUTO)).toBe(false);
    expect(measured({ usual: [10] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('is yes for an app, until its pages are measured to be no quicker than after a boot', () => {
    const app = { ...AUTO, app: {} as NonNullable<Site['app']> };
    expect(measured({}).wantsCheckpoint(app)).toBe(true);
    expect(measured({ boot: [100], checkpoint: [95, 95] }).wantsCheckpoint(app)).toBe(true);
    expect(measured({ boot: [100], checkpoint: [95, 95, 95] }).wantsCheckpoint(app)).toBe(false);
    expect(measured({ boot: [100], checkpoint: [89, 89, 89] }).wantsCheckpoint(app)).toBe(true);
    expect(measured({ checkpoint: [95, 95, 95] }).wantsCheckpoint(app)).toBe(true);
  });

  it('is tried when first pages are more than three times as slow as usual ones', () => {
    expect(measured({ template: [61, 61, 61], usual: [20] }).wantsCheckpoint(AUTO)).toBe(true);
    expect(measured({ template: [60, 60, 60], usual: [20] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('is not tried before three first pages were seen', () => {
    expect(measured({ template: [900, 900], usual: [20] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('measures against the boot where there is no template, and against the template where there is one', () => {
    expect(measured({ boot: [100, 100, 100], usual: [20] }).wantsCheckpoint(AUTO)).toBe(true);
    expect(measured({ boot: [900], template: [50], usual: [20] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('is kept when it was quicker by a tenth at least, else given up', () => {
    const slow = { template: [100], usual: [20] };
    expect(measured({ ...slow, checkpoint: [90] }).wantsCheckpoint(AUTO)).toBe(true);
    expect(measured({ ...slow, checkpoint: [91] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('does not hang on one page that was out of the ordinary', () => {
    expect(measured({ template: [30, 31, 5_000, 32, 33], usual: [20, 21, 1, 22, 23] }).wantsCheckpoint(AUTO)).toBe(false);
  });

  it('forgets what is long ago', () => {
    const usual = [20, 20, 20, 20, 20];
    expect(measured({ template: [900, 900, 900, 30, 30, 30, 30, 30], usual }).wantsCheckpoint(AUTO)).toBe(false);
    expect(measured({ template: [30, 30, 30, 900, 900, 900, 900, 900], usual }).wantsCheckpoint(AUTO)).toBe(true);
  });
});
