/** A project: containers that belong together, as a compose file describes them. One of its services may be a site; the others then sleep and wake with it. */
import type { ContainerRequest } from './container-request.ts';

/** In each phase but `ready` a command is at work on the project, or was when the daemon was killed. */
type ProjectPhase = 'creating' | 'ready' | 'changing' | 'removing';

export interface Project {
  readonly name: string;
  readonly phase: ProjectPhase;
  readonly model: ProjectModel;
  /** Of its site, where it has one. */
  readonly siteId?: string;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}

/** A compose file with everything resolved; all names are the platform's. It holds variables, which may be secrets, but no contents of files. */
export interface ProjectModel {
  /** Each service comes after those that it depends on. */
  readonly services: readonly ProjectService[];
  readonly networks: readonly ProjectNetwork[];
  readonly volumes: readonly ProjectVolume[];
  readonly site?: ProjectSite;
}

export interface ProjectSite {
  readonly domain: string;
  readonly service: string;
  /** Where the service listens. */
  readonly port: number;
  readonly healthPath?: string;
  /** Assignments, as `site set` takes them. */
  readonly settings: readonly string[];
}

interface ProjectNetwork {
  readonly name: string;
  /** It is there already, and stays. */
  readonly external: boolean;
  /** It has no way out. */
  readonly internal: boolean;
}

interface ProjectVolume {
  readonly name: string;
  /** It is there already, and stays. */
  readonly external: boolean;
}

export interface ProjectService {
  readonly name: string;
  readonly replicas: number;
  readonly container: ServiceContainer;
  readonly dependsOn: readonly Dependency[];
  readonly files: readonly ProjectFile[];
  /** It stays up while the site sleeps. */
  readonly keep: boolean;
}

/** `started`, `healthy`: before the next may start. `completed`: it has ended, and well. */
export type Condition = 'started' | 'healthy' | 'completed';

export interface Dependency {
  readonly service: string;
  readonly condition: Condition;
  /** Whoever changes or restarts that one restarts this one, too. */
  readonly restart?: boolean;
}

/** A file of ours that the service reads: a secret or a configuration. */
export interface ProjectFile {
  /** Among the contents that come with the model. */
  readonly content: string;
  /** Of the content, so that another one is noticed. */
  readonly digest: string;
  readonly destination: string;
  /** In the container. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** What is asked for each of its containers. Every list is there, if only empty, and what concerns one run alone is left out. */
export type ServiceContainer = Omit<ContainerRequest, Lists | 'expose' | 'publishAll' | 'remove' | 'files' | 'client'> &
  Required<Pick<ContainerRequest, Lists>>;

type Lists = 'env' | 'tmpfs' | 'volumes' | 'publish' | 'networks' | 'extraHosts' | 'labels';
