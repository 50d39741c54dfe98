/**
 * The CMDB port: the configuration management database, the only durable truth of a platform.
 *
 * Each method is one transaction: it happens whole or not at all, and when its promise resolves it survives the daemon being killed.
 * Methods marked *durable* also survive a power cut. Reads see every write that resolved before they began.
 */
import type { App } from '../domain/app.ts';
import type { Alias } from '../domain/alias.ts';
import type { Code } from '../domain/code.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { Container, Volume } from '../domain/container.ts';
import type { NewEvent, SubakoEvent } from '../domain/events.ts';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import type { Job, JobRun } from '../domain/job.ts';
import type { NamedNetwork } from '../domain/network.ts';
import type { Project } from '../domain/project.ts';
import type { Role } from '../domain/role.ts';
import type { Site, SitePhase, SiteSettings } from '../domain/site.ts';
import type { State } from '../domain/state.ts';

/** What a caller knows of a site before it exists; the CMDB adds a uid range that no other site has. */
export type NewSite = Omit<Site, 'uidRange'>;

/** A container before it exists, like a site. */
export type NewContainer = Omit<Container, 'uidRange'>;

export interface SiteChange {
  readonly domain?: string;
  readonly phase?: SitePhase;
  readonly image?: string;
  readonly app?: App;
  readonly code?: Code;
  readonly settings?: SiteSettings;
}

/** How often a role of a site was woken, and how it went the last time. */
export interface WakeStats {
  readonly wakes: number;
  readonly lastWake?: { readonly from: State; readonly ms: number; readonly at: number };
}

/** When a site's timed work is to be looked after next. */
export interface CronRecord {
  readonly siteId: string;
  /** Unix time in milliseconds; null: nothing is planned. */
  readonly dueAt: number | null;
  /** Unix time in milliseconds of the last run; 0: never. */
  readonly ranAt: number;
}

/** A container of the platform's own, such as the edge. */
export interface ServiceRecord {
  readonly name: string;
  readonly containerId: string;
  readonly process: ProcessIdentity;
  /** Hash of everything it was started with; another one means it must be started anew. */
  readonly specHash: string;
}

export interface EventQuery {
  /** Only events with a higher number. */
  readonly after?: number;
  readonly site?: string;
  /** The newest this many, oldest first. */
  readonly limit: number;
}

export interface Cmdb extends AsyncDisposable {
  /**
   * Durable. Takes the lowest free uid range.
   * @throws SubakoError `already_exists` when the domain is taken, also by an alias or by a site that is being created or removed
   */
  insertSite(site: NewSite): Promise<Site>;
  site(id: string): Promise<Site | undefined>;
  siteByDomain(domain: string): Promise<Site | undefined>;
  /** The site with this domain or this alias. */
  siteByHost(host: string): Promise<Site | undefined>;
  /** All sites, by domain. */
  sites(): Promise<Site[]>;
  /** Durable. @throws SubakoError `not_found`, `already_exists` when another site has the domain */
  updateSite(id: string, change: SiteChange): Promise<Site>;
  /** Durable. Frees the domain and the uid range; the site's aliases, instances, wakes and nothing else go with it. Idempotent. */
  deleteSite(id: string): Promise<void>;

  /** Durable. Replaces one that the site has already. @throws SubakoError `already_exists` when it is a domain, or an alias of another site */
  addAlias(alias: Alias): Promise<void>;
  /** Durable. Idempotent. */
  deleteAlias(name: string): Promise<void>;
  /** All aliases, by name. */
  aliases(): Promise<Alias[]>;

  /** Inserts or replaces. Durable. */
  putCertificate(certificate: Certificate): Promise<void>;
  /** Durable. Idempotent. */
  deleteCertificate(name: string): Promise<void>;
  /** All certificates, by name. */
  certificates(): Promise<Certificate[]>;

  /**
   * Durable. Takes the lowest free uid range.
   * @throws SubakoError `already_exists` when another has the name
   */
  insertContainer(container: NewContainer): Promise<Container>;
  container(id: string): Promise<Container | undefined>;
  /** All containers, the oldest first. */
  containers(): Promise<Container[]>;
  /** Keeps its id and uid range; nothing happens when there is no such container. @throws SubakoError `already_exists` when another has the name */
  putContainer(container: Container): Promise<void>;
  /** Durable. Frees the name and the uid range. Idempotent. */
  deleteContainer(id: string): Promise<void>;

  /** Durable. Keeps one that is there. */
  putVolume(volume: Volume): Promise<void>;
  /** By name. */
  volumes(): Promise<Volume[]>;
  /** Durable. Idempotent. */
  deleteVolume(name: string): Promise<void>;

  /** Durable. @throws SubakoError `already_exists` when there is one of that name */
  insertNetwork(network: NamedNetwork): Promise<void>;
  /** By name. */
  networks(): Promise<NamedNetwork[]>;
  /** Durable. Idempotent. */
  deleteNetwork(name: string): Promise<void>;

  /** Durable. Inserts or replaces. */
  putProject(project: Project): Promise<void>;
  project(name: string): Promise<Project | undefined>;
  /** By name. */
  projects(): Promise<Project[]>;
  /** Durable. Idempotent. */
  deleteProject(name: string): Promise<void>;

  /** Inserts or replaces. */
  putInstance(instance: Instance): Promise<void>;
  deleteInstance(id: string): Promise<void>;
  instances(): Promise<Instance[]>;

  countWake(siteId: string, role: Role, wake: { from: State; ms: number; at: number }): Promise<void>;
  /** By `roleKey`. */
  wakeStats(): Promise<ReadonlyMap<string, WakeStats>>;

  /** Inserts or replaces; nothing happens when there is no such site. */
  putCron(cron: CronRecord): Promise<void>;
  cron(siteId: string): Promise<CronRecord | undefined>;
  /** Those that are due, the longest waiting first. */
  dueCrons(now: number, limit: number): Promise<CronRecord[]>;

  /** Inserts or replaces. Durable; nothing happens when there is no such site. */
  putJob(job: Job): Promise<void>;
  job(id: string): Promise<Job | undefined>;
  /** All jobs, or a site's; the oldest first. */
  jobs(siteId?: string): Promise<Job[]>;
  /** Those that are due, the longest waiting first. */
  dueJobs(now: number, limit: number): Promise<Job[]>;
  /** Durable. Its runs go with it. Idempotent. */
  deleteJob(id: string): Promise<void>;
  /** Inserts or replaces, and forgets all but the newest runs of the job (see MAX_RUNS); nothing happens when there is no such job. */
  putRun(run: JobRun): Promise<void>;
  /** The newest first. */
  runs(jobId: string): Promise<JobRun[]>;
  /** Runs that have no end yet. */
  openRuns(): Promise<JobRun[]>;

  putService(service: ServiceRecord): Promise<void>;
  deleteService(name: string): Promise<void>;
  services(): Promise<ServiceRecord[]>;

  /** Keeps the newest events only (see MAX_EVENTS). */
  appendEvent(event: NewEvent, at: number): Promise<SubakoEvent>;
  events(query: EventQuery): Promise<SubakoEvent[]>;
}

/** Older events are dropped beyond this many. */
export const MAX_EVENTS = 20_000;
