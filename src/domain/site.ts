/** A site: what a host name maps to. */
import type { App } from './app.ts';
import type { Code } from './code.ts';
import type { Role } from './role.ts';
import { DEFAULT_RUNTIME } from './runtime-name.ts';
import type { RuntimeName } from './runtime-name.ts';

/** Life of the record itself: only a `ready` site is routed; the other two are finished or undone at start. */
export type SitePhase = 'creating' | 'ready' | 'removing';

/** Whether a site keeps a checkpoint of its own: `auto` tries one and keeps the quicker way. */
type CheckpointPolicy = 'auto' | 'always' | 'never';

/**
 * `strict`: the public role can write nothing. `open`: it may write its content and database as on any other host,
 * for plugins that cannot do without; the admin role’s container, with its network, serves everyone then.
 */
type SiteMode = 'strict' | 'open';

/** Whether plain http is answered, or sent on to https. */
type HttpsPolicy = 'both' | 'redirect';

/** When an owner's hook may be run. Those before something may veto it. */
export const OWNER_HOOKS = ['ready', 'before-freeze', 'after-thaw', 'before-checkpoint', 'before-stop'] as const;
export type OwnerHook = (typeof OWNER_HOOKS)[number];

export interface SiteSettings {
  /** What its containers are run by. */
  readonly runtime: RuntimeName;
  /** Milliseconds without a request until it is frozen; 0 = never. */
  readonly freezeAfterMs: number;
  /** Milliseconds without a request until it leaves memory: checkpointed or cold; 0 = never. */
  readonly idleTimeoutMs: number;
  /** Milliseconds until a checkpoint of its own that nobody woke is dropped; 0 = never. */
  readonly coldAfterMs: number;
  readonly checkpoint: CheckpointPolicy;
  /** Is woken when it sleeps, and never put to sleep by the platform; memory pressure aside. */
  readonly keepAwake: boolean;
  /** Instances of each role that may serve it at once when it has much to do. */
  readonly maxInstances: number;
  /** Milliseconds an instance may live after its boot, used or not; 0 = for ever. */
  readonly lifetimeMs: number;
  /** Milliseconds a boot may take; 0 = as long as the platform says. */
  readonly bootMs: number;
  /** Of the public role. */
  readonly memoryBytes: number;
  /** Of the admin role: uploads, imports and updates need more. */
  readonly adminMemoryBytes: number;
  readonly mode: SiteMode;
  /** Networks, such as 192.0.2.0/24, whose visitors may reach the admin role; an empty list: nobody. */
  readonly adminFrom: 'any' | readonly string[];
  /** What must be given before wp-admin and the login form: `name:{SSHA}…`, a hash that nginx reads; empty: nothing. */
  readonly adminPassword: string;
  /** Address of the checker that is asked who may come to wp-admin and the login form; empty: none is. */
  readonly adminAuth: string;
  /** Where those are sent whom the checker does not know; empty: nowhere. */
  readonly adminSignIn: string;
  /** Whether xmlrpc.php answers. */
  readonly xmlrpc: boolean;
  /** Milliseconds that the edge keeps its pages, while nothing changes; 0 = not at all. */
  readonly cacheMs: number;
  /** What its pages depend on besides their address: whether a phone asks, or nothing. */
  readonly cacheVary: 'device' | 'nothing';
  /** In cores: 1.5 is one and a half. */
  readonly cpus: number;
  readonly pids: number;
  readonly https: HttpsPolicy;
  /** Milliseconds for which browsers shall use https alone (HSTS); 0 = they are told nothing. */
  readonly hstsMs: number;
  /** Milliseconds between two runs of its timed work, at least; 0 = none is run. */
  readonly cronEveryMs: number;
  /** PHP settings that are not the image's, by name. */
  readonly php: Readonly<Record<string, string>>;
  /** Its owner's hooks: command lines of words with one space between them, run in its containers. */
  readonly hooks: Readonly<Partial<Record<OwnerHook, string>>>;
  /** Whether the admin role, or an app, may connect to the outside. */
  readonly egress: boolean;
  /** Whether it may then speak to mail servers itself. */
  readonly smtp: boolean;
}

/** Of a site that nothing is done to until somebody asks: what to start from where a site stands for something else. */
export const QUIET: SiteSettings = {
  runtime: DEFAULT_RUNTIME,
  freezeAfterMs: 0,
  idleTimeoutMs: 0,
  coldAfterMs: 0,
  checkpoint: 'never',
  keepAwake: false,
  maxInstances: 1,
  lifetimeMs: 0,
  bootMs: 0,
  memoryBytes: 1,
  adminMemoryBytes: 1,
  mode: 'strict',
  adminFrom: 'any',
  adminPassword: '',
  adminAuth: '',
  adminSignIn: '',
  xmlrpc: false,
  cacheMs: 0,
  cacheVary: 'nothing',
  cpus: 1,
  pids: 1,
  https: 'both',
  hstsMs: 0,
  cronEveryMs: 0,
  php: {},
  hooks: {},
  egress: false,
  smtp: false,
};

export const DEFAULT_CACHE_MS = 3_600_000;
/** Nonces in a page are good for as long at least, and the edge drops what nobody asked for in this time. */
export const MAX_CACHE_MS = 12 * 3_600_000;

/** How the edge keeps a site's pages, as it reads it: for how many seconds, and whether phones get others. */
export function keepingOfPages({ cacheMs, cacheVary }: Pick<SiteSettings, 'cacheMs' | 'cacheVary'>): string {
  const seconds = String(Math.floor(cacheMs / 1_000));
  return cacheVary === 'device' ? `${seconds} device` : seconds;
}

/** @param keeping what `keepingOfPages` gave */
export function isByDevice(keeping = ''): boolean {
  return keeping.endsWith(' device');
}

/** What the kernel holds each container of a role to. */
export function limitsOf(settings: SiteSettings, role: Role): { readonly memoryBytes: number; readonly cpus: number; readonly pids: number } {
  const { memoryBytes, adminMemoryBytes, cpus, pids } = settings;
  return { memoryBytes: role === 'admin' ? adminMemoryBytes : memoryBytes, cpus, pids };
}

export interface Site {
  readonly id: string;
  /** Canonical host name (see host-name.ts). */
  readonly domain: string;
  readonly stack: string;
  readonly phase: SitePhase;
  /** Digest of the image the site runs; empty where nothing runs. */
  readonly image: string;
  /** Of a site whose image is its owner's. */
  readonly app?: App;
  /** Of a site whose code is its owner's. */
  readonly code?: Code;
  /** Index of the site's uid range (see uid-range.ts). */
  readonly uidRange: number;
  readonly node: string;
  readonly settings: SiteSettings;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}

/** What runs for it is its owner's: nobody else knows what that is, and no template is made of it. */
export function isOfOwner({ app, code }: Pick<Site, 'app' | 'code'>): boolean {
  return app !== undefined || code !== undefined;
}

/** Nothing runs for it: the edge alone serves it. */
export function isFilesAlone({ image }: Pick<Site, 'image'>): boolean {
  return image === '';
}
