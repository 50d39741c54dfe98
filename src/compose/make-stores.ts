/** Networks and volumes of a project: those that are not there are made, and go again when the project does not come up. */
import type { ProjectModel } from '../domain/project.ts';
import type { Checked } from './check.ts';
import type { ComposeDeps } from './deps.ts';
import { PROJECT } from './labels.ts';
import { userOf } from '../site/app-image.ts';

interface Making {
  readonly project: string;
  readonly undo: AsyncDisposableStack;
  readonly checked: ReadonlyMap<string, Checked>;
}

export async function makeStores(model: ProjectModel, { project, undo, checked }: Making, { networks, volumes }: ComposeDeps): Promise<void> {
  const there = { networks: new Set((await networks.list()).map(({ name }) => name)), volumes: new Set((await volumes.list()).map(({ name }) => name)) };
  for (const { name, internal } of model.networks.filter((one) => !there.networks.has(one.name))) {
    await networks.create({ name, internal, labels: { [PROJECT]: project } });
    undo.defer(() => networks.remove(name).catch(() => undefined)); // gone with the rest of the project
  }
  const site = model.site === undefined ? undefined : checked.get(model.site.service);
  for (const { name } of model.volumes.filter((one) => !there.volumes.has(one.name))) {
    await volumes.create(name);
    undo.defer(() => volumes.remove(name).catch(() => undefined)); // somebody else's container has it by now
    // A site's volume belongs to the site's user, as every app's does.
    const isSites = site?.spec.volumes.some(({ from }) => 'volume' in from && from.volume === name) ?? false;
    if (site !== undefined && isSites) await volumes.give(name, await userOf(site.image, site.spec.user));
  }
}
