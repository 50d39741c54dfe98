/** A project: containers that belong together, as a compose file describes them. One of its services may be a site; the others then sleep and wake with it. */

/** All but `ready`: somebody works on it, or did when the daemon was killed. */
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

/** What a compose file says once everything in it is resolved: names are those of the platform. Holds variables, which may be secrets, but no contents of files. */
export interface ProjectModel {
  /** In an order in which each comes after those that it depends on. */
  readonly services: readonly ProjectService[];
  readonly networks: readonly ProjectNetwork[];
  readonly volumes: readonly ProjectVolume[];
  readonly site?: ProjectSite;
}

export interface ProjectSite {
  readonly domain: string;
  readonly service: string;
  /** Where it listens. */
  readonly port: number;
  readonly healthPath?: string;
  /** As `site set` takes them. */
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

/** What is asked for each of its containers, in the words of `subako run` (see ContainerRequest). */
export interface ServiceContainer {
  readonly image: string;
  /** Instead of one of ours; for a single one. */
  readonly name?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly memory?: string;
  readonly cpus?: number;
  readonly pids?: number;
  readonly shmSize?: string;
  readonly readOnly?: boolean;
  readonly tmpfs: readonly string[];
  readonly volumes: readonly string[];
  readonly publish: readonly string[];
  /** `none`, `default`; where it is in no network of the project. */
  readonly network?: string;
  readonly networks: readonly ServiceNetwork[];
  readonly extraHosts: readonly string[];
  readonly restart?: string;
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly healthArgv?: readonly string[];
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  readonly healthRetries?: number;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly ulimits?: readonly string[];
  readonly sysctls?: readonly string[];
  readonly securityOptions?: readonly string[];
  readonly groups?: readonly string[];
  readonly labels: readonly string[];
}

export interface ServiceNetwork {
  readonly name: string;
  readonly aliases: readonly string[];
}
