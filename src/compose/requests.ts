/** What is asked for a container of a service. Pure. */
import { join } from 'node:path';
import type { ContainerRequest } from '../domain/container-request.ts';
import type { ProjectFile, ProjectModel, ProjectService } from '../domain/project.ts';
import { labelsOf } from './labels.ts';
import type { Member } from './labels.ts';
import type { Wanted } from './plan.ts';

interface Place {
  readonly model: ProjectModel;
  /** Of the project's files. */
  readonly dir: string;
  /** It is none of those that come up with the project. */
  readonly isOneOff?: boolean;
}

export function requestOf({ of, name, ...member }: Wanted, place: Place): ContainerRequest {
  return { ...baseRequest(of, member, place), name };
}

/** Without a name. */
export function baseRequest(service: ProjectService, member: Member, { model, dir, isOneOff = false }: Place): ContainerRequest {
  const { networks, labels, restart, name: _name, ...asked } = service.container;
  return {
    ...asked,
    ...(networks.length === 0 ? { network: asNetwork(service) } : { networks }),
    labels: [...labels, ...labelsOf(member, isOneOff)],
    files: filesIn(dir, service),
    ...(restart === undefined ? {} : { restart: sleepsWith(model, service) && restart === 'always' ? 'unless-stopped' : restart }),
  };
}

/** Whether it rests with the site. */
export function sleepsWith({ site }: ProjectModel, { name, keep }: ProjectService): boolean {
  return site !== undefined && site.service !== name && !keep;
}

/** Where its files lie on this machine, and where in the container. */
function filesIn(dir: string, { name, files }: ProjectService): NonNullable<ContainerRequest['files']> {
  return files.map((file, index) => ({ source: join(dir, name, fileName(file, index)), destination: file.destination }));
}

/** Another content has another name: what runs keeps what it has. */
export function fileName({ digest }: ProjectFile, index: number): string {
  return `${index}-${digest.slice(0, 16)}`;
}

function asNetwork({ container }: ProjectService): string {
  return container.network ?? 'default';
}
