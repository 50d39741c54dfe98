/** Named volumes, and directories of the machine where its operator allows it. */
import { chown, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Container, ContainerVolume, Volume } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { removeTree } from '../lib/files.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { ContainersDeps } from './deps.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { checkName, newContainerId } from './names.ts';
import { fillingMark, seedVolumes } from './seed-volumes.ts';
import { containersWith, sitesWith } from './volume-users.ts';

type VolumeDeps = Pick<ContainersDeps, 'cmdb' | 'dirs' | 'now' | 'volumeRoots' | 'rootFilesystems'>;
type AllVolumesDeps = VolumeDeps & Pick<ContainersDeps, 'remounter' | 'runtime' | 'cgroupPathOf' | 'toolsRoot'>;

/** Whose containers are not made by us: a site's. */
interface VolumesOfSite {
  /** Of its image. */
  readonly layers: readonly string[];
  readonly uidRange: number;
  readonly volumes: readonly { readonly name: string; readonly path: string }[];
}

export class Volumes {
  readonly #deps: AllVolumesDeps;

  constructor(deps: AllVolumesDeps) {
    this.#deps = deps;
  }

  /** Keeps one that is there. @throws SubakoError `bad_usage` */
  async create(name: string): Promise<Volume> {
    await ensure({ volume: checkName(name, 'volume'), anonymous: false }, this.#deps);
    return this.get(name);
  }

  /** A new one belongs to this user of the container. */
  async give(name: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
    await chown(join(this.#deps.dirs.volumes, checkName(name, 'volume')), uid, gid);
  }

  /** Those that have nothing in them begin as what the image has in their place, as those of a container do. */
  async seed({ layers, uidRange, volumes }: VolumesOfSite): Promise<void> {
    if (volumes.length === 0) return;
    const { rootFilesystems, dirs } = this.#deps;
    const id = `seed-${newContainerId()}`;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => rootFilesystems.unmount(id));
    const rootfs = await rootFilesystems.mount({ id, layers, hostIdBase: rangeBase(uidRange) });
    const mounts = volumes.map(({ name, path }) => ({ source: join(dirs.volumes, name), destination: path, writable: true, mapped: true }));
    await seedVolumes(mounts, { id, rootfs, uidRange }, this.#deps);
  }

  list(): Promise<Volume[]> {
    return this.#deps.cmdb.volumes();
  }

  /** @throws SubakoError `not_found` */
  async get(name: string): Promise<Volume> {
    const found = (await this.list()).find((volume) => volume.name === name);
    if (found === undefined) throw new SubakoError('not_found', `there is no volume ${name}`, { hint: 'subako volume ls shows those there are' });
    return found;
  }

  /** @throws SubakoError `not_found`; `conflict` while a container has it */
  async remove(name: string): Promise<void> {
    await this.get(name);
    const { cmdb } = this.#deps;
    const users = [...(await containersWith(name, cmdb)).map((one) => one.name), ...(await sitesWith(name, cmdb)).map(({ domain }) => domain)];
    if (users.length > 0) throw new SubakoError('conflict', `the volume ${name} is used by ${users.join(', ')}`, { hint: 'remove what uses it first' });
    await forgetVolume(name, this.#deps);
  }
}

/** Those that may not be mounted. @throws SubakoError `bad_usage` */
export async function refuseDirectories(volumes: readonly ContainerVolume[], { volumeRoots }: Pick<VolumeDeps, 'volumeRoots'>): Promise<void> {
  for (const { from } of volumes) if ('directory' in from) await allowedDirectory(from.directory, volumeRoots);
}

/** Those that are new. */
export async function makeVolumes(volumes: readonly ContainerVolume[], deps: VolumeDeps): Promise<void> {
  for (const { from } of volumes) if ('volume' in from) await ensure(from, deps);
}

/** Those that nobody named go with their container. */
export async function dropAnonymousVolumes({ spec }: Container, deps: VolumeDeps): Promise<void> {
  for (const { from } of spec.volumes) if ('volume' in from && from.anonymous) await forgetVolume(from.volume, deps);
}

/** What is mounted for the container. @throws SubakoError `bad_usage` */
export function mountsOf({ id, spec }: Container, deps: VolumeDeps): Promise<BindMount[]> {
  return Promise.all(
    spec.volumes.map(async ({ from, destination, writable }, index) => {
      const source =
        'volume' in from
          ? await ensure(from, deps)
          : await deps.rootFilesystems.show(id, { ...(await allowedDirectory(from.directory, deps.volumeRoots)), index });
      return { source, destination, writable, executable: true, mapped: true };
    }),
  );
}

/** The record comes first: whatever a crash leaves has one. */
async function ensure({ volume, anonymous }: { volume: string; anonymous: boolean }, { cmdb, dirs, now }: VolumeDeps): Promise<string> {
  await cmdb.putVolume({ name: volume, anonymous, createdAt: now() });
  const dir = join(dirs.volumes, volume);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return dir;
}

/** The volume, with all that is in it. Repeatable. */
export async function forgetVolume(name: string, { cmdb, dirs }: Pick<VolumeDeps, 'cmdb' | 'dirs'>): Promise<void> {
  const dir = join(dirs.volumes, name);
  await removeTree(dir);
  await rm(fillingMark(dir), { force: true });
  await cmdb.deleteVolume(name);
}

/** Where it really is: no link of a tenant's may lead out of what is allowed. */
async function allowedDirectory(directory: string, roots: readonly string[]): Promise<{ root: string; path: string }> {
  const real = await realpath(directory).catch(() => undefined);
  const allowed = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const root = allowed.find((one) => isBelow(real ?? directory, one));
  if (root === undefined) {
    throw new SubakoError('bad_usage', `the directory ${directory} of this machine may not be mounted`, {
      hint:
        roots.length === 0
          ? 'name what may be in volumeRoots of the definition file, or use a named volume'
          : `below ${roots.join(' or ')} it may; volumeRoots in the definition file says so`,
    });
  }
  if (real === undefined || !(await stat(real)).isDirectory())
    throw new SubakoError('bad_usage', `there is no directory ${directory} on this machine`, { hint: 'make it first' });
  return { root, path: relative(root, real) };
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root.replace(/\/$/u, '')}/`);
}
