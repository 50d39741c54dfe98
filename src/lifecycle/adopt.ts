/** At start: takes over what still runs, and removes what an earlier daemon left behind. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Instance } from '../domain/instance.ts';
import { isAlive } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Live } from './live.ts';

export interface AdoptDeps extends LifecycleDeps {
  /** Containers that exist for the kernel though the runtime may have forgotten them. */
  readonly strayContainers: () => Promise<string[]>;
}

/**
 * An instance that listens is adopted: same process, by pid and start time. One that was still booting, or is dead, is removed;
 * so is every container that no record speaks of.
 */
export async function adoptAll(lifecycle: Lifecycle, deps: AdoptDeps): Promise<void> {
  for (const instance of await deps.cmdb.instances()) {
    if (await adopt(instance, lifecycle, deps)) continue;
    await deps.runtime.remove(instance.id);
    await deps.cmdb.deleteInstance(instance.id);
    deps.emit({
      type: 'leftover.removed',
      instance: instance.id,
      cause: instance.state === 'running' ? 'it died while the daemon was away' : 'the daemon ended while it was booting',
    });
  }
  await removeStrangers(deps);
}

async function adopt(instance: Instance, lifecycle: Lifecycle, deps: AdoptDeps): Promise<boolean> {
  const { process } = instance;
  const site = await deps.cmdb.site(instance.siteId);
  if (instance.state !== 'running' || process === undefined || !isAlive(process) || site?.phase !== 'ready') return false;
  const stack = deps.contexts.stackOf(site);
  const context = await deps.contexts.of({ ...site, image: instance.image }, instance.id);
  const live = new Live({ site, instance, process, stack, context, usedAt: deps.now() });
  if (!(await deps.routes.hasUpstream(site.domain))) {
    const routed = await deps.routes.setUpstream(site.domain, live.socket, live.socketOwner).then(
      () => true,
      () => false,
    );
    if (!routed) return false;
  }
  lifecycle.adopt(live);
  deps.emit({ type: 'instance.adopted', site: site.domain, instance: instance.id, facts: { pid: process.pid, bootedAt: instance.bootedAt } });
  return true;
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
  const [instances, services] = await Promise.all([cmdb.instances(), cmdb.services()]);
  return new Set([...instances.map((instance) => instance.id), ...services.map((service) => service.containerId)]);
}
