/**
 * Files into a container and out of it, as tar archives. A program of ours packs and unpacks them in a container of its own, with the other's
 * ids and directories alone: whatever links lie in there, they lead to nothing of the machine.
 */
import { dirname, basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Container } from '../domain/container.ts';
import { isUp } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { Containers } from './containers.ts';
import { containerPaths } from './deps.ts';
import type { ContainersDeps } from './deps.ts';
import { runBeside } from './run-beside.ts';
import { mountsOf } from './volumes.ts';

const ROOT = '/mnt';

/** The archive holds the file or the directory under its own name. @throws SubakoError `not_found` */
export async function copyOut(
  containers: Containers,
  { ref, path, output }: { ref: string; path: string; output: Writable },
  deps: ContainersDeps,
): Promise<void> {
  await withRoot({ containers, ref }, deps, async (container, root) => {
    const found = await deps.remounter.resolveIn(root, path);
    if (found === undefined) throw notThere(container, path);
    const argv = ['tar', '--create', '--directory', ROOT + dirname(found), '--file', '-', '--', found === '/' ? '.' : basename(found)];
    await runBeside(container, { argv, mounts: await seenBy(container, root, deps), output }, deps);
  });
}

/**
 * Unpacks an archive that holds one thing called `name`: into `path` where that is a directory, else in its place.
 * @throws SubakoError `not_found` when the directory that it is to lie in is not there
 */
export async function copyIn(
  containers: Containers,
  { ref, path, name, input }: { ref: string; path: string; name: string; input: Readable },
  deps: ContainersDeps,
): Promise<void> {
  await withRoot({ containers, ref }, deps, async (container, root) => {
    const isInto = (await deps.remounter.resolveIn(root, `${path}/.`)) !== undefined;
    const place = await deps.remounter.resolveIn(root, isInto ? path : dirname(path));
    if (place === undefined) throw notThere(container, isInto ? path : dirname(path));
    const as = isInto ? [] : ['--transform', `flags=r;s,^${plain(name)},${plain(basename(path))},`];
    const argv = ['tar', '--extract', '--no-same-owner', '--directory', ROOT + place, ...as, '--file', '-'];
    await runBeside(container, { argv, mounts: await seenBy(container, root, deps), input }, deps);
  });
}

/** Mounted for as long as it takes, where it does not run. */
async function withRoot(
  { containers, ref }: { containers: Containers; ref: string },
  deps: ContainersDeps,
  work: (container: Container, root: string) => Promise<void>,
): Promise<void> {
  await containers.exclusively(ref, async (container) => {
    if (isUp(container)) return work(container, deps.rootFilesystems.of(container.id));
    const image = await deps.images.byId(container.image.id);
    if (image === undefined) throw new SubakoError('not_found', `the image of ${container.name} is gone`);
    const changes = containerPaths(deps.dirs, container.id).changes;
    const root = await deps.rootFilesystems.mount({ id: container.id, layers: image.layers, hostIdBase: rangeBase(container.uidRange), changes });
    try {
      return await work(container, root);
    } finally {
      await deps.rootFilesystems.unmount(container.id);
    }
  });
}

/** Its root, and its volumes where it has them. */
async function seenBy(container: Container, root: string, deps: ContainersDeps): Promise<BindMount[]> {
  const volumes = await mountsOf(container, deps);
  return [{ source: root, destination: ROOT, writable: true }, ...volumes.map((mount) => ({ ...mount, destination: join(ROOT, mount.destination) }))];
}

function plain(text: string): string {
  return text.replaceAll(/[\\.*^$[\],&]/gu, String.raw`\$&`);
}

function notThere({ name }: Container, path: string): SubakoError {
  return new SubakoError('not_found', `${name} has no ${path}`);
}
