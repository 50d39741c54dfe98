/**
 * Reads what containers/storage keeps on disk, without starting a program: running an image is not to wait for one.
 * Its programs write these files whole, under locks of their own, by renaming; here they are only read.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { parseImageConfig, parseTime } from './image-config.ts';
import type { OciImage } from './oci-image.ts';

/** What the files tell of one image beyond what containers are made from. */
export interface StoredImage extends OciImage {
  /** `sha256:…` of its manifests, by which registries call it; one for each way in which its layers came compressed. */
  readonly manifestDigests: readonly string[];
  /** `NAME@sha256:…` under which it was pulled. */
  readonly digestNames: readonly string[];
  /** The whole JSON document. */
  readonly configuration: Configuration;
  /** Ids of its layers in the store, the topmost first. */
  readonly layerIds: readonly string[];
  /** Bytes of each, unpacked; as `layers`. */
  readonly layerSizes: readonly number[];
}

/** A stranger's JSON object. */
interface Configuration {
  readonly created?: unknown;
}

interface ImageRecord {
  readonly id: string;
  readonly 'big-data-names'?: readonly string[];
  readonly names?: readonly string[];
  readonly layer?: string;
  readonly created?: string;
}

interface LayerRecord {
  readonly id: string;
  readonly parent?: string;
  readonly 'diff-size'?: number;
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Of a layer that is another one with other owners, for steps of a build. */
  readonly uidmap?: readonly unknown[];
}

const MANIFEST = 'manifest-';
const HEX = /^[0-9a-f]{64}$/u;
/** More than any image has; a chain that is longer goes in a circle. */
const MOST_LAYERS = 1_000;

export class StorageFiles {
  readonly #root: string;
  readonly #images: CachedJson<ImageRecord[]>;
  readonly #layers: CachedJson<LayerRecord[]>;
  /** Configurations never change: the id is their digest. */
  readonly #configurations = new Map<string, Configuration>();
  #known: { readonly images: ImageRecord[]; readonly layers: LayerRecord[]; readonly all: Promise<StoredImage[]> } | undefined;

  /** @param root of the storage; it need not exist */
  constructor(root: string) {
    this.#root = root;
    this.#images = new CachedJson(join(root, 'overlay-images', 'images.json'));
    this.#layers = new CachedJson(join(root, 'overlay-layers', 'layers.json'));
  }

  /**
   * Every whole image, also those without a name. What a killed program left half made is not among them.
   * @throws SubakoError `state_damaged` where the files are not what they should be
   */
  async all(): Promise<readonly StoredImage[]> {
    // The layers of an image are recorded before it is: so they are read after it.
    const images = (await this.#images.read()) ?? [];
    const layers = (await this.#layers.read()) ?? [];
    if (this.#known?.images !== images || this.#known.layers !== layers) this.#known = { images, layers, all: this.#gather(images, layers) };
    return this.#known.all;
  }

  /** Layers that no image needs any more, such as those of a pull that was killed. */
  async strayLayers(): Promise<string[]> {
    const used = new Set((await this.all()).flatMap(({ layerIds }) => layerIds));
    return ((await this.#layers.read()) ?? []).map(({ id }) => id).filter((id) => !used.has(id));
  }

  /** What builds left: layers that are others with other owners. The youngest last. */
  async mappedLayers(): Promise<string[]> {
    return ((await this.#layers.read()) ?? []).filter(({ uidmap = [] }) => uidmap.length > 0).map(({ id }) => id);
  }

  async #gather(images: readonly ImageRecord[], layers: readonly LayerRecord[]): Promise<StoredImage[]> {
    const byId = new Map(layers.map((layer) => [layer.id, layer]));
    const found = await Promise.all(images.filter(({ id }) => HEX.test(id)).map((record) => this.#image(record, byId)));
    for (const id of this.#configurations.keys()) if (!images.some((image) => image.id === id)) this.#configurations.delete(id);
    return found.filter((image) => image !== undefined);
  }

  async #image(record: ImageRecord, layers: ReadonlyMap<string, LayerRecord>): Promise<StoredImage | undefined> {
    const chain = chainOf(record.layer ?? '', layers);
    const configuration = await this.#configuration(record.id);
    if (chain === undefined || configuration === undefined) return undefined;
    const names = record.names ?? [];
    const layerSizes = chain.map((layer) => layer['diff-size'] ?? 0);
    return {
      id: `sha256:${record.id}`,
      names: names.filter((name) => !name.includes('@')),
      digestNames: names.filter((name) => name.includes('@')),
      layers: chain.length === 0 ? [await this.#nothing()] : chain.map(({ id }) => join(this.#root, 'overlay', id, 'diff')),
      layerIds: chain.map(({ id }) => id),
      layerSizes,
      config: parseImageConfig(configuration),
      configuration,
      createdAt: parseTime(configuration.created) ?? parseTime(record.created) ?? 0,
      sizeBytes: layerSizes.reduce((sum, bytes) => sum + bytes, 0),
      manifestDigests: (record['big-data-names'] ?? []).filter((name) => name.startsWith(MANIFEST)).map((name) => name.slice(MANIFEST.length)),
    };
  }

  /** Undefined where it is missing, or is not what the image's id says. */
  async #configuration(id: string): Promise<Configuration | undefined> {
    const known = this.#configurations.get(id);
    if (known !== undefined) return known;
    const bytes = await readFile(join(this.#root, 'overlay-images', id, blobName(`sha256:${id}`))).catch(() => undefined);
    if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== id) return undefined;
    const configuration = parsed(bytes.toString('utf8'));
    if (configuration !== undefined) this.#configurations.set(id, configuration);
    return configuration;
  }

  /** What an image without layers holds: overlayfs wants a directory. */
  async #nothing(): Promise<string> {
    const dir = join(this.#root, 'nothing');
    await mkdir(dir, { recursive: true, mode: 0o755 });
    return dir;
  }
}

/** The topmost first; undefined where one is missing or half unpacked. */
function chainOf(top: string, layers: ReadonlyMap<string, LayerRecord>): LayerRecord[] | undefined {
  const chain: LayerRecord[] = [];
  for (let id = top; id !== ''; id = chain.at(-1)?.parent ?? '') {
    const layer = layers.get(id);
    if (layer === undefined || !HEX.test(id) || layer.flags?.['incomplete'] === true || chain.length > MOST_LAYERS) return undefined;
    chain.push(layer);
  }
  return chain;
}

function parsed(text: string): Configuration | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The name of a blob's file: as it is where it is plain, else in base64 after an equals sign. */
function blobName(key: string): string {
  return /^[a-z0-9.]*$/u.test(key) ? key : `=${Buffer.from(key).toString('base64')}`;
}

/** A JSON file that is read again only when it has changed. */
class CachedJson<T> {
  readonly #path: string;
  #stamp = '';
  #value: T | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined where there is no such file; the same object while the file is the same. */
  async read(): Promise<T | undefined> {
    const found = await stat(this.#path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return undefined;
    const stamp = `${found.ino} ${found.mtimeNs} ${found.size}`;
    if (stamp === this.#stamp) return this.#value;
    const text = await readFile(this.#path, 'utf8');
    try {
      this.#value = (text === '' ? [] : JSON.parse(text)) as T;
    } catch (error) {
      throw new SubakoError('state_damaged', `${this.#path} is not JSON`, {
        hint: 'put it back from a backup, or remove the directory above it and pull the images again',
        cause: error,
      });
    }
    // Of a file that was replaced between the two, at most the stamp is old: then it is read again.
    this.#stamp = stamp;
    return this.#value;
  }
}
