/** Where a site's things are on disk. */
import { join } from 'node:path';

export interface SitePaths {
  /** Everything durable of the site; traversable, so that its containers reach what is mounted into them. */
  readonly root: string;
  /** wp-content and the like: under the tenant's control, never opened by a string path below this point. */
  readonly content: string;
  /** Configuration with the site's credentials: root writes, the site's group reads. */
  readonly config: string;
  /** Compiled PHP of the site's own files: under the tenant's control. */
  readonly opcache: string;
  /** Scratch space of the running instance: under the tenant's control. */
  readonly tmp: string;
  /** Root alone. */
  readonly secrets: string;
  readonly log: string;
  /** Sockets of the running instance: under the tenant's control. */
  readonly sockets: string;
  /** A directory that only holds mount points, made afresh for each boot. */
  readonly opcacheRoot: string;
}

export interface PlatformDirs {
  readonly state: string;
  readonly run: string;
}

export function sitePaths(dirs: PlatformDirs, id: string): SitePaths {
  const root = join(dirs.state, 'sites', id);
  const run = join(dirs.run, 'sites', id);
  return {
    root,
    content: join(root, 'content'),
    config: join(root, 'config'),
    opcache: join(root, 'opcache'),
    tmp: join(root, 'tmp'),
    secrets: join(root, 'secrets'),
    log: join(root, 'log'),
    sockets: join(run, 'sockets'),
    opcacheRoot: join(run, 'opcache'),
  };
}
