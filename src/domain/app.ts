/** An app: what a site runs whose owner brings an image. */
import type { ContainerSpec, HealthCheck } from './container.ts';
import type { NetworkMembership } from './network.ts';

/** Where what runs in a container waits for requests: at a path inside it, or at a port. */
export type Listening = { readonly socket: string } | { readonly port: number };

/** A directory of one site that outlives its containers. */
export interface AppVolume {
  /** Unique within the site: volumes of two sites never meet, whatever they are called. */
  readonly name: string;
  /** Inside the container. */
  readonly path: string;
}

export interface AppUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** What an app has besides where it is the service of a compose project that visitors come to. What the image says is filled in already. */
export interface Pod {
  readonly project: string;
  readonly service: string;
  /** Its whole command line. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly readOnly: boolean;
  readonly shmBytes?: number;
  readonly tmpfs: ContainerSpec['tmpfs'];
  /** Named volumes of the platform, which other services may mount too. */
  readonly volumes: readonly { readonly name: string; readonly path: string; readonly writable: boolean }[];
  readonly files: NonNullable<ContainerSpec['files']>;
  readonly stopSignal: NodeJS.Signals;
  readonly health?: HealthCheck;
}

export interface App {
  /** As its owner wrote it, such as `localhost/shop:1.4`. The digest that this name led to is `Site.image`. */
  readonly imageName: string;
  readonly listens: Listening;
  /** Variables, besides those of the image. May hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly AppVolume[];
  /** Arguments of the entrypoint, in place of the image's command. */
  readonly command?: readonly string[] | undefined;
  /** Networks that its containers are in, besides their own link to the machine. Of a pod, undefined: `default`. */
  readonly networks?: readonly NetworkMembership[] | undefined;
  /** Whom it runs as, by ids inside the container. */
  readonly user: AppUser;
  /** A path that answers with a status below 500 when the app is ready. Undefined: it is ready when it listens. */
  readonly healthPath?: string | undefined;
  /** Set for a service of a compose project. The project's other services are the site's companions. */
  readonly pod?: Pod | undefined;
}

export function portOf(listens: Listening): number | undefined {
  return 'port' in listens ? listens.port : undefined;
}
