/** Projects as the API shows them. */
import type { ApiProjects } from '../api/platform.ts';
import type { ProjectReply, ProjectServiceReply } from '../api/project-types.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { memberOf } from '../compose/labels.ts';
import { oneOffRequest } from '../compose/one-off.ts';
import { containersOf } from '../compose/plan.ts';
import type { Projects } from '../compose/projects.ts';
import type { Containers } from '../container/containers.ts';
import type { HealthChecks } from '../container/health-checks.ts';
import { formatPort } from '../container/ports.ts';
import type { Container } from '../domain/container.ts';
import type { Project } from '../domain/project.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Addresses } from '../site/addresses.ts';

export interface ProjectsApiDeps {
  readonly projects: Projects;
  readonly cmdb: Cmdb;
  readonly containers: Containers;
  readonly health: HealthChecks;
  readonly lifecycle: Lifecycle;
  readonly addresses: Addresses;
  /** Of projects' files. */
  readonly dir: string;
}

export function projectsApi(deps: ProjectsApiDeps): ApiProjects {
  const { projects, dir } = deps;
  return {
    all: projects,
    describe: (project) => describe(project, deps),
    oneOff: async (name, wish) => oneOffRequest(await projects.get(name), wish, dir),
  };
}

async function describe(
  { name, phase, model, siteId, createdAt }: Project,
  { cmdb, containers, health, lifecycle, addresses }: ProjectsApiDeps,
): Promise<ProjectReply> {
  const site = siteId === undefined ? undefined : await cmdb.site(siteId);
  const service = model.site?.service ?? '';
  const own = containersOf(name, await containers.list());
  const rowOf = ({ id, name: called, state, exitCode, spec }: Container): ProjectServiceReply['containers'][number] => ({
    id,
    name: called,
    state,
    health: health.of(id)?.status ?? null,
    exitCode: exitCode ?? null,
    ports: spec.ports.map(formatPort),
  });
  return {
    name,
    phase,
    site: site === undefined ? null : { domain: site.domain, url: addresses.urlOf(site), state: lifecycle.stateOfSite(site.id), service },
    services: model.services.map((one) => ({
      service: one.name,
      image: one.container.image,
      isSite: site !== undefined && one.name === service,
      containers: own.filter((container) => memberOf(container)?.service === one.name).map(rowOf),
    })),
    networks: model.networks.map((network) => network.name),
    volumes: model.volumes.map((volume) => volume.name),
    createdAt,
  };
}
