/**
 * Root file systems of containers: the layers of an image on one another, with the container's ids, and its own changes on top where it has any.
 *
 * The layers are never changed: on disk their ids are those that the image names, and each container sees them as its own.
 */
import { chmod, chown, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import type { Remounter } from '../mounts/remounter.ts';
import { makeSkeleton } from './skeleton.ts';

export interface RootWish {
  /** Of the container. */
  readonly id: string;
  /** As in `OciImage`: the topmost first. */
  readonly layers: readonly string[];
  readonly hostIdBase: number;
  /** Directory for what the container changes, which lasts as long as the directory: one container at a time. Undefined: it can change nothing. */
  readonly changes?: string | undefined;
  /** The changes go with the container: nobody waits for them to be on disk. */
  readonly ephemeral?: boolean;
}

export interface RootFilesystemsOptions {
  /** Of mount points: below the run directory. */
  readonly dir: string;
  /** Of what every container finds in its root, whatever its image: below the state directory. */
  readonly skeleton: string;
  readonly remounter: Pick<Remounter, 'overlay' | 'show' | 'unmount'>;
}

/** Behind a container's id, in names of what is shown to it. */
const SHOWN = '-v';

export class RootFilesystems {
  readonly #options: RootFilesystemsOptions;
  #skeleton: Promise<void> | undefined;

  constructor(options: RootFilesystemsOptions) {
    this.#options = options;
  }

  /** Where the root of this container is, or will be, mounted. Pure. @throws RangeError for an id that could mean another path */
  of(id: string): string {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/u.test(id)) throw new RangeError(`not a container id: ${id}`);
    return join(this.#options.dir, id);
  }

  /** Mounts it, in the place of what was there. Returns where. @throws SubakoError `host_unfit` where the kernel cannot; then nothing is mounted */
  async mount({ id, layers, hostIdBase, changes, ephemeral = false }: RootWish): Promise<string> {
    const { dir, skeleton, remounter } = this.#options;
    const target = this.of(id);
    await this.#prepared();
    const places = changes === undefined ? undefined : await makeChanges(changes, hostIdBase);
    await mkdir(dir, { recursive: true, mode: 0o711 });
    await remounter.unmount(target);
    await mkdir(target, { recursive: true, mode: 0o755 });
    try {
      const ids = { from: 0, to: hostIdBase, size: RANGE_SIZE };
      await remounter.overlay({ target, layers: [...layers, skeleton], ids, changes: places, volatile: ephemeral });
    } catch (error) {
      await rmdir(target).catch(() => undefined);
      throw unfit(error);
    }
    return target;
  }

  /**
   * A directory of the machine, to be mounted for this container: where it lies cannot be changed any more by whoever may write on the way to it.
   * Taken away with the root; the container keeps what it has of it. @throws when no such directory is below `root`
   */
  async show(id: string, { root, path, index }: { readonly root: string; readonly path: string; readonly index: number }): Promise<string> {
    const target = `${this.of(id)}${SHOWN}${index}`;
    await mkdir(target, { recursive: true, mode: 0o755 });
    await this.#options.remounter.unmount(target);
    await this.#options.remounter.show({ target, root, path });
    return target;
  }

  /** Also while somebody is in it. What was changed stays. Idempotent. */
  async unmount(id: string): Promise<void> {
    const { dir } = this.#options;
    const shown = (await readdir(dir).catch(() => [])).filter((name) => name.startsWith(`${id}${SHOWN}`)).map((name) => join(dir, name));
    for (const target of [...shown, this.of(id)]) {
      await this.#options.remounter.unmount(target);
      await rmdir(target).catch(() => undefined); // it was not there
    }
  }

  /** Whether it is mounted now. */
  async isMounted(id: string): Promise<boolean> {
    const target = this.of(id);
    return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').some((line) => line.split(' ')[4] === target);
  }

  /** Unmounts the roots of all containers but these, also those of an earlier daemon. Returns the ids of those. */
  async sweep(known: ReadonlySet<string>): Promise<string[]> {
    const strangers = (await readdir(this.#options.dir).catch(() => [])).filter((id) => !known.has(id));
    for (const id of strangers) await this.unmount(id);
    return strangers;
  }

  async unmountAll(): Promise<void> {
    await this.sweep(new Set());
  }

  /** Once, and again when it failed. */
  #prepared(): Promise<void> {
    this.#skeleton ??= makeSkeleton(this.#options.skeleton).catch((error: unknown) => {
      this.#skeleton = undefined;
      throw error;
    });
    return this.#skeleton;
  }
}

/** `upper` is the container's root directory: its own. What a volatile mount left behind would refuse the next one. */
async function makeChanges(dir: string, owner: number): Promise<{ upper: string; work: string }> {
  const places = { upper: join(dir, 'upper'), work: join(dir, 'work') };
  await mkdir(dir, { recursive: true, mode: 0o711 });
  for (const place of Object.values(places)) {
    if ((await mkdir(place, { recursive: true })) === undefined) continue;
    await chmod(place, 0o755);
    await chown(place, owner, owner);
  }
  await rm(join(places.work, 'work', 'incompat'), { recursive: true, force: true });
  return places;
}

function unfit(error: unknown): SubakoError {
  const reason = error instanceof Error ? error.message : String(error);
  return new SubakoError('host_unfit', `this machine cannot mount the layers of images: ${reason}`, {
    hint: 'it takes Linux 5.19 or newer with overlayfs, and a state directory on a file system that mounts can map ids of (ext4, xfs, btrfs)',
    facts: { reason },
    cause: error,
  });
}
