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
  for (const program of programs) for (const path of [program, ...(await librariesOf(from, program))]) await copyInto(from, to, path);
}

/** What a program of this root is linked to, its loader included, by their paths in it. */
export async function librariesOf(root: string, program: string): Promise<string[]> {
  const { stdout } = await exec(['chroot', root, 'ldd', program]);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/gu)].map(([, path = '']) => path);
}

export async function copyInto(from: string, to: string, path: string): Promise<void> {
  await mkdir(dirname(join(to, path)), { recursive: true });
  await copyFile(join(from, path), join(to, path));
}
