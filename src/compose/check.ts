/** Whether a project can be brought up: everything that can be known before anything is made. */
import { toSpec } from '../container/to-spec.ts';
import { LONGEST_NAME } from '../container/names.ts';
import { refuseTwicePublished } from '../container/ports.ts';
import type { ContainerSpec } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { canonicalHost } from '../domain/host-name.ts';
import type { Project, ProjectModel, ProjectService } from '../domain/project.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { ComposeDeps } from './deps.ts';
import { draftName } from './drafts.ts';
import { hashOf, PROJECT } from './labels.ts';
import { containerName } from './plan.ts';
import { baseRequest } from './requests.ts';

/** In the place of that of each of its containers, by which the container calls itself where it has no host name. */
const SOME_ID = '0'.repeat(12);

export interface Checked {
  readonly service: ProjectService;
  readonly image: OciImage;
  readonly hash: string;
  readonly spec: ContainerSpec;
}

export interface CheckWish {
  readonly name: string;
  readonly model: ProjectModel;
  readonly meant: ReadonlySet<string>;
  readonly before: Project | undefined;
  /** Of its files. */
  readonly dir: string;
}

/** Each service that is meant, by its name. @throws SubakoError naming the service and what is wrong */
export async function checkProject(wish: CheckWish, deps: ComposeDeps): Promise<ReadonlyMap<string, Checked>> {
  const { model, meant } = wish;
  await refuseStrangeSite(wish, deps);
  await refuseMissing(model, deps);
  await refuseChangedNetwork(wish, deps);
  const checked = new Map<string, Checked>();
  for (const service of model.services.filter(({ name }) => meant.has(name))) {
    checked.set(service.name, await inService(service.name, () => checkService(service, wish, deps)));
  }
  for (const { service } of checked.values()) {
    for (const { service: other, condition } of service.dependsOn) {
      if (condition !== 'healthy' || checked.get(other)?.spec.health !== undefined || !checked.has(other)) continue;
      throw bad(
        `${service.name} waits until ${other} is healthy, and ${other} has no health check`,
        `give ${other} a healthcheck, or wait for service_started`,
      );
    }
  }
  return checked;
}

async function checkService(service: ProjectService, { name, model, dir }: CheckWish, { images, gate }: ComposeDeps): Promise<Checked> {
  const image = await images.resolve(service.container.image);
  await gate.admit(image.id, { domain: model.site?.domain ?? name });
  const hash = hashOf(service, image.id);
  if (service.name !== model.site?.service) refuseLongName(name, service);
  const spec = toSpec(baseRequest(service, { project: name, service: service.name, number: 1, hash }, { model, dir }), image.config, SOME_ID);
  refuseTwicePublished(spec.ports);
  return { service, image, hash, spec };
}

/** One that is to take the place of another has a longer one for a while. */
function refuseLongName(project: string, service: ProjectService): void {
  const name = containerName(project, service, service.replicas);
  const most = LONGEST_NAME - draftName('').length;
  if (name.length > most) throw bad(`the name ${name} is too long for a container of a project`, `give a container_name of at most ${most} characters`);
}

/** A site of that name may be there only as this project's own. */
async function refuseStrangeSite({ name, model, before }: CheckWish, { cmdb }: ComposeDeps): Promise<void> {
  const own = before?.siteId === undefined ? undefined : await cmdb.site(before.siteId);
  const down = `take it down first: subako compose -p ${name} down`;
  if (model.site === undefined) {
    if (own !== undefined)
      throw new SubakoError('conflict', `the project ${name} is the site ${own.domain}`, { hint: `give --domain ${own.domain}, or ${down}` });
    return;
  }
  const domain = canonicalHost(model.site.domain);
  if (own !== undefined && own.domain !== domain) throw new SubakoError('conflict', `the project ${name} is the site ${own.domain} already`, { hint: down });
  const found = await cmdb.siteByHost(domain);
  if (found !== undefined && found.id !== own?.id) {
    throw new SubakoError('already_exists', `there is a site ${domain} already`, { hint: 'choose another domain' });
  }
}

async function refuseMissing({ networks, volumes }: ProjectModel, deps: ComposeDeps): Promise<void> {
  const there = { network: await deps.networks.list(), volume: await deps.volumes.list() };
  for (const [what, wanted] of [
    ['network', networks],
    ['volume', volumes],
  ] as const) {
    const missing = wanted.find(({ name, external }) => external && !there[what].some((one) => one.name === name));
    if (missing === undefined) continue;
    throw new SubakoError('not_found', `there is no ${what} ${missing.name}, which is external`, { hint: `make it: subako ${what} create ${missing.name}` });
  }
}

/** Its members got their way out, or none, when they started: with another record it would be told wrong of them. */
async function refuseChangedNetwork({ name: project, model }: CheckWish, { networks }: ComposeDeps): Promise<void> {
  const own = (await networks.list()).filter(({ labels }) => labels[PROJECT] === project);
  const changed = model.networks.find(({ name, external, internal }) => !external && own.some((one) => one.name === name && one.internal !== internal));
  if (changed === undefined) return;
  const [is, wanted] = changed.internal ? ['not internal', 'internal'] : ['internal', 'not internal'];
  throw new SubakoError('conflict', `the network ${changed.name} is there, and ${is}; the file says ${wanted}`, {
    hint: `take the project down first; its volumes stay: subako compose -p ${project} down`,
  });
}

async function inService<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SubakoError)) throw error;
    const { code, message, hint, facts } = error;
    throw new SubakoError(code, `services.${name}: ${message}`, { ...(hint === undefined ? {} : { hint }), facts, cause: error });
  }
}

function bad(message: string, hint: string): SubakoError {
  return new SubakoError('bad_usage', message, { hint });
}
