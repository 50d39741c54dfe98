/**
 * Containers that belong to no site (*nobody's*): those that templates are made from and proven with, and spares. They look like a site's, with
 * empty content and configuration, and without a database.
 */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { Role } from '../domain/role.ts';
import { QUIET } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { Image } from '../image/image.ts';
import { linkedSocket } from '../lib/connectable.ts';
import { poll } from '../lib/deadline.ts';
import { listensAt } from '../lib/proc.ts';
import { removeTree } from '../lib/files.ts';
import { instancePaths, sitePaths } from './site-paths.ts';
import type { SitePaths } from './site-paths.ts';
import type { Connectable, Stack, StackContext } from '../stack/stack.ts';

export interface NobodyDeps {
  /** Top directories, in the place of the platform's own. */
  readonly dirs: { readonly state: string; readonly run: string };
  /** Directory for links to sockets: a short path on the file system of `dirs.run`. */
  readonly askDir: string;
  readonly sharedDev: string;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly now: () => number;
}

/** What such a container has in the place of a site: an id, as long as a site's, because CRIU puts one in the place of the other; and a uid range that no site has. */
export interface Nobody {
  readonly id: string;
  readonly range: number;
}

const LIMITS = { memoryBytes: 512 * 1024 ** 2, adminMemoryBytes: 512 * 1024 ** 2, cpus: 2, pids: 64 };
const SOCKET_WITHIN_MS = 20_000;

/** What the stack is told about such a container. */
export function nobodysContext(
  deps: NobodyDeps,
  what: { readonly image: Image; readonly role: Role },
  as: Nobody & { readonly containerId: string },
): StackContext {
  const { image, role } = what;
  const { dirs, sharedDev, cgroupPathOf, now } = deps;
  const site: Site = {
    id: as.id,
    domain: `${as.id}.invalid`,
    stack: image.name,
    phase: 'ready',
    image: image.digest,
    uidRange: as.range,
    node: '',
    settings: { ...QUIET, keepAwake: true, ...LIMITS },
    createdAt: now(),
  };
  const paths = sitePaths(dirs, as.id);
  const instance = { id: as.containerId, ...instancePaths(paths, as.containerId), cgroupPath: cgroupPathOf(as.containerId), uidRange: as.range };
  return { site, role, paths, instance, image, databaseSockets: join(paths.root, 'no-database'), sharedDev, masks: [] };
}

/** Makes its directories, before it is started. */
export async function prepareNobody(context: StackContext, stack: Stack, stateDir: string): Promise<void> {
  for (const dir of [stateDir, context.paths.root, context.databaseSockets, context.paths.log]) await mkdir(dir, { recursive: true, mode: 0o711 });
  await stack.template?.prepareFiles(context);
  await stack.prepareBoot(context);
}

/** Removes what its directories still hold. Idempotent. */
export async function clearNobody({ root, run }: Pick<SitePaths, 'root' | 'run'>): Promise<void> {
  for (const dir of [root, run]) await removeTree(dir);
}

/** A way to connect to its sockets. @param first its first process */
export function connectableOf({ instance }: StackContext, stack: Stack, { first, askDir }: { first: ProcessIdentity; askDir: string }): Connectable {
  const owner = rangeBase(instance.uidRange) + (stack.uid ?? 0);
  return async (socket) => {
    const listens = (): Promise<boolean> => listensAt(first.pid, basename(socket)).catch(() => false);
    if ((await poll(listens, { timeoutMs: SOCKET_WITHIN_MS, everyMs: 10 })) !== true) throw new Error('it did not listen');
    return linkedSocket(askDir, { socket, owner });
  };
}
