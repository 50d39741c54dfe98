/** What CRIU finds out about a kernel takes it 20 ms; it keeps that in a file, if the file lies on a tmpfs. */
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, execAny } from '../../lib/exec.ts';

/** Where a stock CRIU keeps the file, in the program's text. */
export const KDAT_PATH = '/run/criu.kdat';
/** Where ours does: in its working directory, so that no other CRIU of the machine is misled. Not longer than the other. */
export const OWN_KDAT_PATH = 'criu.kdat';

/**
 * Puts a fresh file into `dir`, which is CRIU's working directory from now on. Asked at each start of the daemon: another kernel,
 * another file. Returns CRIU's own verdict about the kernel.
 */
export async function learnKernel(criu: string, dir: string): Promise<{ readonly fit: boolean; readonly said: string }> {
  const scratch = join(dir, 'kernel');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  await execAny(['umount', '-l', scratch]);
  await exec(['mount', '-t', 'tmpfs', '-o', 'size=1m,mode=700', 'subako-criu', scratch]);
  try {
    const result = await execAny([criu, 'check'], { cwd: scratch, timeoutMs: 20_000 });
    const draft = join(dir, `${OWN_KDAT_PATH}~`);
    const kept = await copyFile(join(scratch, OWN_KDAT_PATH), draft).then(
      () => true,
      () => false,
    );
    if (kept) await rename(draft, join(dir, OWN_KDAT_PATH));
    return { fit: result.code === 0 && kept, said: `${result.stdout}${result.stderr}`.trim() };
  } finally {
    await execAny(['umount', '-l', scratch]);
    await rm(scratch, { recursive: true, force: true });
  }
}
