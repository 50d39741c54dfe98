/** Settings of a platform: one schema, its defaults, and the only reader of the environment. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { SubakoError } from '../domain/errors.ts';
import { DEFAULT_RUNTIME, RUNTIME_NAMES } from '../domain/runtime-name.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { MAX_CACHE_MS } from '../domain/site.ts';
import { HOOKS } from '../hooks/hook-schema.ts';
import { DURATION, SIZE } from '../lib/amounts.ts';
import { isWithin, parseIpv4, parseIpv4Range } from '../lib/ipv4.ts';
import { isInRange6, parseIpv6Range } from '../lib/ipv6.ts';
import { directories } from './directories.ts';
import { readDefinition } from './definition-file.ts';
import type { Definition } from './definition.ts';

const duration = (fallback: string) => DURATION.prefault(fallback);
const size = (fallback: string) => SIZE.prefault(fallback);
const port = z.number().int().min(1).max(65_535);
const MAIL_ADDRESS = /^[^\s@<>"']{1,64}@[^\s@<>"']{1,190}$/u;

const SITES = /^(?:\*|(?:\*\.)?[a-z0-9][a-z0-9.-]*)$/u;

/** The server that passes sites' mail on. */
const MAIL_SCHEMA = z.strictObject({
  host: z.string().min(1),
  port: port.optional(),
  user: z.string().optional(),
  /** A file with the password, root's alone. */
  passwordFile: z.string().startsWith('/').optional(),
  /** `starttls`: TLS after a plain greeting, or no mail; `tls`: from the first byte; `none`: in the clear. */
  tls: z.enum(['starttls', 'tls', 'none']).default('starttls'),
  /** Envelope sender of all mail: where bounces go. Default: `wordpress@` and the site's domain. */
  sender: z.string().regex(MAIL_ADDRESS).optional(),
  /** Whether a site may write any name into From, or those of its own domain alone. */
  from: z.enum(['any', 'site']).default('any'),
  /** Of each site. */
  perHour: z.number().int().min(1).default(200),
  maxSize: size('10m'),
});

/** How one registry of images is spoken to. */
const REGISTRY_SCHEMA = z.strictObject({
  /** Plain http, or a certificate that nobody vouches for, is accepted. */
  insecure: z.boolean().optional(),
  /** Directory with `*.crt` files of authorities by which its certificate is trusted. */
  certDir: z.string().startsWith('/', 'should be an absolute path').optional(),
  /** Another registry that is asked first for its images: `HOST`, `HOST:PORT` or one of these and a path. */
  mirror: z
    .string()
    .regex(/^[a-zA-Z0-9.-]+(?::\d{1,5})?(?:\/[a-z0-9._/-]+)?$/u, 'should be HOST, HOST:PORT or HOST/PATH')
    .optional(),
});

/** Settings as `site set` takes them. */
const POLICY = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** Keys of the definition file, whatever it is written in. Every one has a line in docs/operations.md; a test holds them together. */
export const FILE_SCHEMA = z.strictObject({
  /** Ports of the edge. */
  http: port.default(80),
  https: port.default(443),
  /** Whether HTTP/3 is spoken too, over UDP on the port of https. */
  http3: z.boolean().default(true),
  /** Requests that one address may have under way at once; more get 429. 0 = any number. */
  connectionsPerAddress: z.number().int().min(0).max(65_536).default(1024),
  /** A public certificate authority, for names that are public. Default: none is asked. */
  acme: z
    .strictObject({
      directory: z.url({ protocol: /^https$/u }).default('https://acme-v02.api.letsencrypt.org/directory'),
      /** Whom the authority writes to. */
      email: z.email().optional(),
      /** That you agree to the authority's terms. */
      agree: z.literal(true, 'should be true, which says that you agree to the terms of the certificate authority'),
      /** How it is shown that a name leads here: at port 80 (`http-01`), or at port 443 (`tls-alpn-01`), for machines whose port 80 nobody outside reaches. */
      challenge: z.enum(['http-01', 'tls-alpn-01']).default('http-01'),
      /** A PEM file by which the authority's own server is trusted; for one that is not public. */
      ca: z.string().startsWith('/').optional(),
    })
    .optional(),
  /** Name of this machine in records and in `ps`. */
  node: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/u)
    .default('local'),
  /** How many containers may boot at the same time; the rest wait their turn. */
  maxBoots: z.number().int().min(1).max(256).default(Math.max(2, availableParallelism())),
  /** How many wakes may wait for a place to boot, over all sites. Beyond it a visitor gets 503 at once. */
  maxQueuedBoots: z.number().int().min(1).default(512),
  /** How many requests may wait for one site's wake. */
  maxWaiters: z.number().int().min(1).default(1024),
  /** How long a visitor waits for a wake before the 503. */
  wakeDeadline: duration('30s').refine((ms) => ms >= 1_000 && ms <= 110_000, 'should be from 1s to 110s'),
  /** How long a booted container may take until it listens. */
  bootDeadline: duration('20s').refine((ms) => ms >= 1_000, 'should be 1s or more'),
  /** How long running requests may go on when a container is to end. */
  drainDeadline: duration('10s'),
  /** Whether CRIU is used: templates, and sites' own checkpoints. Without it a cold site boots. */
  checkpoints: z.boolean().default(true),
  /** A template is replaced when it is older, or has woken more containers: all that wake from one share its address layout. */
  templateAge: duration('7d'),
  templateRestores: z.number().int().min(1).default(50_000),
  /** Containers that wait for each template, warm and nobody's, to be handed to the next cold sites; each takes some 20 MB while it waits. 0: none. */
  spares: z.number().int().min(0).max(64).default(2),
  /** Part of the machine's memory that stays free: below it, sites leave memory, first those that slept longest. */
  memoryReserve: z.number().min(0).max(0.9).default(0.1),
  /** Requests at once for each instance of a site, above which another instance is started. */
  targetInFlight: z.number().int().min(1).default(6),
  /** Address for Prometheus, such as `127.0.0.1:9180`; whoever can reach it can read the figures. Default: none. */
  metrics: z
    .string()
    .regex(/^[^:]+:\d{1,5}$/u, 'should be HOST:PORT')
    .optional(),
  /** WP-CLI for `subako wp`. Default: `wp-cli.phar` in the state directory. */
  wpCli: z.string().startsWith('/', 'should be an absolute path').optional(),
  /** Bound of each log file; one older copy is kept. */
  logSize: size('4m'),
  /** Bound of the edge's page cache, over all sites. */
  cacheSize: size('1g'),
  /** Defaults for new sites (see `site set`). */
  runtime: z.enum(RUNTIME_NAMES).default(DEFAULT_RUNTIME),
  cacheFor: duration('1h').refine((ms) => ms <= MAX_CACHE_MS, 'should be 12h or less'),
  freezeAfter: duration('1m'),
  idleTimeout: duration('15m'),
  coldAfter: duration('7d'),
  maxInstances: z.number().int().min(1).max(8).default(4),
  lifetime: duration('1d'),
  memory: size('384m'),
  adminMemory: size('512m'),
  cpus: z.number().min(0.05).max(1024).default(2),
  pids: z.number().int().min(8).max(32_768).default(64),
  cron: duration('15m').refine((ms) => ms === 0 || ms >= 1_000, 'should be never, or 1s or more'),
  /** Whether the admin role of new sites may connect to the outside (see `site set`). */
  egress: z.boolean().default(true),
  /** Private addresses for the containers that do, or `none`: no container has a network. */
  egressRange: z.string().default('10.201.0.0/16').refine(isEgressRange, 'should be a private range such as 10.201.0.0/16, or none'),
  /** The same of IPv6; `auto`: of the platform's own, where the machine has a way out over IPv6. */
  egressRange6: z.string().default('auto').refine(isEgressRange6, 'should be auto, none or a private /64 such as fd12:3456:789a:1::/64'),
  /** Private addresses for networks of one's own, a /24 for each. */
  networkRange: z.string().default('10.208.0.0/12').refine(isNetworkRange, 'should be a private range such as 10.208.0.0/12, of a /24 or more'),
  /** The resolver of containers with a network. Default: the machine's. */
  resolver: z
    .string()
    .refine((text) => parseIpv4(text) !== undefined, 'should be an IPv4 address')
    .optional(),
  /** Where sites' mail goes. Default: nowhere, it is refused. */
  mail: MAIL_SCHEMA.optional(),
  /** Directories of this machine that containers may have mounted (`run -v`), and all below them. Default: none. */
  volumeRoots: z.array(z.string().regex(/^\/./u, 'should be an absolute path')).default([]),
  /** What the files of a site that is imported may take unpacked, and what a dump may. */
  importSizeLimit: size('100g'),
  /** What one image may take on the disk, unpacked. */
  imageSizeLimit: size('20g'),
  /** Whether an image is scanned before it becomes a site's, and what happens where security updates wait, or nothing can be said of it. */
  imageScan: z.enum(['off', 'warn', 'refuse']).default('off'),
  /** Known holes below it do not count then. */
  imageScanSeverity: z.enum(SEVERITIES).default('high'),
  /** A program called `trivy` or `grype` that is asked about images. Default: the one in PATH, if there is one. */
  imageScanner: z.string().startsWith('/', 'should be an absolute path').optional(),
  /** Memory that it may have at once. */
  imageScannerMemory: size('2g'),
  /** By host, and port where it is not 443: registries that are not spoken to as all others. */
  registries: z.record(z.string().regex(/^[a-zA-Z0-9.-]+(?::\d{1,5})?$/u, 'should be HOST or HOST:PORT'), REGISTRY_SCHEMA).default({}),
  /** Memory that MariaDB may use for its buffer pool. */
  databaseMemory: size('256m'),
  /** Settings of sites, by domain, `*.example.org` or `*`, as `site set` takes them: set when a site is made, and at each start. */
  sites: z.record(z.string().regex(SITES, 'should be a domain, *.example.org or *'), POLICY).default({}),
  /** Settings of new sites, by their stack; those of `sites` come after them. */
  stacks: z.record(z.string().regex(/^[a-z][a-z0-9]*$/u, 'should be the name of a stack'), POLICY).default({}),
  hooks: HOOKS,
});

type FileConfig = z.output<typeof FILE_SCHEMA>;

export interface Config extends FileConfig {
  /** Path of the definition file; undefined where there is none. */
  readonly definition: string | undefined;
  readonly state: string;
  readonly run: string;
  readonly cache: string;
}

/** Options given on the command line; undefined means not given. */
export interface ConfigFlags {
  readonly state?: string | undefined;
  readonly run?: string | undefined;
  /** The definition file. Default: the one in the state directory. */
  readonly config?: string | undefined;
  readonly http?: number | undefined;
  readonly https?: number | undefined;
}

/**
 * The whole configuration: defaults, then the definition file, then flags. A definition in TypeScript is run.
 * @throws SubakoError `bad_setting` naming the file, the line where it is known, and the key
 */
export function loadConfig(flags: ConfigFlags, env: NodeJS.ProcessEnv = process.env): Config {
  const dirs = directories(flags, env);
  const named = flags.config ?? env['SUBAKO_CONFIG'];
  const definition = readDefinition(dirs.state, named === undefined ? undefined : resolve(named));
  const ports = { ...(flags.http === undefined ? {} : { http: flags.http }), ...(flags.https === undefined ? {} : { https: flags.https }) };
  const parsed = FILE_SCHEMA.safeParse({ ...(definition.value as object), ...ports });
  if (!parsed.success) throw badSetting(definition, parsed.error);
  return Object.freeze({ ...parsed.data, ...dirs, definition: definition.path });
}

/** Ranges that no firewall rule of ours lets a container reach. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
/** Of those, the part that everybody may take from. */
const PRIVATE6 = { first: 0xfdn << 120n, prefix: 8 };
const NOWHERE = { first: 0, size: 0 };
const [FEWEST_ADDRESSES, MOST_ADDRESSES] = [16, 2 ** 20];
const ONE_NETWORK = 256;

function isEgressRange(text: string): boolean {
  if (text === 'none') return true;
  const range = parseIpv4Range(text);
  if (range === undefined || range.size < FEWEST_ADDRESSES || range.size > MOST_ADDRESSES) return false;
  return PRIVATE.some((one) => isWithin(range, parseIpv4Range(one) ?? NOWHERE));
}

function isEgressRange6(text: string): boolean {
  if (text === 'auto' || text === 'none') return true;
  const range = parseIpv6Range(text);
  return range?.prefix === 64 && isInRange6(range.first, PRIVATE6);
}

function isNetworkRange(text: string): boolean {
  const range = parseIpv4Range(text);
  return range !== undefined && range.size >= ONE_NETWORK && PRIVATE.some((one) => isWithin(range, parseIpv4Range(one) ?? NOWHERE));
}

function badSetting({ path, lineOf }: Definition, error: z.ZodError): SubakoError {
  const issue = error.issues[0];
  const keys = issue === undefined ? [] : [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
  const line = lineOf(keys);
  const where = path === undefined ? 'the command line' : `${path}${line === undefined ? '' : `:${line}`}`;
  const key = issue?.path.join('.') ?? '';
  return new SubakoError('bad_setting', `${where}: ${key === '' ? '' : `${key}: `}${issue?.message ?? 'not valid'}`, {
    hint: key.startsWith('hooks') ? 'docs/hooks.md tells how hooks are written' : 'docs/operations.md lists every key',
    cause: error,
  });
}
