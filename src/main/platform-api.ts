/** Answers what the API asks, from the parts of the platform. */
import type { ApiPlatform, ExecRequest } from '../api/platform.ts';
import type { PsRow, SiteReply, StatusReply } from '../api/types.ts';
import type { Cmdb, WakeStats } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { Dispatcher } from '../dispatcher/dispatcher.ts';
import { SubakoError } from '../domain/errors.ts';
import { DEFAULT_ROLE } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import type { RestingState } from '../domain/state.ts';
import type { EventLog } from '../lifecycle/event-log.ts';
import type { Lifecycle, Transition } from '../lifecycle/lifecycle.ts';
import { instanceLogPath } from '../lifecycle/live.ts';
import type { SystemService } from '../lifecycle/system-service.ts';
import { sitePaths } from '../site/site-paths.ts';
import { describeSettings } from '../site/site-settings.ts';
import type { CreatedSite, CreateRequest, Sites } from '../site/sites.ts';
import { CpuMeter } from './cpu-meter.ts';
import type { Foundation } from './foundation.ts';
import { VERSION } from './version.ts';

export interface PlatformApiDeps {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly events: EventLog;
  readonly sites: Sites;
  readonly lifecycle: Lifecycle;
  readonly dispatcher: Dispatcher;
  readonly services: { readonly database: SystemService; readonly edge: SystemService };
  readonly onShutdown: (options: { keep: boolean }) => void;
}

const HTTP_PORT = 80;

/** Host name with the port visitors use, where it is not the usual one. */
export function authorityOf(domain: string, httpPort: number): string {
  return httpPort === HTTP_PORT ? domain : `${domain}:${httpPort}`;
}

export class PlatformApi implements ApiPlatform {
  readonly events: EventLog;
  readonly #deps: PlatformApiDeps;
  readonly #cpu = new CpuMeter();
  readonly #startedAt = Date.now();

  constructor(deps: PlatformApiDeps) {
    this.#deps = deps;
    this.events = deps.events;
  }

  async status(): Promise<StatusReply> {
    const { config, foundation, services, dispatcher, lifecycle } = this.#deps;
    const states = (await this.sites()).map((site) => lifecycle.stateOf(site.id));
    const count = (state: string): number => states.filter((one) => one === state).length;
    return {
      version: VERSION,
      node: config.node,
      pid: process.pid,
      state: config.state,
      run: config.run,
      edge: { http: config.http, https: config.https, pid: services.edge.pid ?? null },
      database: { pid: services.database.pid ?? null },
      sites: { total: states.length, running: count('running'), frozen: 0, checkpointed: 0, cold: count('cold') + count('booting') },
      waiting: dispatcher.waiting,
      queuedBoots: lifecycle.queuedBoots,
      lostEvents: this.events.lost,
      toolbox: foundation.toolbox.image.versions,
      startedAt: this.#startedAt,
    };
  }

  async ps(): Promise<PsRow[]> {
    const { cmdb } = this.#deps;
    const [sites, stats] = await Promise.all([this.sites(), cmdb.wakeStats()]);
    this.#cpu.keepOnly(new Set(this.#deps.lifecycle.allLive().map((live) => live.instance.id)));
    return Promise.all(sites.map((site) => this.#row(site, stats.get(site.id))));
  }

  async sites(): Promise<Site[]> {
    return (await this.#deps.cmdb.sites()).filter((site) => site.phase === 'ready');
  }

  site(domain: string): Promise<Site> {
    return this.#deps.sites.byDomain(domain);
  }

  describe(site: Site): SiteReply {
    const { id, domain, stack, image, node, createdAt } = site;
    const { config, lifecycle } = this.#deps;
    return {
      id,
      domain,
      url: `http://${authorityOf(domain, config.http)}/`,
      state: lifecycle.stateOf(id),
      stack,
      image,
      node,
      createdAt,
      settings: describeSettings(site.settings),
    };
  }

  create(request: CreateRequest): Promise<CreatedSite> {
    return this.#deps.sites.create(request);
  }

  set(domain: string, assignments: readonly string[]): Promise<Site> {
    return this.#deps.sites.set(domain, assignments);
  }

  remove(domain: string): Promise<void> {
    return this.#deps.sites.remove(domain);
  }

  async wake(domain: string): Promise<Transition> {
    return this.#deps.lifecycle.wake(await this.site(domain), 'command');
  }

  async sleep(domain: string, to: RestingState): Promise<Transition> {
    return this.#deps.lifecycle.sleep(await this.site(domain), to, 'command');
  }

  logPath(site: Site): string {
    return instanceLogPath({ paths: sitePaths(this.#deps.config, site.id) }, { role: DEFAULT_ROLE });
  }

  async openExec(domain: string, { command, tty }: ExecRequest): Promise<{ argv: readonly string[]; release: () => void }> {
    const { lifecycle, foundation } = this.#deps;
    const site = await this.site(domain);
    await lifecycle.wake(site, 'exec');
    const live = lifecycle.live(site.id);
    if (live === undefined) throw new SubakoError('not_running', `${site.domain} went to sleep again`, { hint: 'try once more' });
    live.holds += 1;
    const release = (): void => {
      live.holds -= 1;
      lifecycle.touch(site.id);
    };
    return { argv: foundation.runtime.execArgv(live.instance.id, command, { tty }), release };
  }

  shutdown(options: { keep: boolean }): void {
    this.#deps.onShutdown(options);
  }

  async #row(site: Site, stats: WakeStats | undefined): Promise<PsRow> {
    const { lifecycle, foundation } = this.#deps;
    const live = lifecycle.live(site.id);
    const usage = live === undefined ? undefined : await foundation.runtime.usage(live.instance.id);
    return {
      id: site.id,
      site: site.domain,
      role: DEFAULT_ROLE,
      node: site.node,
      state: lifecycle.stateOf(site.id),
      pid: live?.process.pid ?? null,
      cpuPercent: live === undefined || usage === undefined ? null : this.#cpu.percent(live.instance.id, usage.cpuMs),
      memoryBytes: usage?.memoryBytes ?? null,
      since: live?.instance.since ?? null,
      wakes: stats?.wakes ?? 0,
      lastWake: stats?.lastWake === undefined ? null : { from: stats.lastWake.from, ms: stats.lastWake.ms },
    };
  }
}
