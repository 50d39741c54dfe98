/** Puts the containers of images together, and takes over those that run. */
import { availableParallelism, totalmem } from 'node:os';
import type { ApiContainers } from '../api/platform.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { Pods } from '../compose/pods.ts';
import type { Config } from '../config/config.ts';
import { Containers } from '../container/containers.ts';
import type { ContainersDeps, MonitorSource } from '../container/deps.ts';
import { endAll } from '../container/end-all.ts';
import { NamedNetworks } from '../container/named-networks.ts';
import { parseIpv4Range } from '../lib/ipv4.ts';
import { HealthChecks } from '../container/health-checks.ts';
import { recoverContainers } from '../container/recover.ts';
import { Volumes } from '../container/volumes.ts';
import { ContainerWatcher } from '../container/watcher.ts';
import type { EventSink } from '../domain/events.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { ImageStore } from '../image/image-store.ts';
import { Monitors } from '../runtime/monitor/conmon.ts';
import { ensureConmon } from '../toolbox/container-tools.ts';
import { networksApi } from './networks-api.ts';
import { containersApi } from './containers-api.ts';
import type { Foundation } from './foundation.ts';
import { platformDigest, platformPaths } from './paths.ts';

export interface BuildContainersDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly images: OciStore;
}

/** What is done when the platform ends. */
export interface Ending {
  /** Takes steps for the end. With `keep` set by then, containers go on without the platform. */
  readonly undo: AsyncDisposableStack;
  readonly ending: { readonly keep: boolean };
}

export interface BuiltContainers {
  readonly containers: Containers;
  readonly health: HealthChecks;
  readonly volumes: Volumes;
  readonly named: NamedNetworks;
  readonly pods: Pods;
  readonly deps: ContainersDeps;
  readonly api: ApiContainers;
}

/** Puts them together, and starts nothing yet: sites are built next, and need them for companions. */
export function buildContainers(config: Config, { foundation, undo, ending, ...shared }: BuildContainersDeps & Ending): BuiltContainers {
  const { containers: dir, volumes, exits, projects } = platformPaths(config);
  const machine = { memoryBytes: totalmem(), cpus: availableParallelism() };
  const { runtime, rootFilesystems, remounter, networks, cgroupPathOf } = foundation;
  const deps: ContainersDeps = {
    ...shared,
    runtime,
    rootFilesystems,
    remounter,
    networks,
    cgroupPathOf,
    machine,
    monitors: monitorSource(config, foundation.toolboxes),
    now: Date.now,
    dirs: { containers: dir, volumes, exits },
    logBytes: config.logSize,
    volumeRoots: config.volumeRoots,
    perl: foundation.toolbox.perl,
    toolsRoot: foundation.toolbox.image.rootfs,
  };
  const containers = new Containers(deps);
  const health = new HealthChecks(deps);
  const volumesApi = new Volumes(deps);
  const range = config.egressRange === 'none' ? undefined : parseIpv4Range(config.networkRange);
  const named = new NamedNetworks({ ...shared, now: Date.now, range, platform: platformDigest(config.state) });
  const pods = new Pods({ ...shared, containers, health, networks: named, dir: projects });
  // After all sites have ended, for companions that a site did not end itself.
  undo.defer(() => (ending.keep ? undefined : pods.settle(() => 'asleep')));
  const networksOfOwn = networksApi({ containers, named, deps });
  const api = containersApi({ containers, networks: networksOfOwn, volumes: volumesApi, health, deps, node: config.node, memoryBytes: machine.memoryBytes });
  return { containers, health, volumes: volumesApi, named, pods, deps, api };
}

/** Takes over those that run, and looks after them. */
export async function beginContainers({ containers, health, pods, deps }: BuiltContainers, { undo, ending }: Ending): Promise<void> {
  // A site's companions end with it.
  undo.defer(() => (ending.keep ? undefined : endAll(containers, (container) => pods.isCompanion(container))));
  await recoverContainers(containers, deps);
  undo.use(new ContainerWatcher(containers, health, deps));
  undo.defer(() => containers.close());
  undo.defer(() => pods.close());
}

/** A machine that detaches no container never fetches conmon. */
function monitorSource(config: Config, toolboxes: ImageStore): MonitorSource {
  const { exits } = platformPaths(config);
  const monitors = new Monitors({ exits, logBytes: config.logSize });
  let program: Promise<string> | undefined;
  return {
    exitCode: (id) => monitors.exitCode(id),
    forget: (id) => monitors.forget(id),
    ended: () => monitors.ended(),
    ready: async (progress) => {
      program ??= ensureConmon(toolboxes, (text) => progress(`container tools: ${text}`)).catch((error: unknown) => {
        program = undefined; // the next one tries again
        throw error;
      });
      const conmon = await program;
      return { create: (id, wish) => monitors.create(conmon, id, wish), inputOf: (creation) => monitors.inputOf(creation) };
    },
  };
}
