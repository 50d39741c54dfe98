/** Puts the database service together and starts it. */
import type { Config } from '../config/config.ts';
import { Drafts } from '../database/drafts.ts';
import { databasePaths, mariadbSpec, prepareMariadb } from '../database/mariadb-service.ts';
import { Seeds } from '../database/seeds.ts';
import { StatementWatch } from '../database/statement-watch.ts';
import { Tenants } from '../database/tenants.ts';
import type { Progress } from '../image/image-store.ts';
import { serviceContainerId, SystemService } from '../lifecycle/system-service.ts';
import type { ServiceDeps } from '../lifecycle/system-service.ts';
import type { Foundation } from './foundation.ts';

const NAME = 'database';
const READY_WITHIN_MS = 60_000;
const END_WITHIN_MS = 30_000;

export interface Database {
  readonly service: SystemService;
  readonly tenants: Tenants;
  readonly drafts: Drafts;
  readonly seeds: Seeds;
  /** To be disposed of before the service ends. */
  readonly statements: StatementWatch;
  readonly socket: string;
  /** Directory of its socket on the host. */
  readonly sockets: string;
}

export async function startDatabase(config: Config, foundation: Foundation, deps: ServiceDeps & { progress: Progress }): Promise<Database> {
  const paths = databasePaths(config);
  const options = {
    rootfs: foundation.toolbox.image.rootfs,
    cgroupPath: foundation.cgroupPathOf(serviceContainerId(NAME)),
    bufferPoolBytes: config.databaseMemory,
  };
  const rootPassword = await prepareMariadb(paths, options, { ...deps, installCgroupPathOf: foundation.cgroupPathOf });
  const access = { socket: paths.socket, rootPassword };
  const tenants = new Tenants(access);
  const definition = {
    name: NAME,
    spec: mariadbSpec(paths, options),
    configuration: '',
    logPath: paths.log,
    isReady: () => tenants.isReady(),
    readyWithinMs: READY_WITHIN_MS,
    endSignal: 'SIGTERM' as const,
    endWithinMs: END_WITHIN_MS,
  };
  deps.progress('starting the database');
  const service = new SystemService(definition, deps);
  await service.start();
  return {
    service,
    tenants,
    drafts: new Drafts(access),
    seeds: new Seeds(access, tenants),
    statements: new StatementWatch(access),
    socket: paths.socket,
    sockets: paths.sockets,
  };
}
