/** What the API needs of the running platform. */
import type { Readable, Writable } from 'node:stream';
import type { Containers } from '../container/containers.ts';
import type { NetworkRequest } from '../container/named-networks.ts';
import type { Volumes } from '../container/volumes.ts';
import type { Container } from '../domain/container.ts';
import type { NetworkMembership } from '../domain/network.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { Dumps } from '../site/dumps.ts';
import type { Owner } from '../site/owner.ts';
import type { PrimaryDomain } from '../site/primary-domain.ts';
import type { CodeSites } from '../site/code-sites.ts';
import type { SiteImport } from '../site/site-import.ts';
import type { CreateAppRequest, CreatedSite, CreateRequest, DeployRequest, Sites } from '../site/sites.ts';
import type { Job } from '../domain/job.ts';
import type { Jobs } from '../job/jobs.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { RestingState } from '../domain/state.ts';
import type { EventLog } from '../lifecycle/event-log.ts';
import type { Transition } from '../lifecycle/lifecycle.ts';
import type { Names } from '../site/names.ts';
import type { OneOffWish } from '../compose/one-off.ts';
import type { Projects } from '../compose/projects.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import type { Project } from '../domain/project.ts';
import type { ProjectReply } from './project-types.ts';
import type { ContainerReply, ContainerRow, NetworkReply, ProcessRow, StatsRow } from './container-types.ts';
import type {
  AuthorityReply,
  CacheReply,
  CertificateReply,
  CheckpointReply,
  JobReply,
  PsRow,
  PurgeReply,
  RefreshReply,
  SiteReply,
  StatusReply,
  TemplateReply,
  TriedReply,
  VerifyReply,
} from './types.ts';
import type { Working } from './work-stream.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly role: Role;
}

/** A command line for whoever asked, and what is kept for him until he is gone. */
export interface Held {
  readonly argv: readonly string[];
  /** A file where it is written why the command did not begin. */
  readonly said: string;
  /** Removed afterwards. */
  readonly files: readonly string[];
  readonly release: () => void;
}

export interface ApiCertificates {
  list(): Promise<CertificateReply[]>;
  set(name: string, pair: { readonly chain: string; readonly key: string }): Promise<CertificateReply>;
  renew(name: string): Promise<CertificateReply>;
  remove(name: string): Promise<CertificateReply>;
  authority(): AuthorityReply;
}

export interface ApiCache {
  status(domain: string): Promise<CacheReply>;
  purge(domain: string, request: PurgeCacheRequest): Promise<PurgeReply>;
  /** Drops the pages, and has them made again before it returns. @param path as in a purge */
  refresh(domain: string, path: string | undefined, working: Pick<Working, 'progress' | 'signal'>): Promise<RefreshReply>;
}

export interface ApiNetworks {
  rows(): Promise<NetworkReply[]>;
  create(request: NetworkRequest): Promise<NetworkReply>;
  show(name: string): Promise<NetworkReply>;
  remove(name: string): Promise<void>;
  prune(): Promise<string[]>;
  connect(ref: string, membership: NetworkMembership): Promise<void>;
  disconnect(ref: string, network: string): Promise<void>;
}

export interface ApiContainers {
  readonly all: Containers;
  readonly volumes: Volumes;
  readonly networks: ApiNetworks;
  readonly describe: (container: Container) => ContainerReply;
  isUp(id: string): Promise<boolean>;
  /** Those that are up, or all. */
  rows(which: { readonly all: boolean }): Promise<ContainerRow[]>;
  stats(): Promise<StatsRow[]>;
  processes(ref: string): Promise<ProcessRow[]>;
  /** As a tar archive. */
  copyOut(ref: string, path: string, output: Writable): Promise<void>;
  /** The archive holds one thing called `name`. */
  copyIn(ref: string, to: { readonly path: string; readonly name: string }, input: Readable): Promise<void>;
}

export interface ApiProjects {
  readonly all: Projects;
  readonly describe: (project: Project) => Promise<ProjectReply>;
  /** @throws SubakoError `not_found` */
  oneOff(name: string, wish: OneOffWish): Promise<ContainerRequest>;
}

export interface WpCliRequest {
  readonly args: readonly string[];
  /** Absolute path of the program. */
  readonly phar?: string;
  readonly tty: boolean;
}

interface PurgeCacheRequest {
  /** Undefined: all of the site. With `*` at its end, all below. */
  readonly path: string | undefined;
  readonly dryRun: boolean;
}

export interface ApiPlatform {
  readonly names: Pick<Names, 'add' | 'remove' | 'list'>;
  readonly doors: Pick<Sites, 'setAdminPassword'>;
  readonly certificates: ApiCertificates;
  readonly cache: ApiCache;
  readonly events: EventLog;
  readonly owner: Owner;
  readonly primaryDomain: PrimaryDomain;
  readonly dumps: Dumps;
  readonly imports: SiteImport;
  readonly codeSites: Pick<CodeSites, 'create' | 'deploy' | 'rollback' | 'releases'>;
  readonly images: OciStore;
  readonly containers: ApiContainers;
  readonly projects: ApiProjects;
  readonly jobs: Pick<Jobs, 'add' | 'get' | 'run' | 'remove' | 'isRunning' | 'outputPath'>;
  status(): Promise<StatusReply>;
  ps(): Promise<PsRow[]>;
  sites(): Promise<Site[]>;
  site(domain: string): Promise<Site>;
  describe(site: Site): SiteReply;
  create(request: CreateRequest): Promise<CreatedSite>;
  /** A site from an image. */
  createApp(request: CreateAppRequest): Promise<Site>;
  /** Moves such a site to the image that a name leads to now. */
  deploy(domain: string, request: DeployRequest): Promise<Site>;
  set(domain: string, assignments: readonly string[]): Promise<Site>;
  remove(domain: string): Promise<void>;
  /** Default: the public role. */
  wake(domain: string, role?: Role): Promise<Transition>;
  /** Without a role: both; the answer is the public role's, or the admin's where nothing else was awake. */
  sleep(domain: string, to: RestingState, role?: Role): Promise<Transition>;
  /** The text format of Prometheus. */
  metrics(): Promise<string>;
  templates(): TemplateReply[];
  /** Makes a new template of every image, and returns when each has taken its place. */
  makeTemplates(): Promise<TemplateReply[]>;
  verifyTemplates(): Promise<VerifyReply[]>;
  removeTemplates(): Promise<number>;
  checkpoints(): Promise<CheckpointReply[]>;
  /** Apps whose images cannot be checkpointed, or are no quicker for it. */
  triedCheckpoints(): Promise<TriedReply[]>;
  verifyCheckpoints(): Promise<VerifyReply[]>;
  removeCheckpoint(domain: string): Promise<void>;
  /** All, or a site's. */
  jobsOf(site: Site | undefined): Promise<Job[]>;
  describeJob(job: Job): Promise<JobReply>;
  logPath(site: Site, role: Role): string;
  /** Wakes the site and keeps it awake until `release`. The command line runs `argv` on this machine, so that terminals and signals work. */
  openExec(domain: string, request: ExecRequest): Promise<Held>;
  /** As `openExec`, for WP-CLI. @throws SubakoError `command_missing` where there is none */
  openWpCli(domain: string, request: WpCliRequest): Promise<Held>;
  /** Ends the platform; with `keep`, sites and services go on without the daemon. */
  shutdown(options: { keep: boolean }): void;
}
