/** CRIU wants a container's root to be a mount point: each image's is bound to one, read-only, for as long as the platform runs. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, execAny } from '../../lib/exec.ts';

export class RootMounts {
  readonly #dir: string;
  readonly #mounted = new Map<string, Promise<string>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Returns where. Idempotent: only the first time takes any. */
  mount(rootfs: string): Promise<string> {
    const known = this.#mounted.get(rootfs);
    if (known !== undefined) return known;
    const mounting = this.#mount(rootfs);
    this.#mounted.set(rootfs, mounting);
    mounting.catch(() => this.#mounted.delete(rootfs)); // whoever asked is told, and the next one tries again
    return mounting;
  }

  /** All of them, also those of an earlier daemon. Idempotent. */
  async unmountAll(): Promise<void> {
    this.#mounted.clear();
    const mounted = await mountPoints();
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const at = join(this.#dir, name);
      if (mounted.includes(at)) await execAny(['umount', '-l', at]);
      await rmdir(at).catch(() => undefined); // not ours, or busy: the next one tries again
    }
  }

  async #mount(rootfs: string): Promise<string> {
    const at = join(this.#dir, createHash('sha256').update(rootfs).digest('hex').slice(0, 16));
    await mkdir(at, { recursive: true, mode: 0o711 });
    if ((await mountPoints()).includes(at)) return at;
    await exec(['mount', '--bind', rootfs, at]);
    await exec(['mount', '-o', 'remount,bind,ro', at]);
    // What is mounted elsewhere must not appear here, nor the other way round.
    await exec(['mount', '--make-private', at]);
    return at;
  }
}

async function mountPoints(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '');
}
