/** At the start of the daemon: takes over instances that still run, and removes what an earlier daemon left half made. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import { isUp } from '../domain/container.ts';
import type { Instance } from '../domain/instance.ts';
import { ROLES } from '../domain/role.ts';
import { isAlive, signalProcess } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Lifecycle } from './lifecycle.ts';
import { upstreamsOf } from './end.ts';
import { Live } from './live.ts';
import { openMailDoor } from './open-mail-door.ts';

export interface AdoptDeps extends LifecycleDeps {
  /** Ids of containers that have a cgroup, though the runtime may have forgotten them. */
  readonly strayContainers: () => Promise<string[]>;
}

/**
 * Adopts each recorded instance whose first process is the same, by pid and start time. Removes those that were still booting or are dead,
 * and every container that has no record.
 */
export async function adoptAll(lifecycle: Lifecycle, deps: AdoptDeps): Promise<void> {
  for (const instance of await deps.cmdb.instances()) {
    if (await adopt(instance, lifecycle, deps)) continue;
    await leadAway(instance, lifecycle, deps);
    await removeInstance(instance, deps);
    deps.emit({
      type: 'leftover.removed',
      instance: instance.id,
      cause: instance.state === 'booting' ? 'the daemon ended while it was booting' : 'it died while the daemon was away',
    });
  }
  await removeStrangers(deps);
}

async function adopt(instance: Instance, lifecycle: Lifecycle, deps: AdoptDeps): Promise<boolean> {
  const { process, role } = instance;
  // A record of an older Subako, where sites had other roles.
  if (!ROLES.includes(role)) return false;
  const site = await deps.cmdb.site(instance.siteId);
  if (instance.state === 'booting' || process === undefined || !isAlive(process) || site?.phase !== 'ready') return false;
  const stack = deps.contexts.stackOf(site);
  const context = await deps.contexts.of({ ...site, image: instance.image }, role, instance.id);
  // The daemon may have died between a freeze or a thaw and its record: the kernel knows.
  const state = deps.runtime.isFrozen(instance.id) ? 'frozen' : 'running';
  const live = new Live({ site, instance: { ...instance, state }, process, stack, context, usedAt: deps.now(), address: deps.networks.addressOf(instance.id) });
  signalProcess(process, 'SIGCONT'); // it is stopped, if the daemon died while it was to be checkpointed
  if (!(await route(live, lifecycle, deps))) return false;
  if (state !== instance.state) await deps.cmdb.putInstance(live.instance);
  live.cause = 'adopted';
  // The daemon may have died before it could.
  if (role === 'public') void deps.ownCheckpoints.consume(site.id).catch(() => undefined); // what is left of it goes at the next start
  await openMailDoor(deps.mail, stack, context);
  lifecycle.adopt(live);
  deps.emit({ type: 'instance.adopted', site: site.domain, instance: instance.id, facts: { pid: process.pid, state, bootedAt: instance.bootedAt } });
  return true;
}

/** Writes the route of its role anew: to running instances alone, because a request would hang in a frozen one. False when that fails. */
async function route(live: Live, lifecycle: Lifecycle, { routes }: AdoptDeps): Promise<boolean> {
  const others = lifecycle.livesOf(live.site.id, live.role);
  const running = [...others, live].filter((one) => !one.isFrozen);
  try {
    await routes.setUpstreams(live.site.domain, live.role, upstreamsOf(running));
    return true;
  } catch {
    return false; // its link is gone, say
  }
}

/** Takes one that is gone out of its role's route: its address may soon be another container's. */
async function leadAway({ siteId, role }: Instance, lifecycle: Lifecycle, { cmdb, routes }: AdoptDeps): Promise<void> {
  const site = await cmdb.site(siteId);
  if (site !== undefined) await routes.setUpstreams(site.domain, role, upstreamsOf(lifecycle.livesOf(siteId, role).filter((one) => !one.isFrozen)));
}

async function removeInstance(instance: Instance, { cmdb, runtime, contexts }: AdoptDeps): Promise<void> {
  await runtime.remove(instance.id);
  const site = await cmdb.site(instance.siteId);
  if (site !== undefined) {
    const { id, role, image } = instance;
    const context = await contexts.of({ ...site, image }, role, id).catch(() => contexts.of(site, role, id));
    await contexts.stackOf(site).tidy(context);
  }
  await cmdb.deleteInstance(instance.id);
}

async function removeStrangers({ runtime, cmdb, strayContainers, emit }: AdoptDeps): Promise<void> {
  const known = await knownContainers(cmdb);
  const found = new Set([...(await runtime.list()), ...(await strayContainers())]);
  for (const id of found) {
    if (known.has(id)) continue;
    await runtime.remove(id);
    emit({ type: 'leftover.removed', instance: id, cause: 'a container that belongs to no site' });
  }
}

async function knownContainers(cmdb: Cmdb): Promise<Set<string>> {
  const [instances, services, containers] = await Promise.all([cmdb.instances(), cmdb.services(), cmdb.containers()]);
  return new Set([...instances.map(({ id }) => id), ...services.map(({ containerId }) => containerId), ...containers.filter(isUp).map(({ id }) => id)]);
}
