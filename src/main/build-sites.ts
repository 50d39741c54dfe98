/** Puts the sites and their life cycle together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import { isUp } from '../domain/container.ts';
import type { EventSink } from '../domain/events.ts';
import type { EdgePaths } from '../edge/edge-service.ts';
import { NameRoutes } from '../edge/name-routes.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import { RouteTree } from '../edge/route-tree.ts';
import type { Image } from '../image/image.ts';
import type { Progress } from '../image/image-store.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import type { Spares } from '../checkpoint/spares.ts';
import type { Templates } from '../checkpoint/templates.ts';
import type { Trials } from '../checkpoint/trials.ts';
import type { Companions } from '../lifecycle/companions.ts';
import { ConnectionCounter } from '../lifecycle/connections.ts';
import { adoptAll } from '../lifecycle/adopt.ts';
import { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Reaper } from '../lifecycle/reaper.ts';
import { Verdicts } from '../lifecycle/way-verdicts.ts';
import { APP_STACK, appStack } from '../stack/app/app.ts';
import type { Stack } from '../stack/stack.ts';
import { Addresses } from '../site/addresses.ts';
import { AppImages } from '../site/app-image.ts';
import { ImageGate } from '../site/image-gate.ts';
import { SiteContexts } from '../site/site-context.ts';
import type { NameWatcher } from '../site/names.ts';
import { SeedMaker } from '../site/seed-maker.ts';
import { Sites } from '../site/sites.ts';
import type { ImageOf } from '../site/newest-images.ts';
import { buildOwner } from './build-owner.ts';
import type { BuiltOwner } from './build-owner.ts';
import type { Foundation } from './foundation.ts';
import type { Metrics } from './metrics.ts';
import { platformPaths } from './paths.ts';
import { buildMail } from './build-mail.ts';
import { buildPages } from './build-pages.ts';
import { buildCheckpoints } from './build-checkpoints.ts';
import { appDefaults, applyPolicies, siteDefaults } from './site-defaults.ts';
import { CODE_STACKS, STACKS } from './stacks.ts';
import { tellNetworkFailures } from './tell-network-failures.ts';
import type { Database } from './start-database.ts';

export interface BuildSitesDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly hooks: Hooks;
  readonly database: Database;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly edge: EdgePaths;
  readonly images: OciStore;
  readonly companions: Companions;
  readonly certificates: NameWatcher & { isBelieved(name: string): boolean };
}

export interface BuiltSites extends BuiltOwner {
  readonly sites: Sites;
  readonly lifecycle: Lifecycle;
  readonly reaper: Reaper;
  readonly templates: Templates;
  readonly spares: Spares;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly trials: Trials;
  readonly verdicts: Verdicts;
  readonly contexts: SiteContexts;
  readonly pages: PageCache;
  readonly addresses: Addresses;
  /** Takes over what still runs, and finishes or undoes what an earlier daemon left half done. */
  readonly recover: (stacks: readonly { stack: Stack; image: Image }[]) => Promise<void>;
}

export async function buildSites(config: Config, deps: BuildSitesDeps): Promise<BuiltSites> {
  const { foundation, cmdb, emit, database, certificates } = deps;
  const paths = platformPaths(config);
  const contexts = buildContexts(config, deps);
  const { spareMaker, strayContainers, ...checkpoints } = await buildCheckpoints(config, deps);
  const { templates, ownCheckpoints } = checkpoints;
  const { metrics, hooks, companions } = deps;
  const ladder = { ...checkpoints, metrics, mail: buildMail(config, emit), hooks, companions, askDir: paths.ask };
  const common = { ...lifecycleParts(config, deps), contexts, imageOf: newestImages(deps), ...ladder };
  tellNetworkFailures(foundation, { cmdb, emit });
  const lifecycle = new Lifecycle(common);
  const verdicts = new Verdicts();
  const addresses = new Addresses({ ports: config, isBelieved: (name) => certificates.isBelieved(name) });
  const pages = buildPages({ edge: deps.edge, cmdb, addresses });
  const seedMaker = buildSeeds(config, deps);
  const sites = new Sites({
    ...common,
    names: new NameRoutes(deps.edge.hosts),
    watcher: certificates,
    pages,
    tenants: database.tenants,
    seeds: seedMaker,
    lifecycle,
    dirs: config,
    node: config.node,
    defaults: (domain) => siteDefaults(config, domain),
    appDefaults: (domain) => appDefaults(config, domain),
    appImages: new AppImages({ images: deps.images, gate: new ImageGate({ images: deps.images, emit, settings: config }) }),
    addresses,
    ensureRuntime: (name) => foundation.runtime.ensure(name),
  });
  const ofOwner = buildOwner(config, { ...common, pages, foundation, database, lifecycle, sites, addresses });
  const recover: BuiltSites['recover'] = async (stacks) => {
    const known = new Set([...(await cmdb.instances()), ...(await cmdb.containers()).filter(isUp)].map(({ id }) => id));
    await foundation.networks.sweep(known);
    for (const site of await cmdb.sites()) await ofOwner.primaryDomain.recover(site);
    await database.drafts.dropAll();
    await sites.publishAll();
    await templates.load(stacks);
    await ownCheckpoints.load((await cmdb.sites()).map((site) => site.id));
    await adoptAll(lifecycle, { ...common, strayContainers });
    await spareMaker.clear();
    await seedMaker.clear(stacks.map(({ image }) => image));
    await sites.whole.finishInterrupted();
    await applyPolicies(config, { sites, all: await cmdb.sites(), emit });
  };
  return {
    ...ofOwner,
    sites,
    lifecycle,
    reaper: new Reaper(lifecycle, common, verdicts),
    ...checkpoints,
    verdicts,
    contexts,
    pages,
    addresses,
    recover,
  };
}

function lifecycleParts(config: Config, { foundation, cmdb, emit, edge }: BuildSitesDeps) {
  const { runtime, containerNetworks: networks, toolbox } = foundation;
  return { cmdb, runtime, routes: new RouteTree(edge.hosts), networks, connections: new ConnectionCounter(toolbox), emit, now: Date.now, settings: config };
}

function newestImages({ foundation, progress }: BuildSitesDeps): ImageOf {
  return ({ name, recipe }) => foundation.images.ensure(recipe, (text) => progress(`${name} image: ${text}`));
}

function buildSeeds(config: Config, { foundation, database }: BuildSitesDeps): SeedMaker {
  const { runtime, cgroupPathOf } = foundation;
  const { seeds, seedWork, dev, ask } = platformPaths(config);
  const dirs = { state: seedWork, run: config.run };
  return new SeedMaker({
    runtime,
    seeds: database.seeds,
    dir: seeds,
    dirs,
    databaseSockets: database.sockets,
    sharedDev: dev,
    askDir: ask,
    cgroupPathOf,
    now: Date.now,
  });
}

function buildContexts(config: Config, { foundation, cmdb, database, images: ociImages }: BuildSitesDeps): SiteContexts {
  const { images, cgroupPathOf, rootFilesystems: roots, masks } = foundation;
  return new SiteContexts({
    dirs: config,
    stacks: new Map<string, Stack>([...STACKS, ...CODE_STACKS, [APP_STACK, appStack({ roots, volumes: platformPaths(config).volumes })]]),
    imageByDigest: (digest) => images.byDigest(digest),
    ociImages,
    rootOf: (id) => roots.of(id),
    databaseSockets: database.sockets,
    sharedDev: platformPaths(config).dev,
    masks,
    cgroupPathOf,
    networks: () => cmdb.networks(),
  });
}
