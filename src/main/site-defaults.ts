/** Settings of sites as the definition file says: for new sites, and at each start for those that are there. */
import type { Config } from '../config/config.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { matches } from '../hooks/hook.ts';
import { changeSettings, settingsFor } from '../site/site-settings.ts';
import type { Sites } from '../site/sites.ts';
import { APP_STACK } from '../stack/app/app.ts';
import type { CodeStack } from '../stack/stack.ts';
import { CODE_STACKS } from './stacks.ts';

type Policy = Config['sites'][string];

const WORDPRESS = 'wordpress';

/** A new site's. @throws SubakoError `bad_setting` */
export function siteDefaults(config: Config, domain: string): SiteSettings {
  return changeSettings(defaults(config), [...presetOf(config, WORDPRESS), ...assignmentsFor(config, domain)]);
}

/** @throws SubakoError `bad_setting` when a site is set to what cannot be */
export function refuseBadPolicies(config: Config): void {
  for (const [key, settings] of Object.entries(config.sites)) refuseBad(config, `sites.${key}`, settings);
  for (const [key, settings] of Object.entries(config.stacks)) {
    const known = [WORDPRESS, APP_STACK, ...CODE_STACKS.keys()];
    if (!known.includes(key))
      throw new SubakoError('bad_setting', `${config.definition}: stacks.${key}: there is no such stack`, { hint: `the stacks are ${known.join(', ')}` });
    refuseBad(config, `stacks.${key}`, settings);
  }
}

function refuseBad(config: Config, what: string, settings: Policy): void {
  try {
    changeSettings(defaults(config), toAssignments(settings));
  } catch (error) {
    if (!(error instanceof SubakoError)) throw error;
    throw new SubakoError('bad_setting', `${config.definition}: ${what}: ${error.message}`, { hint: error.hint ?? '', cause: error });
  }
}

/** Gives the sites that are there the settings that the file says; what it does not name stays as it is. */
export async function applyPolicies(config: Config, { sites, all, emit }: { sites: Pick<Sites, 'set'>; all: readonly Site[]; emit: EventSink }): Promise<void> {
  for (const { domain, settings, phase, stack } of all) {
    const assignments = settingsFor({ stack }, assignmentsFor(config, domain));
    if (phase !== 'ready' || assignments.length === 0) continue;
    try {
      const wanted = changeSettings(settings, assignments);
      if (JSON.stringify(wanted) !== JSON.stringify(settings)) await sites.set(domain, assignments);
    } catch (error) {
      emit({ type: 'policy.failed', site: domain, cause: String(error), facts: { assignments } });
    }
  }
}

/** The assignments of every pattern that matches the domain, the closest match last. */
function assignmentsFor(config: Config, domain: string): string[] {
  const patterns = Object.keys(config.sites).filter((pattern) => matches(pattern, domain));
  return patterns.toSorted((a, b) => closeness(a) - closeness(b)).flatMap((pattern) => toAssignments(config.sites[pattern] ?? {}));
}

function closeness(pattern: string): number {
  return pattern.startsWith('*') ? pattern.length : Number.POSITIVE_INFINITY;
}

function presetOf(config: Config, stack: string): string[] {
  return toAssignments(config.stacks[stack] ?? {});
}

function toAssignments(settings: Policy): string[] {
  return Object.entries(settings).map(([key, value]) => `${key}=${typeof value === 'boolean' ? (value ? 'yes' : 'no') : value}`);
}

function defaults(config: Config): SiteSettings {
  return {
    runtime: config.runtime,
    freezeAfterMs: config.freezeAfter,
    idleTimeoutMs: config.idleTimeout,
    coldAfterMs: config.coldAfter,
    checkpoint: 'auto',
    keepAwake: false,
    maxInstances: config.maxInstances,
    lifetimeMs: config.lifetime,
    bootMs: 0,
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
    hooks: {},
    egress: config.egress,
    smtp: false,
  };
}

/** Settings of all sites that run their owner's program: one instance, because a second one would not know what the first has in memory, and no way out until its owner asks for one. */
function ownersDefaults(config: Config): SiteSettings {
  return { ...defaults(config), maxInstances: 1, cacheMs: 0, cronEveryMs: 0, egress: false };
}

export function appDefaults(config: Config, domain: string): SiteSettings {
  return changeSettings(ownersDefaults(config), settingsFor({ stack: APP_STACK }, [...presetOf(config, APP_STACK), ...assignmentsFor(config, domain)]));
}

/** Of a site that runs its owner's code: what its stack needs, then what the definition file says. */
export function codeDefaults(config: Config, domain: string, { name, preset }: Pick<CodeStack, 'name' | 'preset'>): SiteSettings {
  const assignments = [...preset, ...presetOf(config, name), ...assignmentsFor(config, domain)];
  return changeSettings(ownersDefaults(config), settingsFor({ stack: name }, assignments));
}
