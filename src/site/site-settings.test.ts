import { describe, expect, it } from 'vitest';
import { changeSettings, describeSettings, SITE_SETTINGS } from './site-settings.ts';

const BEFORE = { idleTimeoutMs: 900_000, lifetimeMs: 86_400_000, memoryBytes: 402_653_184, cpus: 2, pids: 64 };

describe('settings of a site', () => {
  it('are changed by assignments', () => {
    expect(changeSettings(BEFORE, ['idle=5m', 'memory=1g', 'cpus=0.5'])).toEqual({ ...BEFORE, idleTimeoutMs: 300_000, memoryBytes: 1_073_741_824, cpus: 0.5 });
    expect(changeSettings(BEFORE, ['idle=never'])).toEqual({ ...BEFORE, idleTimeoutMs: 0 });
  });

  it.each(['idle', 'idle=', 'idle=soon', 'idle=1ms', 'memory=1k', 'memory=-5m', 'cpus=0', 'cpus=x', 'pids=1.5', 'pids=0', 'colour=red', '=', '__proto__=1'])(
    'refuses %s',
    (assignment) => {
      expect(() => changeSettings(BEFORE, ['idle=5m', assignment])).toThrow(expect.objectContaining({ code: 'bad_setting' }));
    },
  );

  it('are shown in the form they are written in', () => {
    expect(describeSettings(BEFORE)).toEqual({ idle: '15m', lifetime: '1d', memory: '384 MiB', cpus: '2', pids: '64' });
  });

  it('each accept their own example', () => {
    for (const { key, example } of SITE_SETTINGS) expect(() => changeSettings(BEFORE, [`${key}=${example}`])).not.toThrow();
  });
});
