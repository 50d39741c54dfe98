/** Small text files of an image, read from its layers by root. The layers are a stranger's: no link is followed and nothing but a plain file is opened. */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_BYTES = 1024 ** 2;

/**
 * Text of a file that lies in a directory of the image's root, such as `etc/passwd`; empty where there is none, or something else in its place.
 * @param layers the topmost first
 */
export async function layerFile(layers: readonly string[], dir: string, name: string): Promise<string> {
  for (const layer of layers) {
    const place = await lstat(join(layer, dir)).catch(() => undefined);
    if (place === undefined) continue;
    if (!place.isDirectory()) return '';
    const path = join(layer, dir, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    // A layer above that takes a file away has a device in its place.
    return found.isFile() && found.size <= MAX_BYTES ? readFile(path, 'utf8') : '';
  }
  return '';
}
