/** The images that containers are made from: pulled, built or imported, their layers unpacked once each. */
import { SubakoError } from '../../domain/errors.ts';
import { exportArchive, importArchive } from './archive.ts';
import type { ExportRequest, ImportRequest } from './archive.ts';
import { buildImage } from './build.ts';
import type { BuildRequest } from './build.ts';
import { guardDisk } from './disk-guard.ts';
import { findImage, nameMeant } from './find-image.ts';
import type { ImageTools } from './image-tools.ts';
import type { OciImage } from './oci-image.ts';
import { formatReference, parseLocalReference, parseReference } from './reference.ts';
import { Removal } from './removal.ts';
import type { PruneReply, RemoveReply } from './removal.ts';
import { Scanner } from './scan/scan.ts';
import type { ScanReply } from './scan/scan.ts';
import type { ScannerSettings } from './scan/scanner-program.ts';
import { SharedWork } from './shared-work.ts';
import type { Worker } from './shared-work.ts';
import { StorageFiles } from './storage-files.ts';
import type { StoredImage } from './storage-files.ts';
import { fetchImage, inspectRemote, login, logout, sendImage } from './transfer.ts';
import type { Login, TransferOptions } from './transfer.ts';

export interface OciStoreOptions {
  readonly tools: ImageTools;
  /** Bytes that one image may take unpacked. */
  readonly imageSizeLimit: number;
  /** Names of the sites and containers that are made from each image, by its id. */
  readonly users: () => Promise<ReadonlyMap<string, readonly string[]>>;
  readonly scanner: ScannerSettings;
}

export type PullOptions = TransferOptions & Worker;

const TOO_LARGE = 'nothing of it was kept; imageSizeLimit in the definition file is the most that an image may take';

export class OciStore implements AsyncDisposable {
  readonly #options: OciStoreOptions;
  readonly #files: StorageFiles;
  readonly #removal: Removal;
  readonly #pulls = new SharedWork<StoredImage>();
  readonly #scanner: Scanner;

  constructor(options: OciStoreOptions) {
    this.#options = options;
    this.#files = new StorageFiles(options.tools.storage);
    this.#removal = new Removal({ ...options, files: this.#files, usedBy: (id) => this.usedBy(id) });
    this.#scanner = new Scanner(options.tools, options.scanner);
  }

  /**
   * The image that a person calls so. Starts no program.
   * @throws SubakoError `not_found` with how to get it; `bad_usage` for what is no name
   */
  async resolve(reference: string): Promise<OciImage> {
    return this.find(reference);
  }

  /** By its whole id, as records have it. Starts no program. */
  async byId(id: string): Promise<OciImage | undefined> {
    return (await this.#files.all()).find((image) => image.id === id);
  }

  /** The newest first; those without a name, too. */
  async list(): Promise<readonly StoredImage[]> {
    return (await this.#files.all()).toSorted((a, b) => b.createdAt - a.createdAt);
  }

  /** As `resolve`, with all that is known of it. */
  async find(reference: string): Promise<StoredImage> {
    return findImage(await this.#files.all(), reference);
  }

  async usedBy(id: string): Promise<readonly string[]> {
    return (await this.users()).get(id) ?? [];
  }

  /** Of all images at once, by id. */
  users(): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#options.users();
  }

  /**
   * Fetches an image from its registry. Two who pull the same at once share the work. Layers that came whole are kept when it fails or is killed, and need not come again.
   * @throws SubakoError `not_found`, `registry_failed`, `no_space`
   */
  pull(reference: string, options: PullOptions): Promise<StoredImage> {
    const wanted = parseReference(reference);
    const key = JSON.stringify([formatReference(wanted), options.tlsVerify, options.certDir]);
    return this.#pulls.run(key, options, async (worker) => {
      const { tools } = this.#options;
      const how = { ...options, ...worker };
      worker.progress(`asking ${wanted.registry}`);
      const remote = await inspectRemote(tools, wanted, how);
      const sent = remote.layerBytes.reduce((sum, bytes) => sum + bytes, 0);
      this.#refuseLarge(formatReference(wanted), sent);
      await this.#guarded(how, (signal) => fetchImage(tools, wanted, { ...how, signal, remote }), sent);
      return this.#keepIfSmall(await this.find(formatReference(wanted)));
    });
  }

  /** @param to default: the image's own name @throws SubakoError `registry_failed`, `not_found` */
  async push(reference: string, { to, ...options }: PullOptions & { readonly to?: string | undefined }): Promise<{ readonly name: string }> {
    const image = await this.find(reference);
    const known = to ?? nameMeant(image.names, reference);
    if (known === undefined)
      throw new SubakoError('bad_usage', `${reference} is no name in a registry`, { hint: 'say where to: subako push IMAGE registry.example/team/app:1' });
    const name = parseReference(known);
    await sendImage(this.#options.tools, { id: image.id, to: name }, options);
    return { name: formatReference(name) };
  }

  /** @throws SubakoError `build_failed`, `bad_usage`, `no_space` */
  async build(request: BuildRequest, worker: Worker): Promise<StoredImage> {
    const id = await this.#guarded(worker, async (signal) => {
      try {
        return await buildImage(this.#options.tools, request, { ...worker, signal });
      } finally {
        this.#removal.dropMappedLayers();
      }
    });
    return this.#keepIfSmall(await this.find(id));
  }

  /** @throws SubakoError `bad_usage`, `command_failed`, `no_space` */
  async import(request: ImportRequest, worker: Worker): Promise<StoredImage[]> {
    const names = await this.#guarded(worker, (signal) => importArchive(this.#options.tools, request, { ...worker, signal }));
    return Promise.all(names.map(async (name) => this.#keepIfSmall(await this.find(name))));
  }

  /** @throws SubakoError `not_found`, `bad_usage`, `command_failed` */
  async export(
    reference: string,
    { file, format }: Pick<ExportRequest, 'file' | 'format'>,
    worker: Worker,
  ): Promise<{ readonly file: string; readonly bytes: number }> {
    const { id, names } = await this.find(reference);
    return { file, bytes: await exportArchive(this.#options.tools, { id, name: names[0], file, format }, worker) };
  }

  /** A further name; taken from another image that had it. */
  async tag(reference: string, name: string): Promise<StoredImage> {
    const image = await this.find(reference);
    const wanted = parseLocalReference(name);
    if (wanted.digest !== undefined) throw new SubakoError('bad_usage', `${name} has a digest, which is no name one can give`);
    await this.#removal.addName(image, formatReference(wanted));
    return this.find(image.id);
  }

  /**
   * Takes the name away, and with the last name the image. One that is in use stays: it is refused, or with `force` only loses its names.
   * @throws SubakoError `not_found`, `conflict`
   */
  remove(reference: string, options: { readonly force: boolean }): Promise<RemoveReply> {
    return this.#removal.remove(reference, options);
  }

  /** Removes what has no name (with `all`: every image) and is not in use, steps of builds, and layers of pulls that were broken off. @throws SubakoError `busy` while there is work on images */
  prune(options: { readonly all: boolean }): Promise<PruneReply> {
    return this.#removal.prune(options);
  }

  /** @throws SubakoError `command_failed` where nothing can be said of it */
  async scan(reference: string, worker: Worker): Promise<ScanReply> {
    return this.#scanner.scan(await this.find(reference), worker);
  }

  /** Waits for the work that is under way, which is broken off when those who asked for it go away. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#removal.settled();
  }

  login(registry: string, credentials: Login & TransferOptions): Promise<void> {
    return login(this.#options.tools, registry, credentials);
  }

  logout(registry: string): Promise<void> {
    return logout(this.#options.tools, registry);
  }

  /** @param sent bytes that come compressed, and lie on the disk beside what is unpacked from them */
  async #guarded<T>({ signal, progress }: Worker, work: (signal: AbortSignal) => Promise<T>, sent = 0): Promise<T> {
    const { tools, imageSizeLimit } = this.#options;
    await tools.programs(progress);
    return this.#removal.during(() => guardDisk({ dir: tools.dir, mayGrow: imageSizeLimit + sent, signal, hint: TOO_LARGE }, work));
  }

  async #keepIfSmall(image: StoredImage): Promise<StoredImage> {
    if (image.sizeBytes > this.#options.imageSizeLimit) await this.#removal.remove(image.id, { force: true });
    this.#refuseLarge(image.names[0] ?? image.id, image.sizeBytes);
    return image;
  }

  #refuseLarge(name: string, bytes: number): void {
    const { imageSizeLimit } = this.#options;
    if (bytes <= imageSizeLimit) return;
    throw new SubakoError('no_space', `${name} is larger than an image may be: ${bytes} bytes, and ${imageSizeLimit} are allowed`, {
      hint: 'imageSizeLimit in the definition file',
    });
  }
}
