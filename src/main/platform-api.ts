/** Answers what the API asks, from the parts of the platform. */
import type { ApiCache, ApiCertificates, ApiContainers, ApiPlatform, ApiProjects, ExecRequest, Held, WpCliRequest } from '../api/platform.ts';
import type { CheckpointReply, JobReply, PsRow, SiteReply, StatusReply, TemplateReply, TriedReply, VerifyReply } from '../api/types.ts';
import type { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import type { Spares } from '../checkpoint/spares.ts';
import type { Templates } from '../checkpoint/templates.ts';
import type { Trials } from '../checkpoint/trials.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { Dispatcher } from '../dispatcher/dispatcher.ts';
import { SubakoError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import { DEFAULT_ROLE, roleKey, ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { isFilesAlone } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { DEPTH } from '../domain/state.ts';
import type { RestingState } from '../domain/state.ts';
import type { Jobs } from '../job/jobs.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { EventLog } from '../lifecycle/event-log.ts';
import type { Lifecycle, Transition } from '../lifecycle/lifecycle.ts';
import { hold } from '../lifecycle/hold.ts';
import { instanceLogPath } from '../lifecycle/live.ts';
import { whyNoCheckpoints } from '../lifecycle/no-checkpoints.ts';
import type { SystemService } from '../lifecycle/system-service.ts';
import type { Addresses } from '../site/addresses.ts';
import type { Dumps } from '../site/dumps.ts';
import type { Owner } from '../site/owner.ts';
import type { PrimaryDomain } from '../site/primary-domain.ts';
import type { CodeSites } from '../site/code-sites.ts';
import type { SiteImport } from '../site/site-import.ts';
import type { SiteContexts } from '../site/site-context.ts';
import { sitePaths } from '../site/site-paths.ts';
import { describeSettings } from '../site/site-settings.ts';
import { describeApp, describeCode } from '../api/describe-app.ts';
import type { CreateAppRequest, CreatedSite, CreateRequest, DeployRequest, Sites } from '../site/sites.ts';
import type { Certificates } from '../edge/certificates/certificates.ts';
import type { LocalCa } from '../edge/certificates/local-ca.ts';
import type { Names } from '../site/names.ts';
import { cacheApi } from './cache-api.ts';
import { certificatesApi } from './certificates-api.ts';
import { checkpointsOfSites, triedInVain, verifyAll } from './site-checkpoints.ts';
import { CpuMeter } from './cpu-meter.ts';
import type { Foundation } from './foundation.ts';
import type { Metrics } from './metrics.ts';
import { psRow } from './ps-row.ts';
import { STACKS } from './stacks.ts';
import { VERSION } from './version.ts';

export interface PlatformApiDeps {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly events: EventLog;
  readonly sites: Sites;
  readonly codeSites: CodeSites;
  readonly owner: Owner;
  readonly primaryDomain: PrimaryDomain;
  readonly dumps: Dumps;
  readonly imports: SiteImport;
  readonly images: OciStore;
  readonly containers: ApiContainers;
  readonly projects: ApiProjects;
  readonly jobs: Jobs;
  readonly lifecycle: Lifecycle;
  readonly templates: Templates;
  readonly spares: Spares;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly trials: Trials;
  readonly contexts: SiteContexts;
  readonly addresses: Addresses;
  readonly certificates: Certificates;
  readonly ca: LocalCa;
  readonly pages: PageCache;
  readonly metrics: Metrics;
  readonly dispatcher: Dispatcher;
  readonly services: { readonly database: SystemService; readonly edge: SystemService };
  readonly onShutdown: (options: { keep: boolean }) => void;
}

export class PlatformApi implements ApiPlatform {
  readonly events: EventLog;
  readonly names: Names;
  readonly doors: Pick<Sites, 'setAdminPassword'>;
  readonly certificates: ApiCertificates;
  readonly cache: ApiCache;
  readonly owner: Owner;
  readonly primaryDomain: PrimaryDomain;
  readonly dumps: Dumps;
  readonly imports: SiteImport;
  readonly codeSites: CodeSites;
  readonly images: OciStore;
  readonly containers: ApiContainers;
  readonly projects: ApiProjects;
  readonly jobs: Jobs;
  readonly #deps: PlatformApiDeps;
  readonly #cpu = new CpuMeter();
  readonly #startedAt = Date.now();

  constructor(deps: PlatformApiDeps) {
    this.#deps = deps;
    this.events = deps.events;
    this.names = deps.sites.names;
    this.doors = deps.sites;
    this.certificates = certificatesApi(deps.certificates, deps.ca);
    this.cache = cacheApi({ pages: deps.pages, siteOf: (domain) => this.site(domain), ports: deps.config });
    this.owner = deps.owner;
    this.primaryDomain = deps.primaryDomain;
    this.dumps = deps.dumps;
    this.imports = deps.imports;
    this.codeSites = deps.codeSites;
    this.images = deps.images;
    this.containers = deps.containers;
    this.projects = deps.projects;
    this.jobs = deps.jobs;
  }

  async status(): Promise<StatusReply> {
    const { config, foundation, services, dispatcher, lifecycle, templates, spares } = this.#deps;
    const states = (await this.sites()).map((site) => lifecycle.stateOfSite(site.id));
    const count = (state: string): number => states.filter((one) => one === state).length;
    return {
      version: VERSION,
      node: config.node,
      pid: process.pid,
      state: config.state,
      run: config.run,
      edge: { http: config.http, https: config.https, pid: services.edge.pid ?? null },
      database: { pid: services.database.pid ?? null },
      sites: {
        total: states.length,
        running: count('running'),
        frozen: count('frozen'),
        checkpointed: count('checkpointed'),
        cold: count('cold') + count('booting'),
      },
      templates: templates.list().length,
      noCheckpoints: foundation.noCheckpoints ?? null,
      spares: { waiting: spares.waiting, wanted: spares.wanted },
      noSpares: foundation.noSpares ?? null,
      waiting: dispatcher.waiting,
      queuedBoots: lifecycle.queuedBoots,
      lostEvents: this.events.lost,
      toolbox: foundation.toolbox.image.versions,
      startedAt: this.#startedAt,
    };
  }

  async ps(): Promise<PsRow[]> {
    const { cmdb, lifecycle, foundation } = this.#deps;
    const [sites, stats] = await Promise.all([this.sites(), cmdb.wakeStats()]);
    this.#cpu.keepOnly(new Set(lifecycle.allLive().map((live) => live.instance.id)));
    const places = sites.flatMap((site) => ROLES.map((role) => ({ site, role }))).filter((place) => this.#isShown(place));
    const deps = { lifecycle, runtime: foundation.runtime, cpu: this.#cpu, whyNoCheckpoints: (site: Site) => this.#whyNoCheckpoints(site) };
    return Promise.all(places.map(({ site, role }) => psRow({ site, role, stats: stats.get(roleKey(site.id, role)) }, deps)));
  }

  async sites(): Promise<Site[]> {
    return (await this.#deps.cmdb.sites()).filter((site) => site.phase === 'ready');
  }

  site(domain: string): Promise<Site> {
    return this.#deps.sites.byDomain(domain);
  }

  describe(site: Site): SiteReply {
    const { id, domain, stack, image, node, createdAt } = site;
    const { addresses, lifecycle } = this.#deps;
    return {
      runtime: site.settings.runtime,
      noCheckpoints: this.#whyNoCheckpoints(site),
      id,
      domain,
      url: addresses.urlOf(site),
      state: lifecycle.stateOfSite(id),
      stack,
      image,
      node,
      createdAt,
      settings: describeSettings(site.settings, site),
      ...(site.app === undefined ? {} : { app: describeApp(site.app) }),
      ...(site.code === undefined ? {} : { code: describeCode(site.code) }),
    };
  }

  #whyNoCheckpoints(site: Site): string | null {
    const { foundation, trials } = this.#deps;
    if (isFilesAlone(site)) return 'nothing runs for it';
    const no = whyNoCheckpoints(site, foundation.runtime);
    // Of the machine more is known here.
    return (no?.code === 'host_unfit' ? foundation.noCheckpoints : no?.why) ?? trials.whyNot(site) ?? null;
  }

  create(request: CreateRequest): Promise<CreatedSite> {
    return this.#deps.sites.create(request);
  }

  createApp(request: CreateAppRequest): Promise<Site> {
    return this.#deps.sites.createApp(request);
  }

  deploy(domain: string, request: DeployRequest): Promise<Site> {
    return this.#deps.sites.deploy(domain, request);
  }

  set(domain: string, assignments: readonly string[]): Promise<Site> {
    return this.#deps.sites.set(domain, assignments);
  }

  remove(domain: string): Promise<void> {
    return this.#deps.sites.remove(domain);
  }

  async wake(domain: string, role: Role = DEFAULT_ROLE): Promise<Transition> {
    return this.#deps.lifecycle.wake(await this.site(domain), role, 'command');
  }

  async sleep(domain: string, to: RestingState, role?: Role): Promise<Transition> {
    const { lifecycle } = this.#deps;
    const site = await this.site(domain);
    const how = { to, cause: 'command' };
    const higher = ROLES.filter((one) => DEPTH[lifecycle.stateOf(site.id, one)] < DEPTH[to]);
    const [first = role ?? DEFAULT_ROLE, ...others] = role === undefined ? higher : [role];
    for (const other of others) await lifecycle.sleep(site, other, how);
    return lifecycle.sleep(site, first, how);
  }

  metrics(): Promise<string> {
    return this.#deps.metrics.text();
  }

  templates(): TemplateReply[] {
    return this.#deps.templates.list();
  }

  /** @throws SubakoError `host_unfit` where this machine cannot */
  async makeTemplates(): Promise<TemplateReply[]> {
    const { templates, foundation } = this.#deps;
    const { noCheckpoints, images } = foundation;
    if (noCheckpoints !== undefined)
      throw new SubakoError('host_unfit', `this machine cannot checkpoint: ${noCheckpoints}`, { hint: 'subako doctor tells more' });
    for (const stack of STACKS.values()) {
      if (stack.template === undefined) continue;
      const image = await images.ensure(stack.recipe, () => undefined);
      for (const role of ROLES) await templates.make({ stack, image, role });
    }
    return templates.list();
  }

  verifyTemplates(): Promise<VerifyReply[]> {
    return this.#deps.templates.verifyAll();
  }

  removeTemplates(): Promise<number> {
    return this.#deps.templates.removeAll();
  }

  checkpoints(): Promise<CheckpointReply[]> {
    return checkpointsOfSites(this.#deps);
  }

  triedCheckpoints(): Promise<TriedReply[]> {
    return triedInVain(this.#deps);
  }

  verifyCheckpoints(): Promise<VerifyReply[]> {
    return verifyAll(this.#deps);
  }

  async removeCheckpoint(domain: string): Promise<void> {
    const { lifecycle, ownCheckpoints } = this.#deps;
    const site = await this.site(domain);
    if (!ownCheckpoints.has(site.id))
      throw new SubakoError('not_found', `${site.domain} has no checkpoint of its own`, { hint: 'subako checkpoint ls shows those there are' });
    await lifecycle.dropCheckpoint(site, 'command');
    await ownCheckpoints.shredded(site.id);
  }

  jobsOf(site: Site | undefined): Promise<Job[]> {
    return this.#deps.cmdb.jobs(site?.id);
  }

  async describeJob({ siteId, ...job }: Job): Promise<JobReply> {
    const { cmdb, jobs } = this.#deps;
    const site = await cmdb.site(siteId);
    return { ...job, site: site?.domain ?? '', running: jobs.isRunning(job.id), runs: await cmdb.runs(job.id) };
  }

  logPath(site: Site, role: Role): string {
    return instanceLogPath(sitePaths(this.#deps.config, site.id), role);
  }

  async openExec(domain: string, { command, tty, role }: ExecRequest): Promise<Held> {
    const { lifecycle, foundation, contexts } = this.#deps;
    const site = await this.site(domain);
    const { live, release } = await hold(lifecycle, { site, role: contexts.roleMeant(site, role) }, 'exec');
    return { ...foundation.runtime.execHere(live.instance.id, command, { tty }), release };
  }

  async openWpCli(domain: string, { args, phar, tty }: WpCliRequest): Promise<Held> {
    return this.openExec(domain, { command: await this.owner.wpCliArgv(await this.site(domain), args, phar), tty, role: 'admin' });
  }

  shutdown(options: { keep: boolean }): void {
    this.#deps.onShutdown(options);
  }

  /** A sleeping admin container is nothing to look at: most sites have one all day. */
  #isShown({ site, role }: { site: Site; role: Role }): boolean {
    return role === DEFAULT_ROLE || this.#deps.lifecycle.stateOf(site.id, role) !== 'cold';
  }
}
