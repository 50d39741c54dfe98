/** Takes the figures that are read only when somebody asks for metrics. */
import type { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import type { Templates } from '../checkpoint/templates.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Dispatcher } from '../dispatcher/dispatcher.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Foundation } from './foundation.ts';
import type { Readings } from './metrics.ts';

export interface ReadingsFrom {
  readonly cmdb: Cmdb;
  readonly lifecycle: Lifecycle;
  readonly dispatcher: Dispatcher;
  readonly templates: Templates;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly foundation: Foundation;
}

const NONE = { running: 0, frozen: 0 };

export async function readings({ cmdb, lifecycle, dispatcher, templates, ownCheckpoints, foundation }: ReadingsFrom): Promise<Readings> {
  const sitesByState: Record<string, number> = { ...NONE, booting: 0, checkpointed: 0, cold: 0 };
  for (const site of await cmdb.sites()) {
    const state = lifecycle.stateOfSite(site.id);
    sitesByState[state] = (sitesByState[state] ?? 0) + 1;
  }
  const instancesByState: Record<string, number> = { ...NONE };
  const memoryBytesByState: Record<string, number> = { ...NONE };
  for (const live of lifecycle.allLive()) {
    const { state } = live.instance;
    const usage = await foundation.runtime.usage(live.instance.id);
    instancesByState[state] = (instancesByState[state] ?? 0) + 1;
    memoryBytesByState[state] = (memoryBytesByState[state] ?? 0) + (usage?.memoryBytes ?? 0);
  }
  return {
    sitesByState,
    instancesByState,
    memoryBytesByState,
    waitingRequests: dispatcher.waiting,
    queuedStarts: lifecycle.queuedBoots,
    checkpointBytes: bytesOf(ownCheckpoints.list()),
    templateBytes: bytesOf(templates.list()),
  };
}

function bytesOf(list: readonly { bytes: number }[]): number {
  return list.reduce((total, { bytes }) => total + bytes, 0);
}
