/**
 * What hides parts of /proc and /sys, a file or directory of its own for each. A runtime hides them all by the same device and by file systems in
 * memory, and containers with those do not come back from a checkpoint a second time, or slowly.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BindMount } from './bundle-spec.ts';
import { MASKED_PATHS } from './render-oci-config.ts';

/** Fills `dir`. What this kernel does not have need not be hidden. Idempotent. */
export async function makeMasks(dir: string): Promise<BindMount[]> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const masks: BindMount[] = [];
  for (const destination of MASKED_PATHS) {
    const hidden = await stat(destination).catch(() => undefined);
    if (hidden === undefined) continue;
    const source = join(dir, destination.slice(1).replaceAll('/', '-'));
    await (hidden.isDirectory() ? mkdir(source, { recursive: true, mode: 0o555 }) : writeFile(source, '', { mode: 0o444 }));
    masks.push({ source, destination, writable: false });
  }
  return masks;
}
