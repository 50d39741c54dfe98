/** What a site is made of that its owner brings an image for. */
import type { ContainerSpec, HealthCheck } from './container.ts';

import type { NetworkMembership } from './network.ts';

/** Where what runs in a container waits for requests: at a path inside it, or at a port. */
export type Listening = { readonly socket: string } | { readonly port: number };

export interface Volume {
  /** Of the site's own: no other site has a volume, whatever it is called. */
  readonly name: string;
  /** Inside the container. */
  readonly path: string;
}

export interface AppUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** What a service of a project brings that another app does not. Its image’s own words are in it already. */
export interface Pod {
  readonly project: string;
  readonly service: string;
  /** Its whole command line. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly readOnly: boolean;
  readonly shmBytes?: number;
  readonly tmpfs: ContainerSpec['tmpfs'];
  /** Those of the platform, which other services may have too. */
  readonly volumes: readonly { readonly name: string; readonly path: string; readonly writable: boolean }[];
  readonly files: NonNullable<ContainerSpec['files']>;
  readonly stopSignal: NodeJS.Signals;
  readonly health?: HealthCheck;
}

export interface App {
  /** As its owner wrote it, such as `localhost/shop:1.4`. Which image that was, the site's record says. */
  readonly imageName: string;
  readonly listens: Listening;
  /** Besides the image's own. May hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** What outlives its containers. */
  readonly volumes: readonly Volume[];
  /** In place of what the image runs after its entrypoint. */
  readonly command?: readonly string[] | undefined;
  /** Networks that its containers are in, besides their link to the machine. */
  readonly networks?: readonly NetworkMembership[] | undefined;
  /** Ids inside the container, as the image says. */
  readonly user: AppUser;
  /** A path that answers when it is ready, with a status below 500. Undefined: it is ready when it listens. */
  readonly healthPath?: string | undefined;
  /** Of the service of a project that visitors come to; the others are its companions. */
  readonly pod?: Pod | undefined;
}

export function portOf(listens: Listening): number | undefined {
  return 'port' in listens ? listens.port : undefined;
}
