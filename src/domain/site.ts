/** A site: what a host name maps to. */
import type { App } from './app.ts';
import type { Code } from './code.ts';
import type { Role } from './role.ts';
import { DEFAULT_RUNTIME } from './runtime-name.ts';
import type { RuntimeName } from './runtime-name.ts';

/** Life of the record itself. Only a `ready` site is routed; what a crash left in one of the others is undone or finished at the next start. */
export type SitePhase = 'creating' | 'ready' | 'removing';

/** Whether a site keeps a checkpoint of its own. `auto`: one is tried, and kept where the site wakes quicker by it. */
type CheckpointPolicy = 'auto' | 'always' | 'never';

/**
 * `strict`: the public role can write nothing. `open`, for plugins that cannot do without: the admin role, which can write and has a network,
 * serves everyone, as on any other host.
 */
type SiteMode = 'strict' | 'open';

/** Whether plain http is answered, or sent on to https. */
type HttpsPolicy = 'both' | 'redirect';

/** When an owner's hook can run. A hook that runs before a step may veto that step. */
export const OWNER_HOOKS = ['ready', 'before-freeze', 'after-thaw', 'before-checkpoint', 'before-stop'] as const;
export type OwnerHook = (typeof OWNER_HOOKS)[number];

export interface SiteSettings {
  /** The OCI runtime of its containers. */
  readonly runtime: RuntimeName;
  /** Milliseconds without a request until it is frozen; 0 = never. */
  readonly freezeAfterMs: number;
  /** Milliseconds without a request until it leaves memory: checkpointed or cold; 0 = never. */
  readonly idleTimeoutMs: number;
  /** Milliseconds after which an unused checkpoint of its own is dropped; 0 = never. */
  readonly coldAfterMs: number;
  readonly checkpoint: CheckpointPolicy;
  /** The platform wakes it when it sleeps, and never puts it to sleep except when memory is short. */
  readonly keepAwake: boolean;
  /** How many instances of each role may run at once when the site is busy. */
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
  /** Extra password in front of wp-admin and the login form: `name:{SSHA}…`, a hash that nginx reads; empty: none. */
  readonly adminPassword: string;
  /** URL of the checker that decides who may come to wp-admin and the login form; empty: everyone may. */
  readonly adminAuth: string;
  /** URL that visitors are sent to whom the checker does not know; empty: they are refused. */
  readonly adminSignIn: string;
  /** Whether xmlrpc.php answers. */
  readonly xmlrpc: boolean;
  /** Milliseconds that the edge keeps a page that nothing changed; 0 = no page is kept. */
  readonly cacheMs: number;
  /** Whether phones get pages of their own. */
  readonly cacheVary: 'device' | 'nothing';
  /** In cores: 1.5 is one and a half. */
  readonly cpus: number;
  readonly pids: number;
  readonly https: HttpsPolicy;
  /** Milliseconds for which browsers shall use https alone (HSTS); 0 = the header is not sent. */
  readonly hstsMs: number;
  /** Least milliseconds between two runs of WordPress's timed work; 0 = it is not run. */
  readonly cronEveryMs: number;
  /** PHP settings that differ from the image's, by name. */
  readonly php: Readonly<Record<string, string>>;
  /** Its owner's hooks: command lines, as words with one space between them, that are run in its containers. */
  readonly hooks: Readonly<Partial<Record<OwnerHook, string>>>;
  /** Whether the admin role, or an app, may connect to the outside. */
  readonly egress: boolean;
  /** Whether it may also connect to mail servers. */
  readonly smtp: boolean;
}

/** Settings under which the platform does nothing by itself: for templates and spares, which belong to no site, and for tests. */
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
/** A kept page holds WordPress's nonces, which are good for at least this long. The edge drops a page that nobody asked for within this time. */
export const MAX_CACHE_MS = 12 * 3_600_000;

/** The text by which the edge knows how to keep a site's pages: for how many seconds, and whether phones get their own. */
export function keepingOfPages({ cacheMs, cacheVary }: Pick<SiteSettings, 'cacheMs' | 'cacheVary'>): string {
  const seconds = String(Math.floor(cacheMs / 1_000));
  return cacheVary === 'device' ? `${seconds} device` : seconds;
}

/** @param keeping what `keepingOfPages` gave */
export function isByDevice(keeping = ''): boolean {
  return keeping.endsWith(' device');
}

/** The limits of each container of a role. */
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
  /** Digest of the image that the site runs; empty where nothing runs. */
  readonly image: string;
  /** Set where the owner brought an image. */
  readonly app?: App;
  /** Set where the owner brought code. */
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
