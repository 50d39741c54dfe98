import { describe, expect, it } from 'vitest';
import { toolSettings } from './tool-settings.ts';

const places = { storage: '/s', run: '/r', crun: '/crun', seccompProfile: '/seccomp', helpers: '/helpers' };
const registriesConf = (registries: Parameters<typeof toolSettings>[0]['registries']) => toolSettings({ ...places, registries })['registries.conf'];

describe('the configuration of registries', () => {
  it('asks a mirror first, by plain http only where the mirror itself may be spoken to so', () => {
    const mirrored = { 'docker.io': { mirror: 'mirror.lan:5000/hub' } };
    const lines = ['[[registry]]', 'location = "docker.io"', 'insecure = false', '[[registry.mirror]]', 'location = "mirror.lan:5000/hub"'];
    expect(registriesConf(mirrored)).toContain(`${[...lines, 'insecure = false'].join('\n')}\n`);
    expect(registriesConf({ ...mirrored, 'docker.io:443': { insecure: true } })).toContain(`${[...lines, 'insecure = false'].join('\n')}\n`);
    expect(registriesConf({ ...mirrored, 'mirror.lan:5000': { insecure: true } })).toContain(`${[...lines, 'insecure = true'].join('\n')}\n`);
  });

  it('knows no registry for short names but docker.io', () => {
    expect(registriesConf({})).toBe('unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n');
  });
});
