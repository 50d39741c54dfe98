/** Checkpoints of crun's containers: CRIU driven directly, which takes a third of the time that `crun restore` does. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { exec } from '../../lib/exec.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { signalProcess, startTimeOf } from '../../lib/proc.ts';
import { MEMORY_MOUNT } from '../bundle/render-oci-config.ts';
import { cgroupPids, changeLimits, joinCgroup, makeCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import type { Criu } from '../criu/criu.ts';
import { captureMemory } from '../criu/capture-memory.ts';
import { viewImages } from '../criu/criu.ts';
import { mapMemoryPrivately, MEMORY_FILE } from '../criu/map-memory.ts';
import { needsAddresses } from '../criu/sockets.ts';
import type { ContainerNetworks } from '../container-networks.ts';
import type { Remounter } from '../mounts/remounter.ts';
import { STDIN } from '../oci-cli/places.ts';
import type { Checkpoints, DumpOptions, HandOver, RestoreOptions } from '../runtime.ts';
import { givenFiles, openHostFiles } from './given-files.ts';
import type { GivenFile, HostFile } from './given-files.ts';
import { givenMounts } from './given-mounts.ts';
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
  /** Program of the toolbox. */
  readonly ip: string;
}

/** What a dump remembers of its container; in its directory, as `container.json`. */
interface Dumped {
  readonly name: string;
  readonly files: readonly GivenFile[];
  /** Sockets of it are bound to an address of its own, such as 127.0.0.1. */
  readonly needsAddresses: boolean;
}

/** Raised when what a dump remembers of its container changes. */
export const CHECKPOINT_FORMAT = 2;

const FACTS = 'container.json';
const RESTORE_TIMEOUT_MS = 20_000;
/** Brings up 127.0.0.1 before sockets are bound to it. */
const LOOPBACK_SCRIPT = fileURLToPath(new URL('../criu/loopback.sh', import.meta.url));

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
    const isOurs = spec.ofImage !== true;
    const isKept = isOurs && (await captureMemory(pids, MEMORY_MOUNT, join(into, MEMORY_FILE)));
    await shrink?.(pids);
    const files = await givenFiles(pids, this.#hostFiles(id, logPath));
    await saveRegistration(crunRoot, id, into);
    await criu.dump({
      pid: process.pid,
      images: into,
      externalMounts: givenMounts(spec).map(({ destination }) => destination),
      externalFiles: files.map((file) => file.id),
      isAnyProgram: !isOurs,
    });
    const facts: Dumped = { name: id, files, needsAddresses: !isOurs && needsAddresses(into) };
    await writeFile(join(into, FACTS), JSON.stringify(facts), { mode: 0o600 });
    // Memory that a stranger's processes share is theirs to share.
    if (isOurs && !isKept) mapMemoryPrivately(into, MEMORY_MOUNT);
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
    const { name, files, ...dumped } = JSON.parse(readFileSync(join(from, FACTS), 'utf8')) as Dumped;
    const isOurs = spec.ofImage !== true;
    const bundle = bundleOf(id);
    makeCgroup(cgroups, spec.cgroupPath, spec.limits);
    const images = join(viewsDir, id);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => removeImages(images));
    const memory = join(images, MEMORY_FILE);
    // A stranger may call a file as it likes.
    const rename = isOurs ? { from: name, to: id } : undefined;
    viewImages(from, images, { idMap: { hostBase: spec.hostIdBase, size: RANGE_SIZE }, rename });
    await failpoint('restore.viewed');
    await using host = await openHostFiles(this.#hostFiles(id, logPath), { uid: spec.hostIdBase + spec.uid, gid: spec.hostIdBase + spec.gid });
    const pid = await criu.restore(
      {
        images,
        log: join(bundle, 'restore.log'),
        // One that can be written to is a mount point of the container's own.
        root: spec.writableRoot === true ? spec.rootfs : rootMountOf(spec.rootfs),
        pidFile: join(bundle, 'pid'),
        mounts: givenMounts(spec, existsSync(memory) ? memory : undefined),
        files: files.map((file) => ({ id: file.id, fd: host[file.is].fd })),
        isAnyProgram: !isOurs,
        script: dumped.needsAddresses ? LOOPBACK_SCRIPT : undefined,
      },
      { place: (criuPid) => joinCgroup(cgroups, spec.cgroupPath, criuPid), timeoutMs: RESTORE_TIMEOUT_MS, env: { SUBAKO_IP: this.#options.ip } },
    );
    await failpoint('restore.restored');
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new Error('it ended at once');
    signalProcess({ pid, startTime }, 'SIGCONT');
    await this.#options.networks.join(id, pid);
    // Whatever network it joined brings this along.
    if (!isOurs && spec.network === 'none') await exec(['nsenter', `--net=/proc/${pid}/ns/net`, this.#options.ip, 'link', 'set', 'lo', 'up']);
    register(crunRoot, from, { id, process: { pid, startTime }, bundle, cgroupPath: spec.cgroupPath, rootfs: spec.rootfs });
    return { pid, startTime };
  }

  #hostFiles(id: string, log: string): Record<HostFile, string> {
    return { log, stdin: join(this.#options.bundleOf(id), STDIN) };
  }
}

/** Without leaving the thread: a visitor waits for it. */
function removeImages(view: string): void {
  for (const name of readdirSync(view)) if (name !== MEMORY_FILE) rmSync(join(view, name), { force: true });
}
