/** At start: takes over containers that still run, finishes or undoes what an earlier daemon left half done, starts what is to be up. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../domain/container.ts';
import { removeTree } from '../lib/files.ts';
import { seat } from './connect.ts';
import { runs } from './is-up.ts';
import type { Containers } from './containers.ts';
import { openWishOf } from './network-wish.ts';
import type { ContainersDeps } from './deps.ts';
import { makeContainerDirs } from './prepare.ts';
import { startsWithPlatform } from './restart-policy.ts';
import { fillingMark } from './seed-volumes.ts';
import { forgetVolume } from './volumes.ts';

export async function recoverContainers(containers: Containers, deps: ContainersDeps): Promise<void> {
  await makeContainerDirs(deps.dirs);
  const started = (await deps.cmdb.containers()).filter(({ state }) => state === 'running' || state === 'paused');
  const running = new Set(started.filter(runs).map(({ id }) => id));
  for (const container of await deps.cmdb.containers()) {
    if (running.has(container.id)) await adopt(container, deps);
    else await containers.recovered(container, await deps.monitors.exitCode(container.id));
  }
  // Those of sites were looked after before.
  await deps.rootFilesystems.sweep(new Set([...running, ...(await deps.cmdb.instances()).map(({ id }) => id)]));
  await removeStrays(deps);
  // Nobody waits for them.
  for (const container of (await deps.cmdb.containers()).filter((one) => !running.has(one.id) && startsWithPlatform(one))) {
    void containers.start(container.id).catch((error: unknown) => {
      deps.emit({ type: 'container.failed', instance: container.id, cause: String(error), facts: { container: container.name } });
    });
  }
}

async function adopt(container: Container, deps: ContainersDeps): Promise<void> {
  const { networks, runtime, cmdb, emit } = deps;
  const state = runtime.isFrozen(container.id) ? 'paused' : 'running';
  if (state !== container.state) await cmdb.putContainer({ ...container, state });
  const failed = (error: unknown): void => emit({ type: 'network.failed', instance: container.id, cause: String(error) });
  // A network may have been removed by hand meanwhile, or IPv6 switched off: it runs on without.
  const opens = openWishOf(container);
  if (opens !== undefined) await networks.open(container.id, opens).catch(failed);
  await seat(container, deps).catch(failed);
  emit({ type: 'container.adopted', instance: container.id, facts: { container: container.name } });
}

/** Directories that no record speaks of, and volumes that nobody named and nobody has. */
async function removeStrays({ cmdb, dirs }: ContainersDeps): Promise<void> {
  const all = await cmdb.containers();
  const known = new Set(all.map(({ id }) => id));
  for (const id of await readdir(dirs.containers)) if (!known.has(id)) await removeTree(join(dirs.containers, id));
  const used = new Set(all.flatMap(({ spec }) => spec.volumes.map(({ from }) => ('volume' in from ? from.volume : ''))));
  const volumes = await cmdb.volumes();
  for (const { name } of volumes.filter((volume) => volume.anonymous && !used.has(volume.name))) await forgetVolume(name, { cmdb, dirs });
  const named = new Set(volumes.flatMap(({ name }) => [name, fillingMark(name)]));
  for (const name of await readdir(dirs.volumes)) if (!named.has(name)) await removeTree(join(dirs.volumes, name));
}
