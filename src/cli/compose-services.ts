/** Services of a project that is up, by the names that somebody types. Pure. */
import type { ProjectReply, ProjectServiceReply } from '../api/project-types.ts';
import { SubakoError } from '../domain/errors.ts';

export type ServiceContainerReply = ProjectServiceReply['containers'][number];

/** Of those services, or of all. @throws SubakoError `not_found` */
export function containersOf(project: ProjectReply, services: readonly string[]): ServiceContainerReply[] {
  const meant = services.length === 0 ? project.services : services.map((name) => serviceOf(project, name));
  return meant.flatMap(({ containers }) => containers);
}

/** @throws SubakoError `not_found` */
export function serviceOf({ name, services }: ProjectReply, wanted: string): ProjectServiceReply {
  const found = services.find(({ service }) => service === wanted);
  if (found !== undefined) return found;
  throw new SubakoError('not_found', `the project ${name} has no service ${wanted}`, { hint: `it has ${services.map(({ service }) => service).join(', ')}` });
}
