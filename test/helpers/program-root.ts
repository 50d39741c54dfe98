/** Roots of images that are made here: programs of the toolbox, with their libraries and nothing else. */
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { directories } from '../../src/config/directories.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { exec } from '../../src/lib/exec.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import type { TestPlatform } from './platform.ts';

/** The toolbox's root file system. */
export async function toolboxRoot(platform: TestPlatform): Promise<string> {
  const { cache } = directories({});
  const { image } = await ensureToolbox(new ImageStore({ dir: join(platform.state, 'toolbox'), cacheDir: cache }), () => undefined);
  return image.rootfs;
}

/** @param from a root file system; `programs` by their paths in it */
export async function copyPrograms(from: string, to: string, programs: readonly string[]): Promise<void> {
  for (const program of programs) {
    const { stdout } = await exec(['chroot', from, 'ldd', program]);
    const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/gu)].map(([, path = '']) => path);
    for (const path of [program, ...libraries]) {
      await mkdir(dirname(join(to, path)), { recursive: true });
      await copyFile(join(from, path), join(to, path));
    }
  }
}
