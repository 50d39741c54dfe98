/** Where the containers of a runtime are on disk. */
import { join } from 'node:path';
import type { RuntimeName } from '../../domain/runtime-name.ts';

/** An empty file in each bundle. */
export const STDIN = 'stdin';

/** The program's own `--root`. @param dir of this platform's containers */
export function stateRoot(dir: string, runtime: RuntimeName): string {
  return join(dir, runtime);
}

/** A directory for each runtime, so that a bundle says which one its container is of. @throws RangeError for an id that could mean another path */
export function bundleDir(dir: string, runtime: RuntimeName, id: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/u.test(id)) throw new RangeError(`not a container id: ${id}`);
  return join(dir, 'bundles', runtime, id);
}
