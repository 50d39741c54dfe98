/** Projects: brought up, changed and taken down as a whole. Each is changed by one at a time. */
import { SubakoError } from '../domain/errors.ts';
import type { Project } from '../domain/project.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { bringUp } from './bring-up.ts';
import type { ComposeDeps } from './deps.ts';
import { finalName, isDraft } from './drafts.ts';
import { memberOf } from './labels.ts';
import type { UpWish } from './making.ts';
import { checkProjectName } from './model/project-name.ts';
import { containersOf } from './plan.ts';
import { removeStrayFiles } from './project-files.ts';
import type { StopOptions } from '../container/containers.ts';
import { restartedWith } from './model/order.ts';
import { startInOrder, untilAllWell } from './start-in-order.ts';

export interface DownWish {
  /** With the volumes that were made for it, and all that is in them. */
  readonly volumes: boolean;
}

export class Projects {
  readonly #deps: ComposeDeps;
  readonly #locks = new KeyedLock();

  constructor(deps: ComposeDeps) {
    this.#deps = deps;
  }

  list(): Promise<Project[]> {
    return this.#deps.cmdb.projects();
  }

  /** @throws SubakoError `not_found` */
  async get(name: string): Promise<Project> {
    const project = await this.#deps.cmdb.project(name);
    if (project !== undefined) return project;
    throw new SubakoError('not_found', `there is no project ${name.slice(0, 100)}`, {
      hint: 'subako compose ls shows those there are; subako compose up makes it',
    });
  }

  /**
   * Makes what there is be as the model says. A new project that does not come up is not left behind; of one that was there, what ran before runs again.
   * @throws SubakoError
   */
  async up(wish: UpWish): Promise<Project> {
    checkProjectName(wish.name);
    const project = await this.#locks.run(wish.name, () => bringUp(wish, this.#deps));
    if (wish.wait === undefined || !wish.start) return project;
    const own = containersOf(wish.name, await this.#deps.containers.list());
    const meant = own.filter((container) => wish.meant.includes(memberOf(container)?.service ?? ''));
    await untilAllWell(meant, wish.wait, this.#deps);
    return project;
  }

  /** Site, containers, networks and files go. Repeatable. @throws SubakoError `not_found` */
  down(name: string, { volumes }: DownWish): Promise<void> {
    return this.#locks.run(name, async () => {
      const project = await this.get(name);
      await this.#erase(project);
      if (volumes) await this.#removeVolumes(project);
    });
  }

  /** @param services empty: all @throws SubakoError `not_found`, `wake_failed`; `conflict` for the site, which visitors wake */
  start(name: string, services: readonly string[], progress: (text: string) => void): Promise<void> {
    return this.#locks.run(name, async () => this.#start(await this.get(name), services, progress));
  }

  async #start(project: Project, services: readonly string[], progress: (text: string) => void): Promise<void> {
    const { name, model } = project;
    const names = this.#meant(project, services);
    const all = containersOf(name, await this.#deps.containers.list());
    const wanted = model.services.filter((service) => names.has(service.name));
    const of = (service: string) => all.filter((container) => memberOf(container)?.service === service);
    await startInOrder({ services: wanted, containersOf: of, onceIsEnough: false, progress }, this.#deps);
  }

  /** Those first that others do not depend on. With all of them, a site goes to rest. */
  stop(name: string, services: readonly string[], options: StopOptions = {}): Promise<void> {
    return this.#locks.run(name, async () => this.#stop(await this.get(name), services, options));
  }

  /** With those that asked to be restarted with them. @throws SubakoError as `start` */
  restart(name: string, services: readonly string[], { progress, ...options }: StopOptions & { progress: (text: string) => void }): Promise<void> {
    return this.#locks.run(name, async () => {
      const project = await this.get(name);
      const { model, siteId } = project;
      const along = restartedWith(model.services, new Set(services));
      if (siteId !== undefined && model.site !== undefined) along.delete(model.site.service);
      const all = services.length === 0 ? [] : [...services, ...along];
      await this.#stop(project, all, options);
      await this.#start(project, all, progress);
    });
  }

  async #stop(project: Project, services: readonly string[], options: StopOptions): Promise<void> {
    const { name } = project;
    const names = this.#meant(project, services);
    if (project.siteId !== undefined && services.length === 0) await this.#rest(project.siteId);
    const order = project.model.services.map((service) => service.name).toReversed();
    const all = containersOf(name, await this.#deps.containers.list());
    for (const service of order.filter((one) => names.has(one))) {
      await Promise.all(all.filter((container) => memberOf(container)?.service === service).map(({ id }) => this.#deps.containers.stop(id, options)));
    }
  }

  /** At start, when containers and sites have been taken over: finishes or undoes what an earlier daemon left half done. */
  async recover(): Promise<void> {
    const { cmdb, emit, dir, pods, lifecycle } = this.#deps;
    for (const project of await cmdb.projects()) {
      const site = project.siteId === undefined ? undefined : await cmdb.site(project.siteId);
      const isGone = project.siteId !== undefined && site === undefined;
      const hasDrafts = containersOf(project.name, await this.#deps.containers.list()).some(isDraft);
      if (project.phase === 'ready' && !isGone && !hasDrafts) continue;
      const isHere = (project.phase === 'changing' || project.phase === 'ready') && !isGone;
      const undo = isHere ? this.#finishChange(project) : this.#erase(project);
      const cause = await undo.then(
        () => `the daemon ended while it was ${project.phase}`,
        (error: unknown) => `not yet: ${String(error)}`,
      );
      emit({ type: 'project.undone', cause, facts: { project: project.name } });
    }
    await removeStrayFiles(dir, new Set((await cmdb.projects()).map(({ name }) => name)));
    await pods.settle((siteId) => {
      const state = lifecycle.stateOf(siteId, 'public');
      return state === 'frozen' ? 'frozen' : state === 'running' || state === 'booting' ? 'running' : 'asleep';
    });
  }

  /** Containers that were to take the place of others go, unless those are gone already, or the project had come so far as to have them started. */
  async #finishChange(project: Project): Promise<void> {
    const { cmdb, containers } = this.#deps;
    const own = containersOf(project.name, await containers.list());
    for (const draft of own.filter(isDraft)) {
      const replaced = own.find(({ name }) => name === finalName(draft));
      const goes = replaced !== undefined && project.phase === 'changing' ? draft : replaced;
      if (goes !== undefined) await containers.remove(goes.id, { force: true, volumes: true });
      if (goes !== draft) await containers.rename(draft.id, finalName(draft));
    }
    const site = await this.#siteOf(project);
    await cmdb.putProject({ ...project, phase: 'ready', ...(site === undefined ? {} : { siteId: site.id }) });
  }

  async #erase(project: Project): Promise<void> {
    const { cmdb, sites, pods } = this.#deps;
    await cmdb.putProject({ ...project, phase: 'removing' });
    await failpoint('compose.ending');
    const site = await this.#siteOf(project);
    // It takes its companions with it.
    if (site !== undefined) await sites.remove(site.domain);
    await pods.erase(project);
    this.#deps.emit({ type: 'project.removed', facts: { project: project.name } });
  }

  /** A daemon that was killed may have made it, and not written so into the project's record. */
  async #siteOf({ name }: Project): Promise<Site | undefined> {
    return (await this.#deps.cmdb.sites()).find(({ app, phase }) => app?.pod?.project === name && phase === 'ready');
  }

  async #removeVolumes({ model }: Project): Promise<void> {
    const there = new Set((await this.#deps.volumes.list()).map(({ name }) => name));
    for (const { name, external } of model.volumes) if (!external && there.has(name)) await this.#deps.volumes.remove(name);
  }

  async #rest(siteId: string): Promise<void> {
    const { cmdb, lifecycle } = this.#deps;
    const site = await cmdb.site(siteId);
    if (site === undefined || lifecycle.stateOf(siteId, 'public') === 'cold') return;
    await lifecycle.sleep(site, 'public', { to: 'cold', cause: 'command' });
  }

  /** @throws SubakoError `not_found`, `conflict` */
  #meant({ name, model, siteId }: Project, services: readonly string[]): ReadonlySet<string> {
    const known = model.services.map((service) => service.name);
    const unknown = services.find((service) => !known.includes(service));
    if (unknown !== undefined) throw new SubakoError('not_found', `the project ${name} has no service ${unknown}`, { hint: `it has ${known.join(', ')}` });
    const site = siteId === undefined ? undefined : model.site?.service;
    if (site !== undefined && services.includes(site)) {
      throw new SubakoError('conflict', `${site} is the site ${model.site?.domain ?? ''}`, {
        hint: 'use subako wake and subako sleep, or leave the services away',
      });
    }
    return new Set((services.length === 0 ? known : services).filter((service) => service !== site));
  }
}
