/** Rows of the database as values of the domain. */
import type { CronRecord } from '../cmdb.ts';
import type { App } from '../../domain/app.ts';
import type { Alias } from '../../domain/alias.ts';
import type { Code } from '../../domain/code.ts';
import type { Instance } from '../../domain/instance.ts';
import type { Role } from '../../domain/role.ts';
import { DEFAULT_CACHE_MS } from '../../domain/site.ts';
import type { Site, SitePhase, SiteSettings } from '../../domain/site.ts';
import type { State } from '../../domain/state.ts';

type Row = Record<string, unknown>;

/** Settings that sites of an older Subako do not have yet. */
const ADDED_LATER = {
  runtime: 'crun',
  freezeAfterMs: 60_000,
  coldAfterMs: 604_800_000,
  checkpoint: 'auto',
  keepAwake: false,
  maxInstances: 4,
  adminMemoryBytes: 536_870_912,
  bootMs: 0,
  mode: 'strict',
  cacheMs: DEFAULT_CACHE_MS,
  cacheVary: 'nothing',
  adminFrom: 'any',
  adminPassword: '',
  adminAuth: '',
  adminSignIn: '',
  xmlrpc: false,
  https: 'both',
  hstsMs: 0,
  cronEveryMs: 900_000,
  php: {},
  hooks: {},
  egress: true,
  smtp: false,
} as const;

export function siteFromRow(row: Row): Site;
export function siteFromRow(row: Row | undefined): Site | undefined;
export function siteFromRow(row: Row | undefined): Site | undefined {
  if (row === undefined) return undefined;
  return {
    id: String(row['id']),
    domain: String(row['domain']),
    stack: String(row['stack']),
    phase: row['phase'] as SitePhase,
    image: String(row['image']),
    ...(typeof row['app'] === 'string' ? { app: JSON.parse(row['app']) as App } : {}),
    ...(typeof row['code'] === 'string' ? { code: JSON.parse(row['code']) as Code } : {}),
    uidRange: Number(row['uid_range']),
    node: String(row['node']),
    settings: { ...ADDED_LATER, ...(JSON.parse(String(row['settings'])) as SiteSettings) },
    createdAt: Number(row['created_at']),
  };
}

/** What a site is made of, as the columns hold it. */
export function columnsOf({ app, code }: Pick<Site, 'app' | 'code'>): { readonly app: string | null; readonly code: string | null } {
  return { app: app === undefined ? null : JSON.stringify(app), code: code === undefined ? null : JSON.stringify(code) };
}

export function aliasFromRow(row: Row): Alias {
  return { name: String(row['name']), siteId: String(row['site_id']), redirect: row['redirect'] === 1, createdAt: Number(row['created_at']) };
}

export function instanceFromRow(row: Row): Instance {
  const process = row['pid'] === null ? {} : { process: { pid: Number(row['pid']), startTime: String(row['start_time']) } };
  return {
    id: String(row['id']),
    siteId: String(row['site_id']),
    role: row['role'] as Role,
    node: String(row['node']),
    state: row['state'] as State,
    image: String(row['image']),
    ...(row['code_version'] === null ? {} : { codeVersion: Number(row['code_version']) }),
    ...process,
    since: Number(row['since']),
    bootedAt: Number(row['booted_at']),
  };
}

export function cronFromRow(row: Row): CronRecord {
  return { siteId: String(row['site_id']), dueAt: row['due_at'] === null ? null : Number(row['due_at']), ranAt: Number(row['ran_at']) };
}

export function recordOf(row: Record<string, unknown>): unknown {
  return JSON.parse(String(row['record']));
}
