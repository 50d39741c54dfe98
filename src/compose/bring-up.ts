/** Brings a project up: the record first, then networks, volumes and files, then containers in their order, then the site. */
import { join } from 'node:path';
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import type { Project } from '../domain/project.ts';
import { failpoint } from '../lib/failpoint.ts';
import { checkProject } from './check.ts';
import type { ComposeDeps } from './deps.ts';
import { draftName, finalName, isDraft, withoutReplaced } from './drafts.ts';
import { memberOf } from './labels.ts';
import { makeSite, restSite } from './make-site.ts';
import type { Made, UpWish } from './making.ts';
import { makeStores } from './make-stores.ts';
import { restartedWith } from './model/order.ts';
import { containersOf, plan } from './plan.ts';
import type { Plan, Wanted } from './plan.ts';
import { removeNetworks } from './pods.ts';
import { removeStaleFiles, writeProjectFiles } from './project-files.ts';
import { requestOf } from './requests.ts';
import { startInOrder } from './start-in-order.ts';

export async function bringUp(wish: UpWish, deps: ComposeDeps): Promise<Project> {
  const { name, model, progress } = wish;
  const { cmdb, now, dir, containers } = deps;
  const before = await cmdb.project(name);
  const meant = new Set(wish.meant);
  const filesDir = join(dir, name);
  const checked = await checkProject({ name, model, meant, before, dir: filesDir }, deps);
  await using undo = new AsyncDisposableStack();
  const { siteId } = before ?? {};
  const project: Project = {
    name,
    phase: before === undefined ? 'creating' : 'changing',
    model,
    createdAt: before?.createdAt ?? now(),
    ...(siteId === undefined ? {} : { siteId }),
  };
  await cmdb.putProject(project);
  undo.defer(() => (before === undefined ? deps.pods.erase(project) : cmdb.putProject(before)));
  await failpoint('compose.recorded');
  await makeStores(model, { project: name, undo, checked }, deps);
  await writeProjectFiles(filesDir, model, wish.contents);
  const hashes = new Map([...checked].map(([service, { hash }]) => [service, hash]));
  const planned = plan({ project: name, model, meant, hashes, recreate: wish.recreate }, await containers.list());
  const made = { project, planned, undo, checked, dir: filesDir };
  await replaceContainers(made, wish, deps);
  const along = await stopThoseAlong(made, deps);
  if (model.site !== undefined && meant.has(model.site.service)) {
    await makeSite({ ...made, site: model.site, isNew: siteId === undefined }, wish, deps);
  } else {
    if (wish.start) await startAll(project, { meant: new Set([...meant, ...along]), progress }, deps);
    await cmdb.putProject({ ...project, phase: 'ready' });
  }
  undo.move();
  await tidy(planned, wish, deps);
  await removeStaleFiles(filesDir, model);
  await removeNetworks(name, new Set(model.networks.map((network) => network.name)), deps.networks);
  deps.emit({ type: before === undefined ? 'project.created' : 'project.changed', facts: { project: name, services: model.services.length } });
  return (await cmdb.project(name)) ?? project;
}

/** New ones are made; those that others take the place of end, and come again when that fails. */
async function replaceContainers({ project, planned, undo, dir }: Made, { progress }: UpWish, deps: ComposeDeps): Promise<void> {
  const { containers } = deps;
  const { made, replaced, surplus } = planned;
  const make = async (wanted: Wanted): Promise<void> => {
    progress(`making ${finalName(wanted)}`);
    const { id } = await containers.create(requestOf(wanted, { model: project.model, dir }));
    // Gone with the rest of the project, perhaps.
    undo.defer(async () => void (await containers.remove(id, { force: true, volumes: true }).catch(() => undefined)));
  };
  if (project.siteId !== undefined && replaced.length > 0) await restSite(project.siteId, deps);
  for (const wanted of made) await make(wanted);
  for (const { wanted } of replaced) await make({ ...wanted, name: draftName(wanted.name) });
  for (const { id } of [...replaced.map((one) => one.container), ...surplus]) await stopForNow(id, undo, deps);
  await failpoint('compose.made');
}

/** Services that asked to be restarted with one that was replaced, and run; they start again with the others. */
async function stopThoseAlong({ project: { name, model }, planned, undo }: Made, deps: ComposeDeps): Promise<ReadonlySet<string>> {
  const wanted = restartedWith(model.services, new Set(planned.replaced.map(({ wanted: { service } }) => service)));
  const running = containersOf(name, await deps.containers.list()).filter((container) => isUp(container) && wanted.has(serviceOf(container)));
  for (const { id } of running) await stopForNow(id, undo, deps);
  return new Set(running.map(serviceOf));
}

function serviceOf(container: Container): string {
  return memberOf(container)?.service ?? '';
}

/** It is started again if anything fails from here on. */
async function stopForNow(id: string, undo: AsyncDisposableStack, { containers }: ComposeDeps): Promise<void> {
  const { state } = await containers.get(id);
  if (!isUp({ state }) && state !== 'restarting') return;
  await containers.stop(id, { byHand: false });
  undo.defer(async () => void (await containers.start(id).catch(() => undefined))); // its problem says why: subako ps -a
}

/** Services that are meant, and whatever takes the place of another meanwhile, and not that other. */
async function startAll(
  { name, model }: Project,
  { meant, progress }: { meant: ReadonlySet<string>; progress: (text: string) => void },
  deps: ComposeDeps,
): Promise<void> {
  const all = withoutReplaced(containersOf(name, await deps.containers.list()));
  await startInOrder(
    {
      // Nobody waits for one that was not asked for.
      services: model.services
        .filter((service) => meant.has(service.name))
        .map((service) => ({ ...service, dependsOn: service.dependsOn.filter((one) => meant.has(one.service)) })),
      containersOf: (service) => all.filter((container) => memberOf(container)?.service === service),
      onceIsEnough: false,
      progress,
    },
    deps,
  );
}

/** What was replaced goes, and what took its place has its name. */
async function tidy({ replaced, surplus, orphans }: Plan, { removeOrphans, name, progress }: UpWish, { containers }: ComposeDeps): Promise<void> {
  for (const { id } of [...replaced.map((one) => one.container), ...surplus, ...(removeOrphans ? orphans : [])]) {
    await containers.remove(id, { force: true, volumes: true });
  }
  for (const one of containersOf(name, await containers.list()).filter(isDraft)) await containers.rename(one.id, finalName(one));
  const left = removeOrphans ? [] : orphans.map((one) => one.name);
  if (left.length > 0) progress(`${left.join(', ')}: of a service that the project has no more; --remove-orphans removes them`);
}
