/** Puts the sites and their life cycle together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import { RouteTree } from '../edge/route-tree.ts';
import type { Progress } from '../image/image-store.ts';
import { adoptAll } from '../lifecycle/adopt.ts';
import { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Reaper } from '../lifecycle/reaper.ts';
import { childCgroups } from '../runtime/cgroup/remove.ts';
import { SiteContexts } from '../site/site-context.ts';
import { Sites } from '../site/sites.ts';
import type { Foundation } from './foundation.ts';
import { authorityOf } from './platform-api.ts';
import { STACKS } from './stacks.ts';
import type { Database } from './start-database.ts';

export interface BuildSitesDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly database: Database;
  readonly progress: Progress;
  /** Directory of the route tree. */
  readonly hosts: string;
}

export interface BuiltSites {
  readonly sites: Sites;
  readonly lifecycle: Lifecycle;
  readonly reaper: Reaper;
  /** Takes over what still runs, and finishes or undoes what an earlier daemon left half done. */
  readonly recover: () => Promise<void>;
}

export function buildSites(config: Config, deps: BuildSitesDeps): BuiltSites {
  const { foundation, cmdb, emit, database, progress } = deps;
  const { runtime, images, cgroupPathOf, cgroups, cgroup } = foundation;
  const contexts = new SiteContexts({
    dirs: config,
    stacks: STACKS,
    imageByDigest: (digest) => images.byDigest(digest),
    databaseSockets: database.sockets,
    cgroupPathOf,
  });
  const common = { cmdb, runtime, routes: new RouteTree(deps.hosts), contexts, emit, now: Date.now, settings: config };
  const lifecycle = new Lifecycle(common);
  const sites = new Sites({
    ...common,
    tenants: database.tenants,
    lifecycle,
    dirs: config,
    node: config.node,
    defaults: { idleTimeoutMs: config.idleTimeout, lifetimeMs: config.lifetime, memoryBytes: config.memory, cpus: config.cpus, pids: config.pids },
    imageOf: (stack) => images.ensure(stack.recipe, progress),
    authorityOf: (domain) => authorityOf(domain, config.http),
  });
  const recover = async (): Promise<void> => {
    await sites.publishAll();
    await adoptAll(lifecycle, { ...common, strayContainers: () => childCgroups(cgroups, cgroup) });
    await sites.finishInterrupted();
  };
  return { sites, lifecycle, reaper: new Reaper(lifecycle, common), recover };
}
