/** Where a site's things are on disk. */
import { join } from 'node:path';
import type { Role } from '../domain/role.ts';

export interface SitePaths {
  /** Everything durable of the site; traversable, so that its containers reach what is mounted into them. */
  readonly root: string;
  /** wp-content and the like. Under the tenant's control: nothing below it is opened by a path. */
  readonly content: string;
  /** A role's configuration, credentials included. No process of the site may write it; the site's group may read it. */
  configOf(role: Role): string;
  /** Compiled PHP of the site's own files: under the tenant's control. */
  readonly opcache: string;
  /** An app's volumes, a directory for each. Under the tenant's control below that. */
  readonly volumes: string;
  /** What outlives releases of code. Under the tenant's control. */
  readonly data: string;
  /** A directory for each release (see `releasePaths`). */
  readonly releases: string;
  /** Scratch space of the running instances, a directory for each. */
  readonly scratch: string;
  /** For root alone. */
  readonly secrets: string;
  /** The site's own checkpoint, for root alone. */
  readonly checkpoint: string;
  readonly log: string;
  /** Sockets and mount points of the running instances, a directory for each. */
  readonly run: string;
}

/** Directories of one instance, which are removed with it. */
export interface InstancePaths {
  readonly root: string;
  /** Under the tenant's control. */
  readonly sockets: string;
  /** A directory that only holds mount points. */
  readonly opcacheRoot: string;
  /** Under the tenant's control, in memory. */
  readonly tmp: string;
  /** Under the tenant's control, on disk. */
  readonly scratch: string;
}

export interface PlatformDirs {
  readonly state: string;
  readonly run: string;
}

export function sitePaths(dirs: PlatformDirs, id: string): SitePaths {
  const root = join(dirs.state, 'sites', id);
  return {
    root,
    content: join(root, 'content'),
    configOf: (role) => join(root, 'config', role),
    opcache: join(root, 'opcache'),
    volumes: join(root, 'volumes'),
    data: join(root, 'volumes', 'data'),
    releases: join(root, 'releases'),
    scratch: join(root, 'scratch'),
    secrets: join(root, 'secrets'),
    checkpoint: join(root, 'checkpoint'),
    log: join(root, 'log'),
    run: join(dirs.run, 'sites', id),
  };
}

export function instancePaths(site: SitePaths, instanceId: string): InstancePaths {
  const root = join(site.run, instanceId);
  return { root, sockets: join(root, 'sockets'), opcacheRoot: join(root, 'opcache'), tmp: join(root, 'tmp'), scratch: join(site.scratch, instanceId) };
}

/** A release: `facts` is what the platform knows of it, `code` the tenant's code, which is never written to again. */
export function releasePaths({ releases }: Pick<SitePaths, 'releases'>, name: string): { root: string; facts: string; code: string } {
  const root = join(releases, name);
  return { root, facts: join(root, 'release.json'), code: join(root, 'code') };
}
