/** What a new site is set to. */
import type { Config } from '../config/config.ts';
import type { SiteSettings } from '../domain/site.ts';

export function siteDefaults(config: Config): SiteSettings {
  return {
    runtime: config.runtime,
    freezeAfterMs: config.freezeAfter,
    idleTimeoutMs: config.idleTimeout,
    coldAfterMs: config.coldAfter,
    checkpoint: 'auto',
    keepAwake: false,
    maxInstances: config.maxInstances,
    lifetimeMs: config.lifetime,
    memoryBytes: config.memory,
    adminMemoryBytes: config.adminMemory,
    mode: 'strict',
    cacheMs: config.cacheFor,
    cacheVary: 'nothing',
    adminFrom: 'any',
    adminPassword: '',
    adminAuth: '',
    adminSignIn: '',
    xmlrpc: false,
    cpus: config.cpus,
    pids: config.pids,
    https: 'both',
    hstsMs: 0,
    cronEveryMs: config.cron,
    php: {},
    egress: config.egress,
    smtp: false,
  };
}
