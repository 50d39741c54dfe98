/** Puts together what owners do with sites that are there. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import { Jobs } from '../job/jobs.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Addresses } from '../site/addresses.ts';
import { CodeSites } from '../site/code-sites.ts';
import { CronClock } from '../site/cron-clock.ts';
import { Dumps } from '../site/dumps.ts';
import { Owner } from '../site/owner.ts';
import { PrimaryDomain } from '../site/primary-domain.ts';
import type { SiteContexts } from '../site/site-context.ts';
import { SiteImport } from '../site/site-import.ts';
import { SiteTools } from '../site/site-tools.ts';
import { Releases } from '../site/releases.ts';
import type { ImageOf } from '../site/newest-images.ts';
import type { Sites } from '../site/sites.ts';
import type { Foundation } from './foundation.ts';
import { platformPaths } from './paths.ts';
import { codeDefaults } from './site-defaults.ts';
import type { Database } from './start-database.ts';

export interface BuildOwnerDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly now: () => number;
  readonly database: Database;
  readonly lifecycle: Lifecycle;
  readonly routes: RouteTree;
  readonly pages: PageCache;
  readonly contexts: SiteContexts;
  readonly sites: Sites;
  readonly addresses: Addresses;
  readonly imageOf: ImageOf;
}

export interface BuiltOwner {
  readonly codeSites: CodeSites;
  readonly owner: Owner;
  readonly primaryDomain: PrimaryDomain;
  readonly dumps: Dumps;
  readonly imports: SiteImport;
  readonly cron: CronClock;
  readonly jobs: Jobs;
}

export function buildOwner(config: Config, deps: BuildOwnerDeps): BuiltOwner {
  const { database, foundation } = deps;
  const { runtime, cgroupPathOf, toolbox } = foundation;
  const common = { ...deps, runtime, dirs: config };
  const tools = new SiteTools(common);
  const owner = new Owner({ ...common, tools, wpCli: config.wpCli ?? platformPaths(config).wpCli });
  const ofDatabase = { drafts: database.drafts, databaseSocket: database.socket, databaseSockets: database.sockets, rootfs: toolbox.image.rootfs };
  const { importSizeLimit } = config;
  const dumps = new Dumps({ ...common, ...ofDatabase, cgroupPathOf, importSizeLimit });
  const { tenants } = database;
  const releases = new Releases({ ...common, rootfs: toolbox.image.rootfs, cgroupPathOf, importSizeLimit });
  return {
    codeSites: new CodeSites({
      ...common,
      networks: foundation.containerNetworks,
      remounter: foundation.remounter,
      tenants,
      releases,
      codeDefaults: (domain, stack) => codeDefaults(config, domain, stack),
    }),
    owner,
    dumps,
    primaryDomain: new PrimaryDomain({ ...common, owner }),
    imports: new SiteImport({ ...common, dumps, owner, tools, importSizeLimit, dir: config.state }),
    jobs: new Jobs(common),
    cron: new CronClock({ ...common, ...ofDatabase, tools, random: Math.random }),
  };
}
