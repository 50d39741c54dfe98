/** Containers of the toolbox's root without a platform around them. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/config.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { layFoundation } from '../../src/main/foundation.ts';
import type { Foundation } from '../../src/main/foundation.ts';
import { unmountRun } from '../../src/main/run-directory.ts';
import type { BundleSpec } from '../../src/runtime/bundle/bundle-spec.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';

export const USER = 1000;

export class BareContainers implements AsyncDisposable {
  readonly dir: string;
  readonly foundation: Foundation;

  private constructor(dir: string, foundation: Foundation) {
    this.dir = dir;
    this.foundation = foundation;
  }

  static async start(): Promise<BareContainers> {
    const dir = await mkdtemp('/tmp/subako-c-');
    await chmod(dir, 0o711);
    const foundation = await layFoundation(loadConfig({ state: join(dir, 'state'), run: join(dir, 'run') }), () => undefined);
    await foundation.roots.mount(foundation.toolbox.image.rootfs);
    return new BareContainers(dir, foundation);
  }

  get logPath(): string {
    return join(this.dir, 'container.log');
  }

  spec(id: string, args: readonly string[], uidRange: number): BundleSpec {
    return {
      rootfs: this.foundation.toolbox.image.rootfs,
      hostname: 'test',
      args,
      env: { PATH: '/usr/bin:/bin' },
      cwd: '/',
      uid: USER,
      gid: USER,
      hostIdBase: rangeBase(uidRange),
      mounts: [],
      cgroupPath: this.foundation.cgroupPathOf(id),
      limits: { memoryBytes: 128 * 1024 ** 2, cpus: 1, pids: 50 },
      network: 'none',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { remounter, ahead, roots, cgroups, cgroup } = this.foundation;
    await ahead?.[Symbol.asyncDispose]();
    await remounter[Symbol.asyncDispose]();
    await roots.unmountAll();
    await removeCgroup(cgroups, cgroup);
    await unmountRun(join(this.dir, 'run'));
    await rm(this.dir, { recursive: true, force: true });
  }
}
