/** Checkpoints of crun's containers: CRIU driven directly, which takes a third of the time that `crun restore` does. */
import { constants, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { signalProcess, startTimeOf } from '../../lib/proc.ts';
import { MEMORY_MOUNT } from '../bundle/render-oci-config.ts';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { cgroupPids, changeLimits, joinCgroup, makeCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import type { Criu } from '../criu/criu.ts';
import { captureMemory } from '../criu/capture-memory.ts';
import { viewImages } from '../criu/criu.ts';
import { mapMemoryPrivately, MEMORY_FILE } from '../criu/map-memory.ts';
import type { ContainerNetworks } from '../container-networks.ts';
import type { Remounter } from '../mounts/remounter.ts';
import type { Checkpoints, DumpOptions, HandOver, RestoreOptions } from '../runtime.ts';
import { register, saveRegistration } from './registry.ts';

export interface CrunCheckpointsOptions {
  readonly criu: Criu;
  /** Everything that a process depends on: tools, kernel, processor. */
  readonly environment: string;
  /** crun's `--root`. */
  readonly crunRoot: string;
  readonly bundleOf: (id: string) => string;
  readonly cgroups: CgroupLayout;
  /** For views of dumps while they are restored; on their file system. */
  readonly viewsDir: string;
  readonly remounter: Remounter;
  /** A mount point that shows this root file system, read-only. */
  readonly rootMountOf: (rootfs: string) => string;
  readonly networks: ContainerNetworks;
}

/** What a dump remembers of its container; in its directory, as `container.json`. */
interface Dumped {
  readonly name: string;
  readonly externalFiles: readonly string[];
}

const FACTS = 'container.json';
const RESTORE_TIMEOUT_MS = 20_000;

export class CrunCheckpoints implements Checkpoints {
  readonly environment: string;
  readonly #options: CrunCheckpointsOptions;

  constructor(options: CrunCheckpointsOptions) {
    this.#options = options;
    this.environment = options.environment;
  }

  async dump(id: string, { spec, process, into, logPath, shrink }: DumpOptions): Promise<void> {
    const { criu, crunRoot, cgroups } = this.#options;
    await mkdir(into, { recursive: true, mode: 0o700 });
    const pids = await cgroupPids(cgroups, spec.cgroupPath);
    const isKept = await captureMemory(pids, MEMORY_MOUNT, join(into, MEMORY_FILE));
    await shrink?.(pids);
    const externalFiles = await descriptorsOf(pids, logPath);
    await saveRegistration(crunRoot, id, into);
    await writeFile(join(into, FACTS), JSON.stringify({ name: id, externalFiles } satisfies Dumped), { mode: 0o600 });
    const externalMounts = mountsOf(spec, undefined).map((mount) => mount.destination);
    await criu.dump({ pid: process.pid, images: into, externalMounts, externalFiles });
    if (!isKept) mapMemoryPrivately(into, MEMORY_MOUNT);
    // For the container's id 0, in a view; the directory itself is root's alone.
    for (const name of await readdir(into)) if (name.endsWith('.img')) await chmod(join(into, name), 0o644);
  }

  whyNoHandOver(dir: string): Promise<string | undefined> {
    return this.#options.remounter.whyNot(dir);
  }

  async hand({ spec, process, owner, mounts }: HandOver): Promise<void> {
    const { cgroups, remounter } = this.#options;
    if (spec.hostIdBase === undefined) throw new TypeError('only a container with ids of its own can be handed over');
    await changeLimits(cgroups, spec.cgroupPath, owner.limits);
    await remounter.remount({
      process,
      mounts: mounts.map((mount) => ({ ...mount, executable: mount.executable === true, mapped: mount.owned })),
      ids: { from: owner.hostIdBase, to: spec.hostIdBase, size: RANGE_SIZE },
    });
  }

  /** Removes what a restored container still had of its dump. Idempotent. */
  async forget(id: string): Promise<void> {
    await rm(join(this.#options.viewsDir, id), { recursive: true, force: true });
  }

  held(): Promise<string[]> {
    return readdir(this.#options.viewsDir);
  }

  async restore(id: string, { spec, from, logPath }: RestoreOptions): Promise<ProcessIdentity> {
    const { criu, crunRoot, bundleOf, cgroups, rootMountOf, viewsDir } = this.#options;
    if (spec.limits === undefined || spec.hostIdBase === undefined) throw new TypeError('only a container with limits and ids of its own can be restored');
    const { name, externalFiles } = JSON.parse(readFileSync(join(from, FACTS), 'utf8')) as Dumped;
    const bundle = bundleOf(id);
    makeCgroup(cgroups, spec.cgroupPath, spec.limits);
    const images = join(viewsDir, id);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => removeImages(images));
    const memory = join(images, MEMORY_FILE);
    viewImages(from, images, { idMap: { hostBase: spec.hostIdBase, size: RANGE_SIZE }, rename: { from: name, to: id } });
    await failpoint('restore.viewed');
    const { O_WRONLY, O_CREAT, O_APPEND } = constants;
    await using log = await open(logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600);
    // The container opens it again by itself, through /proc/self/fd.
    await log.chown(spec.hostIdBase + spec.uid, spec.hostIdBase + spec.gid);
    const pid = await criu.restore(
      {
        images,
        log: join(bundle, 'restore.log'),
        root: rootMountOf(spec.rootfs),
        pidFile: join(bundle, 'pid'),
        mounts: mountsOf(spec, existsSync(memory) ? memory : undefined),
        files: externalFiles.map((file) => ({ id: file, fd: log.fd })),
      },
      { place: (criuPid) => joinCgroup(cgroups, spec.cgroupPath, criuPid), timeoutMs: RESTORE_TIMEOUT_MS },
    );
    await failpoint('restore.restored');
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new Error('it ended at once');
    signalProcess({ pid, startTime }, 'SIGCONT');
    await this.#options.networks.join(id, pid);
    register(crunRoot, from, { id, process: { pid, startTime }, bundle, cgroupPath: spec.cgroupPath, rootfs: spec.rootfs });
    return { pid, startTime };
  }
}

/** Without leaving the thread: a visitor waits for it. */
function removeImages(view: string): void {
  for (const name of readdirSync(view)) if (name !== MEMORY_FILE) rmSync(join(view, name), { force: true });
}

/** Every mount of such a container but those that CRIU makes anew: /proc and /dev/pts. */
function mountsOf({ mounts, sharedDev }: BundleSpec, memory: string | undefined): { destination: string; source: string }[] {
  if (sharedDev === undefined) throw new TypeError('only a container with a shared /dev can be checkpointed');
  return [{ destination: '/dev', source: sharedDev }, { destination: MEMORY_MOUNT, source: memory ?? join(sharedDev, 'memory') }, ...mounts];
}

/** In CRIU's spelling, each way in which these processes hold the file open. */
async function descriptorsOf(pids: readonly number[], path: string): Promise<string[]> {
  const { ino, dev } = await stat(path);
  const found = new Set<string>();
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const at = `/proc/${pid}/fd/${fd}`;
      const link = await readlink(at).catch(() => '');
      if (!link.startsWith('/')) continue;
      const file = await stat(at).catch(() => undefined);
      if (file?.ino !== ino || file.dev !== dev) continue;
      const mount = /^mnt_id:\s*(\d+)$/mu.exec(await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => ''))?.[1];
      // It may have ended since: the processes run while this looks at them.
      if (mount !== undefined) found.add(`file[${Number(mount).toString(16)}:${ino.toString(16)}]`);
    }
  }
  return [...found];
}
