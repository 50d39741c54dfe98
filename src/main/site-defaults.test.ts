import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { QUIET } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { applyPolicies, refuseBadPolicies, siteDefaults } from './site-defaults.ts';

const state = mkdtempSync(join(tmpdir(), 'subako-defaults-'));
afterAll(() => rmSync(state, { recursive: true }));

const configOf = (sites: Config['sites']): Config => ({ ...loadConfig({ state, run: '/run/x' }, {}), definition: '/etc/x.yaml', sites });

describe('policies of sites in the definition file', () => {
  const config = configOf({
    'a.example.org': { freeze: '30s' },
    '*': { freeze: '1m', idle: '1h', awake: true },
    '*.example.org': { freeze: '2m', idle: '2h', 'hook.before-stop': '/bin/true' },
  });

  it('hold for new sites, the closest last', () => {
    expect(siteDefaults(config, 'a.example.org')).toMatchObject({
      freezeAfterMs: 30_000,
      idleTimeoutMs: 7_200_000,
      keepAwake: true,
      hooks: { 'before-stop': '/bin/true' },
    });
    expect(siteDefaults(config, 'b.example.net')).toMatchObject({ freezeAfterMs: 60_000, idleTimeoutMs: 3_600_000, hooks: {} });
  });

  it('are set at the start where a site has others, and one that cannot be set stops nobody', async () => {
    const set: string[] = [];
    const failed: string[] = [];
    const site = (domain: string, more: object = {}): Site => ({ domain, phase: 'ready', settings: siteDefaults(config, domain), ...more }) as Site;
    const sites = {
      set: async (domain: string): Promise<Site> => {
        if (domain.startsWith('bad')) throw new Error('it uses more');
        set.push(domain);
        return site(domain);
      },
    };
    const all = [
      site('same.example.org'),
      site('bad.example.org', { settings: QUIET }),
      site('new.example.org', { settings: QUIET }),
      site('half.example.org', { phase: 'creating', settings: QUIET }),
    ];
    await applyPolicies(config, { sites, all, emit: ({ type, site: domain }) => failed.push(`${type} ${domain}`) });
    expect([set, failed]).toEqual([['new.example.org'], ['policy.failed bad.example.org']]);
  });

  it('that no site could have are refused before anything starts', () => {
    expect(() => refuseBadPolicies(config)).not.toThrow();
    expect(() => refuseBadPolicies(configOf({ 'a.example': { colour: 'red' } }))).toThrow('/etc/x.yaml: sites.a.example: there is no setting “colour”');
    expect(() => refuseBadPolicies(configOf({ 'a.example': { idle: 'soon' } }))).toThrow('idle=soon');
  });
});
