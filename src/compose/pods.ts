/** The containers of projects that sleep and wake with a site (see lifecycle/companions.ts). */
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Containers } from '../container/containers.ts';
import type { HealthChecks } from '../container/health-checks.ts';
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Project } from '../domain/project.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import type { Companions } from '../lifecycle/companions.ts';
import type { NamedNetworks } from '../container/named-networks.ts';
import { withoutReplaced } from './drafts.ts';
import { memberOf, PROJECT } from './labels.ts';
import { withNeeds } from './model/order.ts';
import { containersOf } from './plan.ts';
import { sleepsWith } from './requests.ts';
import { startInOrder } from './start-in-order.ts';

export interface PodsDeps {
  readonly cmdb: Cmdb;
  readonly containers: Containers;
  readonly health: HealthChecks;
  readonly networks: Pick<NamedNetworks, 'create' | 'remove' | 'list'>;
  readonly emit: EventSink;
  /** Of projects' files. */
  readonly dir: string;
}

export class Pods implements Companions {
  readonly #deps: PodsDeps;
  readonly #stopping = new AbortController();

  constructor(deps: PodsDeps) {
    this.#deps = deps;
  }

  async up(site: Site): Promise<void> {
    const project = await this.#projectOf(site);
    if (project === undefined) return;
    if (project.phase === 'changing' || project.phase === 'removing') {
      throw new SubakoError('busy', `the project ${project.name} is being changed`, { hint: 'try again in a moment', facts: { retryAfterMs: 2_000 } });
    }
    const all = withoutReplaced(await this.#containers(project));
    refuseMissing(project, new Set(all.map((container) => memberOf(container)?.service)));
    await startInOrder(
      {
        // The site has no containers here, but needs that must be met before it starts.
        services: project.model.services,
        containersOf: (service) => all.filter((container) => memberOf(container)?.service === service),
        onceIsEnough: true,
        progress: () => undefined,
        signal: this.#stopping.signal,
      },
      this.#deps,
    );
    await failpoint('companions.up');
  }

  /** Nobody waits for companions from now on. */
  close(): void {
    this.#stopping.abort();
  }

  async freeze(site: Site): Promise<void> {
    const sleeping = await this.#sleeping(await this.#projectOf(site));
    await each(sleeping.flat(), async ({ id, state }) => void (state === 'running' && (await this.#deps.containers.pause(id))));
  }

  async end(site: Site): Promise<void> {
    await this.#endOf(await this.#projectOf(site));
  }

  async remove(site: Site): Promise<void> {
    const name = site.app?.pod?.project;
    const project = name === undefined ? undefined : await this.#deps.cmdb.project(name);
    if (project?.siteId !== site.id) return;
    await this.erase(project);
  }

  /** Everything of a project but its site and its volumes; its record last. Repeatable. */
  async erase(project: Project): Promise<void> {
    const { containers, cmdb, networks, dir } = this.#deps;
    const { name, model } = project;
    await cmdb.putProject({ ...project, phase: 'removing' });
    await failpoint('compose.removing');
    const order = model.services.map((service) => service.name).toReversed();
    const own = (await containers.list()).filter((container) => memberOf(container)?.project === name);
    const rank = (container: Container): number => order.indexOf(memberOf(container)?.service ?? '');
    for (const { id } of own.toSorted((a, b) => rank(a) - rank(b))) {
      await containers.stop(id);
      await containers.remove(id, { force: true, volumes: true });
    }
    await removeNetworks(name, new Set(), networks);
    await removeTree(join(dir, name));
    await cmdb.deleteProject(name);
  }

  /** Whether a container rests with a site, and ends with it. */
  async isCompanion(container: Container): Promise<boolean> {
    const member = memberOf(container);
    const project = member === undefined ? undefined : await this.#deps.cmdb.project(member.project);
    const service = project?.model.services.find(({ name }) => name === member?.service);
    return project?.siteId !== undefined && service !== undefined && sleepsWith(project.model, service);
  }

  /** At start: those of a site that does not run end, and those of one that is frozen stay where they are. */
  async settle(stateOf: (siteId: string) => 'running' | 'frozen' | 'asleep'): Promise<void> {
    for (const project of await this.#deps.cmdb.projects()) {
      if (project.siteId === undefined || project.phase !== 'ready') continue;
      const site = await this.#deps.cmdb.site(project.siteId);
      if (site === undefined) continue;
      const failed = (error: unknown): void => this.#deps.emit({ type: 'instance.neglected', site: site.domain, cause: `its companions: ${String(error)}` });
      const state = stateOf(site.id);
      if (state === 'asleep') await this.#endOf(project).catch(failed);
      if (state === 'frozen') await this.freeze(site).catch(failed);
      // That one is well may take long; nobody is kept waiting by it.
      if (state === 'running') void this.up(site).catch(failed);
    }
  }

  /** Each group may end when the one before has: a service goes before those that it depends on. */
  async #endOf(project: Project | undefined): Promise<void> {
    for (const group of (await this.#sleeping(project)).toReversed()) {
      await each(group, async (container) => {
        if (isUp(container) || container.state === 'restarting') await this.#deps.containers.stop(container.id);
      });
    }
  }

  /** Those that rest with the site, by service, in the order in which they start. */
  async #sleeping(project: Project | undefined): Promise<Container[][]> {
    if (project === undefined) return [];
    const { model } = project;
    const all = await this.#containers(project);
    const services = model.services.filter((service) => sleepsWith(model, service));
    return services.map(({ name }) => all.filter((container) => memberOf(container)?.service === name));
  }

  async #containers({ name }: Project): Promise<Container[]> {
    return containersOf(name, await this.#deps.containers.list());
  }

  async #projectOf({ app }: Site): Promise<Project | undefined> {
    return app?.pod === undefined ? undefined : this.#deps.cmdb.project(app.pod.project);
  }
}

/** Those that were made for a project and that it has no more. */
export async function removeNetworks(project: string, kept: ReadonlySet<string>, networks: PodsDeps['networks']): Promise<void> {
  const own = (await networks.list()).filter(({ name, labels }) => labels[PROJECT] === project && !kept.has(name));
  for (const { name } of own) await networks.remove(name).catch(() => undefined); // somebody else's containers are in it
}

/** Somebody removed a container by hand. */
function refuseMissing({ name, model }: Project, there: ReadonlySet<string | undefined>): void {
  const site = model.site?.service ?? '';
  const missing = withNeeds(model.services, new Set([site])).find((service) => service.name !== site && service.replicas > 0 && !there.has(service.name));
  if (missing === undefined) return;
  throw new SubakoError('wake_failed', `${missing.name} of the project ${name} has no container`, { hint: 'subako compose up makes it again' });
}

/** All at once; the first that fails is told when all have been tried. */
async function each(containers: readonly Container[], work: (container: Container) => Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled(containers.map(work))).find((one) => one.status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
