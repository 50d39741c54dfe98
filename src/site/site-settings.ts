/** Settings of a site as people write them: `idle=10m memory=512m`. */
import { isIP } from 'node:net';
import { SubakoError } from '../domain/errors.ts';
import { RUNTIME_NAMES } from '../domain/runtime-name.ts';
import { DEFAULT_CACHE_MS, MAX_CACHE_MS } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { refuseOtherStacks } from './only-wordpress.ts';
import { changeHooks } from './owner-hooks.ts';
import { changePhp, refuseMisfits } from './php-settings.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../lib/units.ts';

interface Setting {
  readonly key: string;
  readonly field: keyof SiteSettings;
  readonly what: string;
  readonly example: string;
  /** Undefined where the text is not a value. */
  readonly parse: (text: string) => Value | undefined;
  readonly format: (value: never) => string;
  /** Whether it says something of WordPress sites alone. */
  readonly ofWordPress?: true;
}

/** What PHP settings begin with. */
const PHP = 'php.';
/** And what hooks of the site's owner do. */
const HOOK = 'hook.';

type Value = SiteSettings[keyof SiteSettings];

const CRON_ON_MS = 15 * 60_000;
const MAX_BOOT_MS = 30 * 60_000;
const MIB = 1024 ** 2;
/** The edge reads the list at each request for the admin container. */
const MAX_NETWORKS = 100;
const DAYS_OF_YEAR = 365;

const YES_OR_NO = {
  parse: (text: string) => (text === 'yes' ? true : text === 'no' ? false : undefined),
  format: (value: boolean) => (value ? 'yes' : 'no'),
};
const ADDRESS = { parse: (text: string) => (text === 'off' ? '' : webAddress(text)), format: (value: string) => value || 'off' };
const SIZE = { parse: (text: string) => atLeast(parseSize(text), 64 * MIB), format: formatSize };
const DURATION = { parse: (text: string) => atLeast(parseDuration(text), 1_000, 0), format: formatDuration };

export const SITE_SETTINGS: readonly Setting[] = [
  { key: 'freeze', field: 'freezeAfterMs', what: 'time without a request until it is frozen', example: '1m', ...DURATION },
  { key: 'idle', field: 'idleTimeoutMs', what: 'time without a request until it leaves memory', example: '15m', ...DURATION },
  { key: 'cold', field: 'coldAfterMs', what: 'time until a checkpoint of its own that nobody woke is dropped', example: '7d', ...DURATION },
  {
    key: 'checkpoint',
    field: 'checkpoint',
    what: 'choice whether it keeps a checkpoint of its own: auto, always or never',
    example: 'auto',
    parse: (text) => (['auto', 'always', 'never'] as const).find((one) => one === text),
    format: String,
  },
  {
    key: 'awake',
    field: 'keepAwake',
    what: 'choice whether it is kept awake: yes or no',
    example: 'no',
    ...YES_OR_NO,
  },
  {
    key: 'boot',
    field: 'bootMs',
    what: 'time its start may take until it is given up, or default',
    example: '5m',
    parse: (text) => (text === 'default' ? 0 : between(parseDuration(text) ?? 0, 1_000, MAX_BOOT_MS)),
    format: (value: number) => (value === 0 ? 'default' : formatDuration(value)),
  },
  {
    key: 'runtime',
    field: 'runtime',
    what: `choice what its containers are run by, from the next one on: ${RUNTIME_NAMES.join(', ')}`,
    example: 'runsc',
    parse: (text) => RUNTIME_NAMES.find((one) => one === text),
    format: String,
  },
  { key: 'lifetime', field: 'lifetimeMs', what: 'time after its boot until its container is replaced', example: '1d', ...DURATION },
  {
    key: 'instances',
    field: 'maxInstances',
    what: 'most containers that may serve it at once',
    example: '4',
    parse: (text) => wholeBetween(Number(text), 1, 8),
    format: String,
  },
  {
    key: 'mode',
    ofWordPress: true,
    field: 'mode',
    what: 'choice whether its public container can write nothing, or as on any other host: strict or open',
    example: 'strict',
    parse: (text) => (['strict', 'open'] as const).find((one) => one === text),
    format: String,
  },
  {
    key: 'cache',
    ofWordPress: true,
    field: 'cacheMs',
    what: 'time the edge keeps its pages while nothing changes (up to 12h), or on or off',
    example: '1h',
    parse: parseCache,
    format: (value: number) => (value === 0 ? 'off' : formatDuration(value)),
  },
  {
    key: 'cache.vary',
    ofWordPress: true,
    field: 'cacheVary',
    what: 'choice whether phones get pages of their own: device or nothing',
    example: 'nothing',
    parse: (text) => (['device', 'nothing'] as const).find((one) => one === text),
    format: String,
  },
  { key: 'memory', field: 'memoryBytes', what: 'memory limit', example: '384m', ...SIZE },
  {
    key: 'admin.from',
    ofWordPress: true,
    field: 'adminFrom',
    what: 'list of addresses and networks that may reach its admin container: any, none, or some with commas between them',
    example: '192.0.2.0/24,2001:db8::7',
    parse: parseNetworks,
    format: (value: SiteSettings['adminFrom']) => (value === 'any' ? 'any' : value.join(',') || 'none'),
  },
  {
    key: 'admin.password',
    ofWordPress: true,
    field: 'adminPassword',
    what: 'extra password before wp-admin; subako site admin-password sets it, and none takes it away',
    example: 'none',
    parse: (text) => (text === 'none' ? '' : undefined),
    format: (value: string) => value.split(':')[0] || 'none',
  },
  {
    key: 'admin.auth',
    ofWordPress: true,
    field: 'adminAuth',
    what: 'address that is asked who may come to wp-admin, or off',
    example: 'http://127.0.0.1:4180/oauth2/auth',
    ...ADDRESS,
  },
  {
    key: 'admin.signin',
    ofWordPress: true,
    field: 'adminSignIn',
    what: 'address where those sign in whom it does not know, or off',
    example: 'https://login.example.org/oauth2/start?rd=',
    ...ADDRESS,
  },
  { key: 'xmlrpc', ofWordPress: true, field: 'xmlrpc', what: 'choice whether xmlrpc.php answers: yes or no', example: 'no', ...YES_OR_NO },
  { key: 'admin.memory', ofWordPress: true, field: 'adminMemoryBytes', what: 'memory limit of its admin container', example: '512m', ...SIZE },
  { key: 'cpus', field: 'cpus', what: 'CPU limit in cores', example: '1.5', parse: (text) => between(Number(text), 0.05, 1024), format: String },
  {
    key: 'cron',
    ofWordPress: true,
    field: 'cronEveryMs',
    what: 'choice whether its timed work (wp-cron) is run: on, off, or the least time between two runs',
    example: '15m',
    parse: (text) => (text === 'on' ? CRON_ON_MS : text === 'off' ? 0 : atLeast(parseDuration(text), 1_000)),
    format: (value: number) => (value === 0 ? 'off' : formatDuration(value)),
  },
  {
    key: 'egress',
    field: 'egress',
    what: 'choice whether its admin role, or an app, may connect to the outside, from its next wake on: yes or no',
    example: 'yes',
    ...YES_OR_NO,
  },
  { key: 'smtp', field: 'smtp', what: 'choice whether it may then speak to mail servers itself: yes or no', example: 'no', ...YES_OR_NO },
  { key: 'pids', field: 'pids', what: 'limit of processes', example: '64', parse: (text) => wholeBetween(Number(text), 8, 32_768), format: String },
  {
    key: 'https',
    field: 'https',
    what: 'choice whether http is answered too, or sent on to https: both or redirect',
    example: 'redirect',
    parse: (text) => (['both', 'redirect'] as const).find((one) => one === text),
    format: String,
  },
  {
    key: 'hsts',
    field: 'hstsMs',
    what: 'time for which browsers shall use https alone, or off',
    example: '1y',
    parse: (text) =>
      text === 'off' ? 0 : atLeast(parseDuration(text.replace(/^(\d+)y$/u, (_, years: string) => `${Number(years) * DAYS_OF_YEAR}d`)), 1_000, 0),
    format: (value: number) => (value === 0 ? 'off' : formatDuration(value)),
  },
];

/**
 * The settings changed by assignments such as `idle=10m`.
 * @throws SubakoError `bad_setting` naming the key, what it takes and an example; then nothing is changed
 */
export function changeSettings(settings: SiteSettings, assignments: readonly string[]): SiteSettings {
  let changed = settings;
  for (const assignment of assignments) {
    const [key = '', ...rest] = assignment.split('=');
    if (key.startsWith(PHP)) {
      changed = { ...changed, php: changePhp(changed.php, key.slice(PHP.length), rest.join('=')) };
      continue;
    }
    if (key.startsWith(HOOK)) {
      changed = { ...changed, hooks: changeHooks(changed.hooks, key.slice(HOOK.length), rest.join('=')) };
      continue;
    }
    const setting = SITE_SETTINGS.find((one) => one.key === key);
    if (setting === undefined) {
      throw new SubakoError('bad_setting', `there is no setting “${key}”`, { hint: `the settings are ${SITE_SETTINGS.map((one) => one.key).join(', ')}` });
    }
    const value = rest.length === 0 ? undefined : setting.parse(rest.join('='));
    if (value === undefined) {
      throw new SubakoError('bad_setting', `“${assignment}” is not right: ${key} is the ${setting.what}`, { hint: `write it like ${key}=${setting.example}` });
    }
    changed = { ...changed, [setting.field]: value };
  }
  refuseMisfits(changed.php, Math.min(changed.memoryBytes, changed.adminMemoryBytes));
  return changed;
}

/** @throws SubakoError `conflict` for what says something of WordPress sites alone, where this is none */
export function refuseForeignSettings(site: Pick<Site, 'domain' | 'stack' | 'app'>, assignments: readonly string[]): void {
  if (assignments.some(isOfWordPress)) refuseOtherStacks(site);
}

/** Those that mean something for a site of this stack. */
export function settingsFor({ stack }: Pick<Site, 'stack'>, assignments: readonly string[]): string[] {
  return assignments.filter((assignment) => stack === 'wordpress' || !isOfWordPress(assignment));
}

function isOfWordPress(assignment: string): boolean {
  const [key = ''] = assignment.split('=');
  return key.startsWith(PHP) || SITE_SETTINGS.some((setting) => setting.key === key && setting.ofWordPress === true);
}

export function describeSettings(settings: SiteSettings, { stack }: Pick<Site, 'stack'> = { stack: 'wordpress' }): Record<string, string> {
  const own = SITE_SETTINGS.filter((setting) => stack === 'wordpress' || setting.ofWordPress !== true).map(({ key, field, format }) => [
    key,
    format(settings[field] as never),
  ]);
  return Object.fromEntries([...own, ...named(PHP, settings.php), ...named(HOOK, settings.hooks)]) as Record<string, string>;
}

function named(prefix: string, values: object): [string, string][] {
  return Object.entries(values).map(([name, value]) => [`${prefix}${name}`, String(value)]);
}

function parseCache(text: string): number | undefined {
  if (text === 'on') return DEFAULT_CACHE_MS;
  return text === 'off' ? 0 : between(parseDuration(text) ?? 0, 1_000, MAX_CACHE_MS);
}

function atLeast(value: number | undefined, least: number, orExactly?: number): number | undefined {
  if (value === undefined || value === orExactly) return value;
  return value >= least ? value : undefined;
}

function between(value: number, least: number, most: number): number | undefined {
  return value >= least && value <= most ? value : undefined;
}

/** Without a user and password: settings are shown. */
function webAddress(text: string): string | undefined {
  const url = URL.parse(text);
  return url !== null && /^https?:$/u.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '' ? url.href : undefined;
}

/** Undefined when one of them is no address or network. */
function parseNetworks(text: string): SiteSettings['adminFrom'] | undefined {
  if (text === 'any') return 'any';
  if (text === 'none') return [];
  const networks = text.split(',');
  return networks.length <= MAX_NETWORKS && networks.every(isNetwork) ? networks : undefined;
}

function isNetwork(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  const most = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && !address.includes('%') && more.length === 0 && (length === undefined || (/^\d{1,3}$/u.test(length) && Number(length) <= most));
}

function wholeBetween(value: number, least: number, most: number): number | undefined {
  return Number.isInteger(value) ? between(value, least, most) : undefined;
}
