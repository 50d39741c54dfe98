/** What the life cycle works with; all of it is handed in by the composition root. */
import type { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import type { Spares } from '../checkpoint/spares.ts';
import type { Templates } from '../checkpoint/templates.ts';
import type { Trials } from '../checkpoint/trials.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { EventSink } from '../domain/events.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { MailDoors } from '../mail/mail-doors.ts';
import type { ContainerNetworks } from '../runtime/container-networks.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SiteContexts } from '../site/site-context.ts';
import type { Companions } from './companions.ts';
import type { ConnectionCounter } from './connections.ts';
import type { LifecycleMetrics } from './lifecycle-metrics.ts';

interface LifecycleSettings {
  /** Name of this machine, in records. */
  readonly node: string;
  /** How many instances may start at the same time, and how many more may wait for that. */
  readonly maxBoots: number;
  readonly maxQueuedBoots: number;
  /** Milliseconds that a boot may take, unless the site says otherwise. */
  readonly bootDeadline: number;
  /** Milliseconds that running requests have to end before a rest that was ordered; then they are cut. */
  readonly drainDeadline: number;
  /** Bytes that the log of an instance may grow to. */
  readonly logSize: number;
  /** Part of the machine's memory, from 0 to 1, that is to stay free. Below it, the instances that are missed least leave memory. */
  readonly memoryReserve: number;
  /** Requests at once for each instance above which another instance is started. */
  readonly targetInFlight: number;
}

export interface LifecycleDeps {
  readonly cmdb: Cmdb;
  readonly runtime: Runtime;
  readonly routes: RouteTree;
  readonly contexts: SiteContexts;
  readonly templates: Templates;
  readonly spares: Spares;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly trials: Trials;
  readonly metrics: LifecycleMetrics;
  readonly mail: MailDoors;
  readonly connections: ConnectionCounter;
  readonly networks: Pick<ContainerNetworks, 'addressOf'>;
  readonly hooks: Hooks;
  readonly companions: Companions;
  /** A short directory for links to sockets, below the run directory. */
  readonly askDir: string;
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly settings: LifecycleSettings;
}
