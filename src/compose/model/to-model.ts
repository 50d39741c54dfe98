/** What is brought up: the services that are meant, with everything that their file says resolved. Pure but for the files that it has read to it. */
import type { ProjectModel, ProjectService } from '../../domain/project.ts';
import { refusal } from '../file/problem.ts';
import type { ReadProject } from '../file/read-project.ts';
import type { ComposeBuild, ComposeFile } from '../file/schema.ts';
import type { Surroundings } from '../file/surroundings.ts';
import { refuseClashes } from './clashes.ts';
import { networkName, volumeName } from './names.ts';
import { CycleError, inOrder, withNeeds } from './order.ts';
import type { ModelWish, Resolved, Resolving } from './resolving.ts';
import { toService } from './service.ts';
import { siteOf } from './site.ts';

/** @throws SubakoError `bad_setting` with the line and what to do */
export function toModel(project: ReadProject, wish: ModelWish, surroundings: Surroundings): Resolved {
  const warnings = [...project.warnings];
  const contents = new Map<string, Buffer>();
  const warn = (keys: readonly PropertyKey[], message: string): void => void warnings.push(`${keys.map(String).join('.')}: ${message}`);
  const resolving: Resolving = { project, wish, surroundings, contents, warn };
  const names = activeNames(project, wish);
  const services = orderOf(
    project,
    [...names].map((name) => toService(name, names, resolving)),
  );
  const site = siteOf(services, resolving);
  refuseClashes(services, site, project);
  const meant =
    wish.services.length === 0
      ? services
      : wish.alone === true
        ? services.filter(({ name }) => wish.services.includes(name))
        : withNeeds(services, new Set(wish.services));
  const model: ProjectModel = {
    services,
    networks: networksOf(services, project.file, wish.project),
    volumes: volumesOf(services, project.file, wish.project),
    ...(site === undefined ? {} : { site }),
  };
  const images = meant.map(({ name, container }) => [project.file.services[name], container.image] as const);
  return {
    model,
    meant: meant.map(({ name }) => name),
    contents: Object.fromEntries([...contents].map(([name, bytes]) => [name, bytes.toString('base64')])),
    builds: new Map(images.flatMap(([service, image]) => (service?.build === undefined ? [] : [[image, withValues(service.build, surroundings)] as const]))),
    pullPolicies: new Map(images.map(([service, image]) => [image, service?.pull_policy])),
    warnings,
  };
}

/** An argument without a value has that of whoever types the command. */
function withValues({ args, ...build }: ComposeBuild, { variableOf }: Surroundings): ComposeBuild {
  return { ...build, args: Object.fromEntries(Object.entries(args).map(([name, value]) => [name, value ?? variableOf(name) ?? null])) };
}

/** Those without a profile, those whose profile is asked for, and those that are named themselves. */
function activeNames(project: ReadProject, { profiles, services: asked, scale = {} }: ModelWish): ReadonlySet<string> {
  const { services } = project.file;
  const unknown = [...asked, ...Object.keys(scale)].find((name) => !Object.hasOwn(services, name));
  if (unknown !== undefined) throw refusal(project.sources, { keys: ['services'], message: `there is no service ${unknown}` });
  const isOn = (name: string): boolean => {
    const own = services[name]?.profiles ?? [];
    return own.length === 0 || asked.includes(name) || profiles.includes('*') || own.some((profile) => profiles.includes(profile));
  };
  const on = new Set(Object.keys(services).filter(isOn));
  if (on.size > 0) return on;
  throw refusal(project.sources, { keys: ['services'], message: 'every service has a profile, and none is asked for', hint: 'give --profile NAME' });
}

function orderOf(project: ReadProject, services: readonly ProjectService[]): ProjectService[] {
  try {
    return inOrder(services);
  } catch (error) {
    if (!(error instanceof CycleError)) throw error;
    throw refusal(project.sources, { keys: ['services', error.cycle[0] ?? '', 'depends_on'], message: error.message, hint: 'take one of these away' });
  }
}

function networksOf(services: readonly ProjectService[], { networks }: ComposeFile, project: string): ProjectModel['networks'] {
  const used = new Set(services.flatMap(({ container }) => container.networks.map(({ name }) => name)));
  const keys = ['default', ...Object.keys(networks ?? {})];
  const all = [...new Set(keys)].map((key) => {
    const { external = false, internal = false } = networks?.[key] ?? {};
    return { name: networkName(key, networks, project), external, internal };
  });
  return all.filter(({ name }) => used.has(name));
}

function volumesOf(services: readonly ProjectService[], { volumes = {} }: ComposeFile, project: string): ProjectModel['volumes'] {
  const used = new Set(services.flatMap(({ container }) => container.volumes.map((text) => text.split(':')[0] ?? '')));
  const all = Object.entries(volumes).map(([key, given]) => ({ name: volumeName(key, volumes, project), external: given?.external ?? false }));
  return all.filter(({ name }) => used.has(name));
}
