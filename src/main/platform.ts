/** The composition root: puts the platform together, starts it from the bottom up and stops it from the top down. */
import type { Logger } from 'pino';
import { startApi } from '../api/server.ts';
import { SqliteCmdb } from '../cmdb/sqlite/sqlite-cmdb.ts';
import type { Config } from '../config/config.ts';
import { Dispatcher } from '../dispatcher/dispatcher.ts';
import { SubakoError } from '../domain/errors.ts';
import { AccessLog } from '../edge/access-log.ts';
import type { AccessEvent } from '../edge/access-log.ts';
import { EDGE_UID, edgePaths, makeEdgeDirectories } from '../edge/edge-service.ts';
import type { Progress } from '../image/image-store.ts';
import { tryProcessLock } from '../lib/process-lock.ts';
import { EventLog } from '../lifecycle/event-log.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { SystemService } from '../lifecycle/system-service.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import { buildSites } from './build-sites.ts';
import { layFoundation } from './foundation.ts';
import { platformPaths } from './paths.ts';
import { PlatformApi } from './platform-api.ts';
import { STACKS } from './stacks.ts';
import { startDatabase } from './start-database.ts';
import { startEdge } from './start-edge.ts';

export interface StartOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly progress: Progress;
  /** Called when somebody asks over the API that the platform end. */
  readonly onShutdown: (options: { keep: boolean }) => void;
}

export interface Platform {
  readonly events: EventLog;
  /** Ends everything; with `keep`, sites and services go on without the daemon, to be adopted later. */
  stop(options: { keep: boolean }): Promise<void>;
}

/**
 * Starts the platform, or takes over one whose daemon was killed.
 *
 * @throws SubakoError `already_running`, `port_taken`, `host_unfit`, `state_damaged`, `build_failed` …; what this call started is stopped again
 */
export async function startPlatform({ config, log, progress, onShutdown }: StartOptions): Promise<Platform> {
  const foundation = await layFoundation(config, progress);
  const { runtime, images } = foundation;
  const edge = edgePaths(config);
  const ending = { keep: false };
  await using undo = new AsyncDisposableStack();
  undo.use(takeLock(config));
  undo.defer(() => (ending.keep ? undefined : removeCgroup(foundation.cgroups, foundation.cgroup)));
  for (const stack of STACKS.values()) await images.ensure(stack.recipe, (text) => progress(`${stack.name} image: ${text}`));

  const cmdb = undo.use(new SqliteCmdb(platformPaths(config).cmdb));
  const events = new EventLog({ cmdb, log, now: Date.now });
  undo.defer(() => events.flush());
  const { emit } = events;
  if (foundation.claimed.length > 0) emit({ type: 'host.adjusted', cause: 'hybrid cgroups', facts: { mounted: foundation.claimed } });

  const serviceDeps = { runtime, cmdb, emit, logBytes: config.logSize, progress };
  const database = await startDatabase(config, foundation, serviceDeps);
  undo.defer(() => endService(database.service, ending));
  // When the start fails further on, what ran before goes on running.
  ending.keep = database.service.wasAdopted;

  const { sites, lifecycle, reaper, recover } = buildSites(config, { foundation, cmdb, emit, database, progress, hosts: edge.hosts });
  undo.defer(() => (ending.keep ? undefined : lifecycle.sleepAll('platform stopped')));
  progress('looking after the sites');
  await makeEdgeDirectories(edge);
  await recover();

  const dispatcher = await startDispatcher(config, { socket: edge.wakeSocket, cmdb, lifecycle });
  undo.defer(() => dispatcher.stop());
  const edgeService = await startEdge(config, foundation, serviceDeps);
  undo.defer(() => endService(edgeService, ending));
  const accessLog = new AccessLog({
    path: edge.accessLog,
    maxBytes: config.logSize,
    reopen: () => edgeService.signal('SIGUSR1'),
    onEvents: (seen) => void noteUse(seen, { cmdb, lifecycle }).catch(() => undefined), // the next request notes it again
  });
  await accessLog.start();
  undo.defer(() => accessLog.stop());
  reaper.start();
  undo.defer(() => reaper.stop());

  const services = { database: database.service, edge: edgeService };
  const api = await startApi(
    new PlatformApi({ config, foundation, cmdb, events, sites, lifecycle, dispatcher, services, onShutdown }),
    platformPaths(config).api,
  );
  undo.defer(() => api.close());
  undo.defer(() => lifecycle.close());

  emit({ type: 'platform.started', facts: { pid: process.pid, http: config.http, https: config.https } });
  const started = undo.move();
  const stop = async ({ keep }: { keep: boolean }): Promise<void> => {
    ending.keep = keep;
    emit({ type: 'platform.stopped', cause: keep ? 'kept running' : 'command' });
    await started.disposeAsync();
  };
  return { events, stop };
}

function takeLock(config: Config): Disposable {
  const lock = tryProcessLock(platformPaths(config).lock);
  if (lock !== undefined) return lock;
  throw new SubakoError('already_running', `a platform is already running on ${config.state}`, {
    hint: 'subako status shows it; give --state and --run to start another beside it',
  });
}

function endService(service: SystemService, { keep }: { keep: boolean }): Promise<void> {
  return keep ? service.release() : service.stop();
}

async function startDispatcher(config: Config, deps: { socket: string; cmdb: SqliteCmdb; lifecycle: Lifecycle }): Promise<Dispatcher> {
  const dispatcher = new Dispatcher({
    socket: deps.socket,
    edgeGid: EDGE_UID,
    cmdb: deps.cmdb,
    wake: (site, cause) => deps.lifecycle.wake(site, cause),
    deadlineMs: config.wakeDeadline,
    maxWaiters: config.maxWaiters,
  });
  await dispatcher.start();
  return dispatcher;
}

async function noteUse(seen: readonly AccessEvent[], { cmdb, lifecycle }: { cmdb: SqliteCmdb; lifecycle: Lifecycle }): Promise<void> {
  for (const host of new Set(seen.map((event) => event.host))) {
    const site = await cmdb.siteByDomain(host);
    if (site !== undefined) lifecycle.touch(site.id);
  }
}
