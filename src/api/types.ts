/** What goes over the API's wire; the same objects that `--json` prints. */
import type { Release } from '../domain/code.ts';
import type { Job, JobRun } from '../domain/job.ts';
import type { Role } from '../domain/role.ts';
import type { RuntimeName } from '../domain/runtime-name.ts';
import type { State } from '../domain/state.ts';

export interface StatusReply {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly state: string;
  readonly run: string;
  readonly edge: { readonly http: number; readonly https: number; readonly pid: number | null };
  readonly database: { readonly pid: number | null };
  readonly sites: Readonly<Record<'total' | 'running' | 'frozen' | 'checkpointed' | 'cold', number>>;
  readonly templates: number;
  /** Why this machine cannot checkpoint, or null. */
  readonly noCheckpoints: string | null;
  /** Warm containers that wait for the next cold sites. */
  readonly spares: { readonly waiting: number; readonly wanted: number };
  /** Why none waits on this machine. */
  readonly noSpares: string | null;
  readonly waiting: number;
  readonly queuedBoots: number;
  /** Events that could not be kept, because the disk was full, say. */
  readonly lostEvents: number;
  readonly toolbox: Readonly<Record<string, string>>;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
}

export interface SiteReply {
  /** What its containers are run by, from the next one on. */
  readonly runtime: RuntimeName;
  /** Why its containers are not checkpointed (they are frozen, or booted), or null. */
  readonly noCheckpoints: string | null;
  readonly id: string;
  readonly domain: string;
  readonly url: string;
  readonly state: State;
  readonly stack: string;
  readonly image: string;
  readonly node: string;
  readonly createdAt: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Of a site from an image. */
  readonly app?: AppReply;
  /** Of a site that runs its owner's code. */
  readonly code?: CodeReply;
}

export interface CodeReply {
  readonly release: Release;
  readonly web: string | null;
  /** Names alone: values may be secrets. */
  readonly env: readonly string[];
  /** Those that the platform made. */
  readonly ownEnv: readonly string[];
  /** Directories that outlive releases. */
  readonly shared: readonly string[];
  /** What is run in a new release before it is one. */
  readonly build: string | null;
}

export interface ReleasesReply {
  /** Name of the one that runs. */
  readonly current: string;
  /** Oldest first. */
  readonly releases: readonly Release[];
}

export interface AppReply {
  /** As it was asked for. */
  readonly image: string;
  readonly port: number | null;
  readonly socket: string | null;
  /** Names alone: values may be secrets. */
  readonly env: readonly string[];
  /** `NAME:PATH`. */
  readonly volumes: readonly string[];
  /** Names of those that it is in. */
  readonly networks: readonly string[];
  readonly healthPath: string | null;
  /** In place of the image's; null: as the image says. */
  readonly command: readonly string[] | null;
  /** User and group, by their numbers. */
  readonly user: string;
  /** Of a service of a project: the others are its companions. */
  readonly pod: { readonly project: string; readonly service: string } | null;
}

export interface CreatedSiteReply extends SiteReply {
  readonly admin: { readonly user: string; readonly password: string };
}

export interface PsRow {
  /** What runs it, or would. */
  readonly runtime: RuntimeName;
  readonly id: string;
  readonly site: string;
  readonly role: Role;
  readonly node: string;
  readonly state: State;
  readonly pid: number | null;
  readonly cpuPercent: number | null;
  readonly memoryBytes: number | null;
  /** Unix time in milliseconds of the last change of state, or null when it never ran. */
  readonly since: number | null;
  /** How many containers serve it. */
  readonly instances: number;
  /** Why it is in its state, or null while nothing of it is in memory. */
  readonly why: string | null;
  readonly wakes: number;
  readonly lastWake: { readonly from: State; readonly ms: number } | null;
}

export interface TemplateReply {
  readonly name: string;
  readonly stack: string;
  readonly role: Role;
  readonly image: string;
  /** Unix time in milliseconds. */
  readonly madeAt: number;
  readonly bytes: number;
  /** Containers restored from it since the daemon started. */
  readonly restores: number;
}

/** An app that is not checkpointed, because it was tried with its image. */
export interface TriedReply {
  readonly site: string;
  readonly why: string;
}

export interface CheckpointReply {
  readonly site: string;
  /** Unix time in milliseconds. */
  readonly madeAt: number;
  readonly bytes: number;
}

/** Times are Unix time in milliseconds. */
export interface CertificateReply {
  readonly name: string;
  readonly source: 'local' | 'acme' | 'own' | null;
  /** `pending`: none yet, asked for. `failing`: it holds, its renewal failed. `ending`: your own, below two weeks left. `none`: nobody makes one. */
  readonly status: 'valid' | 'pending' | 'failed' | 'failing' | 'ending' | 'expired' | 'none';
  readonly issuer: string | null;
  readonly since: number | null;
  readonly until: number | null;
  readonly renewAt: number | null;
  readonly failures: number;
  readonly lastError: string | null;
  readonly retryAt: number | null;
}

export interface AuthorityReply {
  /** File with its certificate. */
  readonly path: string;
  readonly pem: string;
}

export interface CacheReply {
  readonly site: string;
  /** How long pages are kept, or `off`. */
  readonly keep: string;
  readonly pages: number;
  /** A page has one for each encoding that was asked for. */
  readonly files: number;
  readonly bytes: number;
}

export interface PurgeReply {
  readonly site: string;
  readonly dryRun: boolean;
  /** Paths of the pages that were dropped, or would be. */
  readonly purged: readonly string[];
}

export interface RefreshReply extends PurgeReply {
  /** How many pages were asked for anew, each name, scheme and device by itself: at most a hundred. */
  readonly asked: number;
  /** How many of these are kept again. */
  readonly warmed: number;
}

export interface VerifyReply {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}

/** Times are Unix time in milliseconds. */
export interface JobReply extends Omit<Job, 'siteId'> {
  readonly site: string;
  readonly running: boolean;
  /** The newest first. */
  readonly runs: readonly JobRun[];
}

export interface ErrorReply {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null; readonly facts?: Readonly<Record<string, unknown>> };
}
