/** A row of `ps`: what a role of a site does, and what it takes. */
import type { PsRow } from '../api/types.ts';
import type { WakeStats } from '../cmdb/cmdb.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Runtimes } from '../runtime/runtimes.ts';
import type { CpuMeter } from './cpu-meter.ts';

interface PsDeps {
  readonly lifecycle: Lifecycle;
  readonly runtime: Runtimes;
  readonly cpu: CpuMeter;
  /** Why a site's containers are not checkpointed, or null. */
  readonly whyNoCheckpoints: (site: Site) => string | null;
}

interface Place {
  readonly site: Site;
  readonly role: Role;
  readonly stats: WakeStats | undefined;
}

export async function psRow({ site, role, stats }: Place, { lifecycle, runtime, cpu, whyNoCheckpoints }: PsDeps): Promise<PsRow> {
  const live = lifecycle.live(site.id, role);
  const usage = live === undefined ? undefined : await runtime.usage(live.instance.id);
  return {
    runtime: live === undefined ? site.settings.runtime : runtime.runtimeOf(live.instance.id),
    id: site.id,
    site: site.domain,
    role,
    node: site.node,
    state: lifecycle.stateOf(site.id, role),
    pid: live?.process.pid ?? null,
    cpuPercent: live === undefined || usage === undefined ? null : cpu.percent(live.instance.id, usage.cpuMs),
    memoryBytes: usage?.memoryBytes ?? null,
    since: live?.instance.since ?? null,
    instances: lifecycle.livesOf(site.id, role).length,
    why: live?.why ?? (site.app === undefined ? null : whyNoCheckpoints(site)) ?? lifecycle.whyGone(site.id, role) ?? null,
    wakes: stats?.wakes ?? 0,
    lastWake: stats?.lastWake === undefined ? null : { from: stats.lastWake.from, ms: stats.lastWake.ms },
  };
}
