/** Puts the sites and their life cycle together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import type { EdgePaths } from '../edge/edge-service.ts';
import { PageCache } from '../edge/page-cache/page-cache.ts';
import { RouteTree } from '../edge/route-tree.ts';
import type { Image } from '../image/image.ts';
import type { Progress } from '../image/image-store.ts';
import { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import { checkpointSecret } from '../checkpoint/secret.ts';
import { Sealer } from '../checkpoint/seal.ts';
import { TemplateMaker } from '../checkpoint/template-maker.ts';
import { Templates } from '../checkpoint/templates.ts';
import { adoptAll } from '../lifecycle/adopt.ts';
import { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Reaper } from '../lifecycle/reaper.ts';
import { Verdicts } from '../lifecycle/way-verdicts.ts';
import type { Stack } from '../stack/stack.ts';
import { childCgroups } from '../runtime/cgroup/remove.ts';
import { SiteContexts } from '../site/site-context.ts';
import { sitePaths } from '../site/site-paths.ts';
import { Sites } from '../site/sites.ts';
import type { Foundation } from './foundation.ts';
import type { Metrics } from './metrics.ts';
import { platformPaths } from './paths.ts';
import { authorityOf, originsOf } from './platform-api.ts';
import { STACKS } from './stacks.ts';
import type { Database } from './start-database.ts';

export interface BuildSitesDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly database: Database;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly edge: EdgePaths;
}

export interface BuiltSites {
  readonly sites: Sites;
  readonly lifecycle: Lifecycle;
  readonly reaper: Reaper;
  readonly templates: Templates;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly verdicts: Verdicts;
  readonly contexts: SiteContexts;
  readonly pages: PageCache;
  /** Takes over what still runs, and finishes or undoes what an earlier daemon left half done. */
  readonly recover: (stacks: readonly { stack: Stack; image: Image }[]) => Promise<void>;
}

export async function buildSites(config: Config, deps: BuildSitesDeps): Promise<BuiltSites> {
  const { foundation, cmdb, emit, database, progress } = deps;
  const { runtime, images, cgroupPathOf, cgroups, cgroup } = foundation;
  const paths = platformPaths(config);
  const contexts = new SiteContexts({
    dirs: config,
    stacks: STACKS,
    imageByDigest: (digest) => images.byDigest(digest),
    databaseSockets: database.sockets,
    sharedDev: paths.dev,
    cgroupPathOf,
  });
  const sealer = new Sealer(await checkpointSecret(paths.checkpointKey));
  const kept = { runtime, sealer, emit, now: Date.now };
  const maker = new TemplateMaker({ ...kept, dirs: { state: paths.templateWork, run: config.run }, askDir: paths.ask, sharedDev: paths.dev, cgroupPathOf });
  const templates = new Templates({ ...kept, dir: paths.templates, maker, settings: config });
  const ownCheckpoints = new OwnCheckpoints({ ...kept, pathsOf: (siteId) => sitePaths(config, siteId) });
  const ladder = { templates, ownCheckpoints, metrics: deps.metrics, askDir: paths.ask };
  const common = { cmdb, runtime, routes: new RouteTree(deps.edge.hosts), contexts, ...ladder, emit, now: Date.now, settings: config };
  const lifecycle = new Lifecycle(common);
  const verdicts = new Verdicts();
  const pages = new PageCache({ dir: deps.edge.pages, hosts: deps.edge.hosts, originsOf: (host) => originsOf(host, config) });
  const sites = new Sites({
    ...common,
    pages,
    tenants: database.tenants,
    lifecycle,
    dirs: config,
    node: config.node,
    defaults: {
      freezeAfterMs: config.freezeAfter,
      idleTimeoutMs: config.idleTimeout,
      coldAfterMs: config.coldAfter,
      checkpoint: 'auto',
      keepAwake: false,
      maxInstances: config.maxInstances,
      lifetimeMs: config.lifetime,
      memoryBytes: config.memory,
      adminMemoryBytes: config.adminMemory,
      mode: 'strict',
      cacheMs: config.cacheFor,
      cpus: config.cpus,
      pids: config.pids,
    },
    imageOf: (stack) => images.ensure(stack.recipe, progress),
    authorityOf: (domain) => authorityOf(domain, config.http),
  });
  const recover: BuiltSites['recover'] = async (stacks) => {
    await sites.publishAll();
    await templates.load(stacks);
    await ownCheckpoints.load((await cmdb.sites()).map((site) => site.id));
    await adoptAll(lifecycle, { ...common, strayContainers: () => childCgroups(cgroups, cgroup) });
    await sites.finishInterrupted();
  };
  return { sites, lifecycle, reaper: new Reaper(lifecycle, common, verdicts), templates, ownCheckpoints, verdicts, contexts, pages, recover };
}
