/** Names of images, and their end. */
import { SubakoError } from '../../domain/errors.ts';
import { printable } from '../../lib/printable.ts';
import { findImage, nameMeant } from './find-image.ts';
import type { ImageTools } from './image-tools.ts';
import type { StorageFiles, StoredImage } from './storage-files.ts';
import { toolError } from './tool-error.ts';

export interface RemovalDeps {
  readonly tools: Pick<ImageTools, 'run'>;
  readonly files: Pick<StorageFiles, 'all' | 'strayLayers' | 'mappedLayers'>;
  readonly usedBy: (id: string) => Promise<readonly string[]>;
}

export interface RemoveReply {
  readonly id: string;
  readonly untagged: readonly string[];
  readonly deleted: boolean;
}

export interface PruneReply {
  /** Ids of the images. */
  readonly deleted: readonly string[];
  readonly layers: number;
  readonly bytes: number;
}

const TIMEOUT_MS = 600_000;

export class Removal {
  readonly #deps: RemovalDeps;
  readonly #working = new Set<Promise<unknown>>();
  #isPruning = false;
  #dropping: Promise<void> = Promise.resolve();

  constructor(deps: RemovalDeps) {
    this.#deps = deps;
  }

  /** Work that makes layers, which belong to no image until it is done: nothing is pruned meanwhile. @throws SubakoError `busy` while something is */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isPruning) throw new SubakoError('busy', 'images are being pruned', { hint: 'try again in a moment' });
    const working = work();
    this.#working.add(working);
    try {
      return await working;
    } finally {
      this.#working.delete(working);
    }
  }

  /** When all work that is under way now has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#working, this.#dropping]);
  }

  /** Another image that had the name loses it. */
  async addName({ id }: Pick<StoredImage, 'id'>, name: string): Promise<void> {
    await this.#storage(['add-names', '--name', name, storedId(id)]);
  }

  /** Begins to remove what builds leave behind that no image is made of: nobody waits for it. One that a build needs again stays, and goes with the next. */
  dropMappedLayers(): void {
    this.#dropping = this.#dropping
      .then(async () => {
        const mapped = (await this.#deps.files.mappedLayers()).toReversed();
        if (mapped.length > 0) await this.#deps.tools.run('containersStorage', ['delete-layer', ...mapped], { timeoutMs: TIMEOUT_MS });
      })
      .catch(() => undefined); // the next one finds them again
  }

  async remove(reference: string, { force }: { readonly force: boolean }): Promise<RemoveReply> {
    const { files, usedBy } = this.#deps;
    const { id, names, digestNames } = findImage(await files.all(), reference);
    const all = [...names, ...digestNames];
    const meant = nameMeant(all, reference);
    if (meant !== undefined && all.length > 1) {
      await this.#removeNames(id, [meant]);
      return { id, untagged: [meant], deleted: false };
    }
    if (all.length > 1 && !force) {
      throw new SubakoError('conflict', `the image has several names: ${printable(names.join(', '))}`, { hint: 'remove them one by one, or give --force' });
    }
    const users = await usedBy(id);
    if (users.length > 0 && !force) {
      throw new SubakoError('conflict', `the image is in use by ${users.slice(0, 5).join(', ')}`, {
        hint: 'remove these first; --force takes away its names alone',
      });
    }
    if (users.length > 0) await this.#removeNames(id, all);
    else await this.#delete(id);
    return { id, untagged: all, deleted: users.length === 0 };
  }

  async prune({ all }: { readonly all: boolean }): Promise<PruneReply> {
    if (this.#working.size > 0 || this.#isPruning)
      throw new SubakoError('busy', 'an image is being pulled, built or imported', { hint: 'try again when it is done' });
    this.#isPruning = true;
    try {
      return await this.#prune(all);
    } finally {
      this.#isPruning = false;
    }
  }

  async #prune(all: boolean): Promise<PruneReply> {
    await this.#dropping;
    const { files, usedBy, tools } = this.#deps;
    const before = await files.all();
    // Of builds that were killed.
    await tools.run('buildah', ['rm', '--all'], { timeoutMs: TIMEOUT_MS });
    const deleted: string[] = [];
    for (const { id, names, digestNames } of before) {
      const isWanted = !all && names.length + digestNames.length > 0;
      if (isWanted || (await usedBy(id)).length > 0) continue;
      await this.#delete(id);
      deleted.push(id);
    }
    const layers = await this.#deleteStrayLayers();
    // Directories that no record names any more.
    await tools.run('containersStorage', ['gc'], { timeoutMs: TIMEOUT_MS });
    return { deleted, layers, bytes: layerBytes(before) - layerBytes(await files.all()) };
  }

  /** The youngest first: a layer goes before the one below it. */
  async #deleteStrayLayers(): Promise<number> {
    const stray = (await this.#deps.files.strayLayers()).toReversed();
    for (const id of stray) await this.#storage(['delete-layer', id]);
    return stray.length;
  }

  async #removeNames(id: string, names: readonly string[]): Promise<void> {
    await this.#storage(['remove-names', ...names.flatMap((name) => ['--name', name]), storedId(id)]);
  }

  async #delete(id: string): Promise<void> {
    await this.#storage(['delete-image', storedId(id)]);
  }

  async #storage(args: readonly string[]): Promise<void> {
    const result = await this.#deps.tools.run('containersStorage', args, { timeoutMs: TIMEOUT_MS });
    if (result.code !== 0) throw toolError(`the store of images could not do ${args[0]}`, result, 'command_failed');
  }
}

function storedId(id: string): string {
  return id.replace('sha256:', '');
}

/** Of every layer once. */
function layerBytes(images: readonly StoredImage[]): number {
  const sizes = new Map(images.flatMap(({ layerIds, layerSizes }) => layerIds.map((id, index) => [id, layerSizes[index] ?? 0] as const)));
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}
