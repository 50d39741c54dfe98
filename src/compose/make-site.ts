/** The service of a project that visitors come to, as a site. */
import { hasWayOut } from '../container/network-wish.ts';
import type { App } from '../domain/app.ts';
import type { ContainerSpec } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import type { ProjectSite } from '../domain/project.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { isDeepStrictEqual } from 'node:util';
import { userOf } from '../site/app-image.ts';
import type { AppOfImage } from '../site/app-image.ts';
import type { Checked } from './check.ts';
import type { ComposeDeps } from './deps.ts';
import type { Made, UpWish } from './making.ts';

interface Making extends Made {
  readonly site: ProjectSite;
  readonly isNew: boolean;
}

/** What a database needs to begin takes longer than what a site may. */
const BOOT = 'boot=2m';

/** Made or changed, and woken once: whoever brings it up sees whether it comes. */
export async function makeSite({ project, site: wanted, isNew, checked, undo }: Making, { progress, start }: UpWish, deps: ComposeDeps): Promise<void> {
  const { cmdb, sites, volumes } = deps;
  const service = checked.get(wanted.service);
  if (service === undefined) throw new TypeError(`${wanted.service} was not checked`);
  const made = await appOf(service, { project: project.name, wanted });
  const before = project.siteId === undefined ? undefined : await cmdb.site(project.siteId);
  const egress = await egressOf(service, before, deps);
  if (before !== undefined) undo.defer(() => sites.setBack(before.domain, before.settings));
  progress(`${isNew ? 'making' : 'changing'} the site ${wanted.domain}`);
  // Before its networks are others: if we die in between, the next `up` sees still what they said.
  if (before !== undefined && egress.length > 0) await sites.set(before.domain, egress);
  const site = before === undefined ? await sites.createFrom(wanted.domain, made) : await changed(before, made, deps);
  if (before === undefined) undo.defer(() => sites.remove(site.domain).catch(() => undefined)); // it is removed at the next start
  else if (site !== before) undo.defer(async () => void (await sites.changeApp(before, { app: before.app as App, image: before.image })));
  await failpoint('compose.site');
  // Not before: what other services of the project had in there came first, as in their order.
  await volumes.seed({ layers: service.image.layers, uidRange: site.uidRange, volumes: made.app.pod?.volumes ?? [] });
  const settings = [...(before === undefined ? [BOOT, ...egress] : []), ...wanted.settings];
  if (settings.length > 0) await sites.set(site.domain, settings);
  await cmdb.putProject({ ...project, phase: 'ready', siteId: site.id });
  if (!start) return;
  progress(`waking ${wanted.domain}`);
  const current = await cmdb.site(site.id);
  if (current !== undefined) await deps.lifecycle.wake(current, 'public', 'compose up');
}

/** What its networks say of its way out, where they say something else than before: meanwhile the setting is its owner's. */
async function egressOf({ spec }: Checked, before: Site | undefined, deps: ComposeDeps): Promise<string[]> {
  const isOut = await hasWayOut(spec.network, deps);
  const { networks } = before?.app ?? {};
  const wasOut = before === undefined ? undefined : await hasWayOut(networks === undefined ? 'default' : { networks }, deps);
  return isOut === wasOut ? [] : [`egress=${isOut ? 'yes' : 'no'}`];
}

/** Down to cold: what is about to change runs no more. */
export async function restSite(siteId: string, { cmdb, lifecycle }: Pick<ComposeDeps, 'cmdb' | 'lifecycle'>): Promise<void> {
  const site = await cmdb.site(siteId);
  if (site === undefined || lifecycle.stateOf(siteId, 'public') === 'cold') return;
  await lifecycle.sleep(site, 'public', { to: 'cold', cause: 'its project is changed' });
}

async function changed(before: Site, made: AppOfImage, deps: ComposeDeps): Promise<Site> {
  if (before.image === made.image && isDeepStrictEqual(JSON.parse(JSON.stringify(made.app)), before.app)) return before;
  await restSite(before.id, deps);
  return deps.sites.changeApp(before, made);
}

async function appOf({ service, image, spec }: Checked, { project, wanted }: { project: string; wanted: ProjectSite }): Promise<AppOfImage> {
  const { healthPath, port } = wanted;
  const app: App = {
    imageName: service.container.image,
    listens: { port },
    env: Object.fromEntries(spec.env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
    volumes: [],
    user: await userOf(image, spec.user),
    ...(healthPath === undefined ? {} : { healthPath }),
    ...(spec.network === 'default' ? {} : { networks: service.container.networks }),
    pod: {
      project,
      service: service.name,
      args: spec.args,
      cwd: spec.cwd,
      readOnly: spec.readOnly,
      ...(spec.shmBytes === undefined ? {} : { shmBytes: spec.shmBytes }),
      tmpfs: spec.tmpfs,
      volumes: namedVolumes(spec),
      files: spec.files ?? [],
      stopSignal: spec.stopSignal,
      ...(spec.health === undefined ? {} : { health: spec.health }),
    },
  };
  return { app, image: image.id };
}

/** What an image wants to be a volume without a name goes with each container, as the rest of its root does. */
function namedVolumes({ volumes }: ContainerSpec): { name: string; path: string; writable: boolean }[] {
  return volumes.flatMap(({ from, destination, writable }) => {
    if ('directory' in from) throw new SubakoError('bad_usage', `${from.directory} cannot be mounted into a site`, { hint: 'use a named volume' });
    return from.anonymous ? [] : [{ name: from.volume, path: destination, writable }];
  });
}
