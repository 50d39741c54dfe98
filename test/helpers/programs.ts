/** Programs of a root file system, copied into another with the libraries that they need. */
import { cp, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../src/lib/exec.ts';

/** @param paths of programs and libraries; their names in the root stay */
export async function copyPrograms(from: string, paths: readonly string[], to: string): Promise<void> {
  for (const path of paths) {
    // It fails for scripts, which need none.
    const { stdout } = await exec(['chroot', from, 'ldd', path]).catch(() => ({ stdout: '' }));
    const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/gu)].map(([, library = '']) => library);
    for (const file of [path, ...libraries]) await copyFile(from, file, to);
  }
}

/** What a link leads to stands in its place. */
export async function copyFile(from: string, path: string, to: string): Promise<void> {
  await mkdir(dirname(join(to, path)), { recursive: true });
  await cp(await realpathIn(from, path), join(to, path), { recursive: true, verbatimSymlinks: true });
}

async function realpathIn(root: string, path: string): Promise<string> {
  const { stdout } = await exec(['chroot', root, 'readlink', '--canonicalize', path]);
  return realpath(join(root, stdout.trim()));
}
