/** What the life cycle works with; all of it is handed in by the composition root. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { EventSink } from '../domain/events.ts';
import type { RouteTree } from '../edge/route-tree.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SiteContexts } from '../site/site-context.ts';

interface LifecycleSettings {
  readonly node: string;
  readonly maxBoots: number;
  readonly maxQueuedBoots: number;
  readonly bootDeadline: number;
  readonly drainDeadline: number;
  readonly logSize: number;
}

export interface LifecycleDeps {
  readonly cmdb: Cmdb;
  readonly runtime: Runtime;
  readonly routes: RouteTree;
  readonly contexts: SiteContexts;
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly settings: LifecycleSettings;
}
