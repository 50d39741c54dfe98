/**
 * Reads files of an image as a container would find them, out of its layers, without mounting them and without following a link:
 * an image may have put one anywhere. Layers never change, so looking first and opening then is safe.
 */
import { constants } from 'node:fs';
import { lstat, open, opendir } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

export interface LayerFilesOptions {
  /** Directories, the topmost first. */
  readonly layers: readonly string[];
  /** Whether a directory of a layer hides what is below it in lower ones. */
  readonly isOpaque: (dir: string) => Promise<boolean>;
  /** Bytes; a larger file is an error. */
  readonly maxBytes: number;
  /** A directory of a layer with more names is an error. */
  readonly maxNames: number;
}

export class LayerFiles {
  readonly #options: LayerFilesOptions;

  constructor(options: LayerFilesOptions) {
    this.#options = options;
  }

  /** Undefined where there is no such file, or no plain one. @param path such as `etc/os-release` @throws RangeError when it is larger than allowed */
  async read(path: string): Promise<string | undefined> {
    for (const layer of this.#options.layers) {
      const { found, hides } = await this.#look(layer, path.split('/'));
      if (found !== undefined) return found.stats.isFile() ? this.#content(found.path) : undefined;
      if (hides) return undefined;
    }
    return undefined;
  }

  /** Names in a directory, of all layers together. @throws RangeError when there are more than allowed */
  async list(path: string): Promise<string[]> {
    const names = new Map<string, boolean>();
    for (const layer of this.#options.layers) {
      const { found, hides } = await this.#look(layer, path.split('/'));
      if (found !== undefined) {
        if (!found.stats.isDirectory()) break;
        for (const [name, isThere] of await this.#entriesOf(found.path)) names.set(name, names.get(name) ?? isThere);
      }
      if (hides) break;
    }
    return [...names].filter(([, isThere]) => isThere).map(([name]) => name);
  }

  /** What one layer has at this path, and whether lower ones count no more. */
  async #look(layer: string, parts: readonly string[]): Promise<{ found?: { path: string; stats: Stats }; hides: boolean }> {
    let path = layer;
    let hides = false;
    for (const [index, part] of parts.entries()) {
      path = join(path, part);
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined) return { hides };
      const isLast = index === parts.length - 1;
      if (isWhiteout(stats) || (!isLast && !stats.isDirectory())) return { hides: true };
      hides ||= stats.isDirectory() && (await this.#options.isOpaque(path));
      if (isLast) return { found: { path, stats }, hides };
    }
    return { hides };
  }

  /** Names in one layer's directory, and whether each is there, or says that it is gone. */
  async #entriesOf(dir: string): Promise<[string, boolean][]> {
    const { maxNames } = this.#options;
    const entries: [string, boolean][] = [];
    for await (const { name } of await opendir(dir)) {
      if (entries.length >= maxNames) throw new RangeError(`a directory of the image has more than ${maxNames} names`);
      entries.push([name, !isWhiteout(await lstat(join(dir, name)))]);
    }
    return entries;
  }

  async #content(path: string): Promise<string> {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      if (size > this.#options.maxBytes) throw new RangeError(`a file of the image is larger than ${this.#options.maxBytes} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }
}

/** overlayfs writes “gone” as a character device 0:0. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}
