/** The composition root: puts the platform together, starts it from the bottom up and stops it from the top down. */
import type { Logger } from 'pino';
import { startMetricsServer } from '../api/metrics-server.ts';
import { startApi } from '../api/server.ts';
import { SqliteCmdb } from '../cmdb/sqlite/sqlite-cmdb.ts';
import type { Config } from '../config/config.ts';
import { Dispatcher } from '../dispatcher/dispatcher.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { AccessLog } from '../edge/access-log.ts';
import { EDGE_UID, edgePaths, makeEdgeDirectories } from '../edge/edge-service.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { HookSignal } from '../hooks/hook.ts';
import type { Image } from '../image/image.ts';
import type { Progress } from '../image/image-store.ts';
import { tryProcessLock } from '../lib/process-lock.ts';
import { EventLog } from '../lifecycle/event-log.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { SystemService } from '../lifecycle/system-service.ts';
import type { Stack } from '../stack/stack.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import type { Runtimes } from '../runtime/runtimes.ts';
import { collectWhenCalm } from './collect-garbage.ts';
import { buildCertificates } from './build-certificates.ts';
import { buildImages } from './build-images.ts';
import { buildContainers } from './build-containers.ts';
import { buildProjects } from './build-projects.ts';
import { buildHooks, startTimers } from './build-hooks.ts';
import { buildSites } from './build-sites.ts';
import type { BuiltSites } from './build-sites.ts';
import { layFoundation } from './foundation.ts';
import type { Foundation } from './foundation.ts';
import { Metrics } from './metrics.ts';
import { noteUse } from './note-use.ts';
import { PageKeeper } from './page-keeper.ts';
import { platformPaths } from './paths.ts';
import { unmountRun } from './run-directory.ts';
import { PlatformApi } from './platform-api.ts';
import { readings } from './readings.ts';
import { refuseBadPolicies } from './site-defaults.ts';
import { STACKS } from './stacks.ts';
import { startDatabase } from './start-database.ts';
import { startEdge } from './start-edge.ts';

/** How long a visitor of wp-admin waits for the checker's answer. */
const CHECK_WITHIN_MS = 10_000;

export interface StartOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly progress: Progress;
  /** Called when a command asks the platform to end. */
  readonly onShutdown: (options: { keep: boolean }) => void;
}

export interface Platform {
  readonly events: EventLog;
  /** Runs the hooks for a signal that the daemon got. */
  signalled(signal: HookSignal): void;
  /** Ends everything; with `keep`, sites and services go on without the daemon, to be adopted later. */
  stop(options: { keep: boolean }): Promise<void>;
}

/**
 * Starts the platform, or takes over one whose daemon was killed.
 *
 * @throws SubakoError `already_running`, `port_taken`, `host_unfit`, `state_damaged`, `build_failed` …; what this call started is stopped again
 */
export async function startPlatform({ config, log, progress, onShutdown }: StartOptions): Promise<Platform> {
  refuseBadPolicies(config);
  const foundation = await layFoundation(config, progress);
  const edge = edgePaths(config);
  const ending = { keep: false };
  await using undo = new AsyncDisposableStack();
  undo.use(takeLock(config));
  undo.defer(() => (ending.keep ? undefined : unmountRun(config.run)));
  undo.defer(() => takeDown(foundation, ending));
  const stacks = await ensureImages(foundation, progress);

  const cmdb = undo.use(new SqliteCmdb(platformPaths(config).cmdb));
  const events = new EventLog({ cmdb, log, now: Date.now });
  const metrics = new Metrics(() => readings({ dispatcher, foundation, cmdb, ...built }));
  events.follow(({ type }) => metrics.event(type));
  undo.defer(() => events.flush());
  const { hooks, emit } = undo.use(buildHooks(config, events.emit));
  tellOfHost(foundation, emit, config);
  await ensureRuntimes(config, { runtime: foundation.runtime, cmdb, emit });

  const serviceDeps = { runtime: foundation.runtime, cmdb, emit, logBytes: config.logSize, progress };
  const database = await startDatabase(config, foundation, serviceDeps);
  undo.defer(() => endService(database.service, ending));
  undo.use(database.statements);
  // If the start fails from here on, what ran before it goes on running.
  ending.keep = database.service.wasAdopted;

  const tls = await buildCertificates(config, { cmdb, emit });
  const images = undo.use(await buildImages(config, { foundation, cmdb }));
  const made = { foundation, cmdb, emit, images };
  const builtContainers = buildContainers(config, { ...made, undo, ending });
  const built = await buildSites(config, { ...made, ...tls, companions: builtContainers.pods, hooks, database, progress, metrics, edge });
  const { lifecycle, templates, ownCheckpoints, recover } = built;
  const pageKeeper = undo.use(new PageKeeper({ config, cmdb, events, ...built }));
  undo.defer(() => (ending.keep ? undefined : lifecycle.sleepAll('platform stopped')));
  progress('looking after the sites');
  await makeEdgeDirectories(edge);
  await recover(stacks);
  const projects = await buildProjects(config, { ...made, ...builtContainers, ...built, undo, ending });
  undo.defer(() => ownCheckpoints.shredded());
  undo.defer(() => templates.stop());

  const dispatcher = await startDispatcher(config, { socket: edge.wakeSocket, cmdb, lifecycle, emit });
  undo.defer(() => dispatcher.stop());
  const edgeService = await startEdge(config, foundation, serviceDeps);
  undo.defer(() => endService(edgeService, ending));
  tls.certificates.start();
  undo.defer(() => tls.certificates.stop());
  pageKeeper.begin({ adopted: edgeService.wasAdopted });
  const accessLog = await startAccessLog(config, edgeService, { cmdb, ...built });
  undo.defer(() => accessLog.stop());
  undo.use(await watchSites({ ...built, config, hooks }, events));
  undo.use(collectWhenCalm(() => lifecycle.isQuiet));
  // Not waited for: until the templates are there, sites boot. Events say how it went.
  for (const { stack, image } of stacks) void templates.ensure({ stack, image, role: 'public' }).catch(() => undefined);

  const services = { database: database.service, edge: edgeService };
  const parts = { ...made, config, events, containers: builtContainers.api, projects, ...built, ...tls, metrics, dispatcher, services, onShutdown };
  undo.use(await openApi(new PlatformApi(parts), config, metrics));
  undo.defer(() => lifecycle.close());

  emit({ type: 'platform.started', facts: { pid: process.pid, http: config.http, https: config.https } });
  return running({ events, hooks, emit, ending, started: undo.move() });
}

interface Running {
  readonly events: EventLog;
  readonly hooks: Hooks;
  readonly emit: EventSink;
  readonly ending: { keep: boolean };
  readonly started: AsyncDisposableStack;
}

function running({ events, hooks, emit, ending, started }: Running): Platform {
  const stop = async ({ keep }: { keep: boolean }): Promise<void> => {
    ending.keep = keep;
    hooks.beginEnding();
    emit({ type: 'platform.stopped', cause: keep ? 'kept running' : 'command' });
    await started.disposeAsync();
  };
  return { events, signalled: (signal) => hooks.signalled(signal), stop };
}

/** Removes what the platform put on the machine for its containers. Each step is tried, whatever became of the one before. */
async function takeDown({ remounter, ahead, networks, roots, rootFilesystems, cgroups, cgroup }: Foundation, { keep }: { keep: boolean }): Promise<void> {
  await using steps = new AsyncDisposableStack();
  steps.use(remounter);
  steps.use(ahead);
  if (keep) return;
  steps.defer(() => rootFilesystems.unmountAll());
  steps.defer(() => removeCgroup(cgroups, cgroup));
  steps.defer(() => roots.unmountAll());
  steps.defer(() => networks.end());
}

function tellOfHost({ claimed, noSpares }: Foundation, emit: EventSink, config: Config): void {
  if (claimed.length > 0) emit({ type: 'host.adjusted', cause: 'hybrid cgroups', facts: { mounted: claimed } });
  if (noSpares !== undefined && config.spares > 0) emit({ type: 'host.adjusted', cause: `no spares: ${noSpares}` });
}

/** Makes the runtimes that sites are set to. Where one cannot be made, its sites fail to wake and say why; the others are not affected. */
async function ensureRuntimes(config: Config, { runtime, cmdb, emit }: { runtime: Runtimes; cmdb: SqliteCmdb; emit: EventSink }): Promise<void> {
  const wanted = new Set([config.runtime, ...(await cmdb.sites()).map(({ settings }) => settings.runtime)]);
  for (const name of wanted) await runtime.ensure(name).catch((error: unknown) => emit({ type: 'host.adjusted', cause: `no ${name}: ${String(error)}` }));
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

async function startAccessLog(config: Config, edgeService: SystemService, parts: Parameters<typeof noteUse>[1]): Promise<AccessLog> {
  const accessLog = new AccessLog({
    path: edgePaths(config).accessLog,
    maxBytes: config.logSize,
    reopen: () => edgeService.signal('SIGUSR1'),
    onEvents: (seen) => void noteUse(seen, parts).catch(() => undefined), // the next request notes it again
  });
  await accessLog.start();
  return accessLog;
}

async function openApi(platform: PlatformApi, config: Config, metrics: Metrics): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const api = await startApi(platform, platformPaths(config).api);
  undo.defer(() => api.close());
  if (config.metrics !== undefined) undo.use(await startMetricsServer(config.metrics, () => metrics.text()));
  return undo.move();
}

/** Starts what happens to sites without anybody asking: rests, timed work, jobs, timers. */
async function watchSites(parts: BuiltSites & { readonly config: Config; readonly hooks: Hooks }, events: EventLog): Promise<AsyncDisposable> {
  const { reaper, spares, cron, jobs, primaryDomain, config } = parts;
  await using undo = new AsyncDisposableStack();
  reaper.start();
  undo.defer(async () => void (await Promise.all([reaper.stop(), spares.stop()])));
  await cron.start(events);
  undo.defer(() => cron.stop());
  await jobs.start();
  undo.defer(() => jobs.stop());
  undo.use(startTimers(config, parts));
  primaryDomain.start();
  undo.defer(() => primaryDomain.stop());
  return undo.move();
}

async function startDispatcher(config: Config, deps: { socket: string; cmdb: SqliteCmdb; lifecycle: Lifecycle; emit: EventSink }): Promise<Dispatcher> {
  const dispatcher = new Dispatcher({
    socket: deps.socket,
    edgeGid: EDGE_UID,
    cmdb: deps.cmdb,
    wake: (site, role, cause) => deps.lifecycle.wake(site, role, cause),
    deadlineMs: config.wakeDeadline,
    maxWaiters: config.maxWaiters,
    emit: deps.emit,
    doorkeeper: {
      deadlineMs: CHECK_WITHIN_MS,
      onFailure: (site, { message }) => deps.emit({ type: 'checker.failed', site: site.domain, facts: { checker: site.settings.adminAuth, message } }),
    },
  });
  await dispatcher.start();
  return dispatcher;
}

async function ensureImages({ images, roots, noCheckpoints }: Foundation, progress: Progress): Promise<{ stack: Stack; image: Image }[]> {
  const made = [];
  for (const stack of STACKS.values()) {
    const image = await images.ensure(stack.recipe, (text) => progress(`${stack.name} image: ${text}`));
    if (noCheckpoints === undefined) await roots.mount(image.rootfs);
    made.push({ stack, image });
  }
  return made;
}
