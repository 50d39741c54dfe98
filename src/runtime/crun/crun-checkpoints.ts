/** Checkpoints of crun's containers: CRIU driven directly, which takes a third of the time that `crun restore` does. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SubakoError } from '../../domain/errors.ts';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { poll } from '../../lib/deadline.ts';
import { execAny } from '../../lib/exec.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { connectionsBelow, signalProcess, startTimeOf } from '../../lib/proc.ts';
import { shred } from '../../lib/shred.ts';
import { MEMORY_MOUNT, SHM_BYTES } from '../bundle/render-oci-config.ts';
import { holdsAnyProgram } from '../bundle/bundle-spec.ts';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { cgroupPids, changeLimits, joinCgroup, makeCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import type { Ahead } from '../criu/ahead.ts';
import type { RestoreOfFiles, StartedCriu } from '../criu/criu.ts';
import { captureMemory } from '../criu/capture-memory.ts';
import { viewImages } from '../criu/criu.ts';
import { givenFiles, openHostFiles } from '../criu/given-files.ts';
import type { GivenFile, HostFile } from '../criu/given-files.ts';
import { mapMemoryPrivately, MEMORY_FILE } from '../criu/map-memory.ts';
import { needsAddresses } from '../criu/sockets.ts';
import type { ContainerNetworks } from '../container-networks.ts';
import type { Remounter } from '../mounts/remounter.ts';
import { STDIN } from '../oci-cli/places.ts';
import type { Checkpoints, DumpOptions, HandOver, RestoreOptions } from '../runtime.ts';
import { EarlyLink } from './early-link.ts';
import { givenMounts, SHM } from './given-mounts.ts';
import type { MountSource } from './given-mounts.ts';
import { register, saveRegistration } from './registry.ts';

export interface CrunCheckpointsOptions {
  /** The CRIU program, started ahead of the next restore. */
  readonly ahead: Ahead;
  /** See `Checkpoints.environment`. */
  readonly environment: string;
  /** crun's `--root`. */
  readonly crunRoot: string;
  readonly bundleOf: (id: string) => string;
  readonly cgroups: CgroupLayout;
  /** Directory for views of dumps while they are restored; on the file system of the dumps. */
  readonly viewsDir: string;
  readonly remounter: Remounter;
  /** Path of a mount point that shows this root file system, read-only; made where there is none yet. */
  readonly rootMount: (rootfs: string) => Promise<string>;
  readonly networks: ContainerNetworks;
  /** Path of the program `ip`. */
  readonly ip: string;
}

/** What a dump remembers of its container, as `container.json` in its directory. */
interface Dumped {
  readonly name: string;
  readonly files: readonly GivenFile[];
  /** Its /dev/shm was empty: a new one takes its place. */
  readonly freshShm: boolean;
  /** Some of its sockets are bound to an address of its own, such as 127.0.0.1. */
  readonly needsAddresses: boolean;
}

/** The container that comes out of a dump, and the directory with its view of the dump. */
interface RestorePlace {
  readonly id: string;
  readonly spec: BundleSpec;
  readonly images: string;
}

/** Raised when what a dump remembers of its container changes. */
export const CHECKPOINT_FORMAT = 2;

const FACTS = 'container.json';
/** A hundred times what it takes. A visitor's patience (`wakeDeadline`) is to be enough for a boot after it. */
const RESTORE_TIMEOUT_MS = 10_000;
const HUNG_UP_WITHIN = { timeoutMs: 2_000, everyMs: 2 } as const;
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
    const { ahead, crunRoot, cgroups, remounter } = this.#options;
    await mkdir(into, { recursive: true, mode: 0o700 });
    const pids = await cgroupPids(cgroups, spec.cgroupPath);
    const ours = isOurs(spec);
    const isKept = ours && (await captureMemory(pids, MEMORY_MOUNT, join(into, MEMORY_FILE)));
    await shrink?.(pids);
    if (!ours) await this.#hangUp(spec, process, pids);
    const files = await givenFiles(pids, this.#hostFiles(id, logPath));
    // A /dev/shm with nothing in it is replaced by a new one, which takes a tenth of the time that CRIU needs.
    const freshShm = !ours && (await remounter.holdsEmpty(id, { root: `/proc/${process.pid}/root`, path: SHM }));
    await using undo = new AsyncDisposableStack();
    if (freshShm) undo.defer(async () => void (await remounter.isStillEmpty(id)));
    await saveRegistration(crunRoot, id, into);
    await ahead.criu.dump({
      pid: process.pid,
      images: into,
      externalMounts: [...givenMounts(spec).map(({ destination }) => destination), ...(freshShm ? [SHM] : [])],
      externalFiles: files.map((file) => file.id),
      isAnyProgram: !ours,
    });
    if (freshShm && !(await remounter.isStillEmpty(id))) throw new SubakoError('busy', 'something came into its shared memory while it was dumped');
    const facts: Dumped = { name: id, files, freshShm, needsAddresses: !ours && needsAddresses(into) };
    await writeFile(join(into, FACTS), JSON.stringify(facts), { mode: 0o600 });
    // Only of our own program do we know that its processes need not share this memory.
    if (ours && !isKept) mapMemoryPrivately(into, MEMORY_MOUNT);
    // Readable for the container's id 0, which sees them in a view; the directory itself is root's alone.
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

  /** Removes what a restored container still had of its dump; overwritten, where the dump itself is gone. Idempotent. */
  async forget(id: string): Promise<void> {
    await shred(join(this.#options.viewsDir, id));
    const shm = this.#shmOf(id);
    if (existsSync(shm)) await this.#options.remounter.unmount(shm);
  }

  held(): Promise<string[]> {
    return readdir(this.#options.viewsDir);
  }

  async restore(id: string, { spec, from, logPath, isAlone = false }: RestoreOptions): Promise<ProcessIdentity> {
    const { ahead, crunRoot, bundleOf, cgroups, remounter } = this.#options;
    const { limits, hostIdBase, cgroupPath, rootfs } = spec;
    if (limits === undefined || hostIdBase === undefined) throw new TypeError('only a container with limits and ids of its own can be restored');
    const dumped = JSON.parse(readFileSync(join(from, FACTS), 'utf8')) as Dumped;
    const place: RestorePlace = { id, spec, images: join(this.#options.viewsDir, id) };
    makeCgroup(cgroups, cgroupPath, limits);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => removeImages(place.images));
    viewImages(from, place.images, {
      idMap: { hostBase: hostIdBase, size: RANGE_SIZE },
      // What listens for a stack is called as its container; programs of an image call their sockets as they like.
      rename: spec.ofImage === true ? undefined : { from: dumped.name, to: id },
    });
    await failpoint('restore.viewed');
    const request = await this.#requestOf(place, dumped);
    const link = undo.use(this.#linkOf(place));
    const program = await this.#program(id, { logPath, isAlone, owner: { uid: hostIdBase + spec.uid, gid: hostIdBase + spec.gid } });
    const restoring = ahead.criu.restore(program, request, {
      place: (criuPid) => {
        joinCgroup(cgroups, cgroupPath, criuPid);
        if (hasLink(spec)) link.begin(criuPid);
      },
      timeoutMs: RESTORE_TIMEOUT_MS,
    });
    ahead.fill();
    const pid = await restoring;
    await failpoint('restore.restored');
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new Error('it ended at once');
    const process = { pid, startTime };
    signalProcess(process, 'SIGCONT');
    if (dumped.freshShm) await remounter.unmount(this.#shmOf(id));
    await link.complete(pid);
    register(crunRoot, from, { id, process, bundle: bundleOf(id), cgroupPath, rootfs });
    return process;
  }

  /** What CRIU is told: where the dump is, and what the host gives the container again. */
  async #requestOf({ id, spec, images }: RestorePlace, { files, freshShm, needsAddresses }: Dumped): Promise<RestoreOfFiles> {
    const { bundleOf, rootMount } = this.#options;
    const memory = join(images, MEMORY_FILE);
    const shm = freshShm ? [await this.#freshShm(id, spec)] : [];
    return {
      images,
      log: join(bundleOf(id), 'restore.log'),
      // A root that can be written to is a mount point of the container's own.
      root: spec.writableRoot === true ? spec.rootfs : await rootMount(spec.rootfs),
      pidFile: join(bundleOf(id), 'pid'),
      mounts: [...givenMounts(spec, existsSync(memory) ? memory : undefined), ...shm],
      files,
      isAnyProgram: !isOurs(spec),
      script: needsAddresses ? LOOPBACK_SCRIPT : undefined,
    };
  }

  #linkOf({ id, spec }: RestorePlace): EarlyLink {
    return new EarlyLink({ processes: () => cgroupPids(this.#options.cgroups, spec.cgroupPath), join: (pid) => this.#join(id, spec, pid) });
  }

  /**
   * Of a connection to what the machine listens at, such as its database, the other end would have to come back too. It is closed, as those by TCP are:
   * the programs find out when they use it next.
   */
  async #hangUp({ mounts }: BundleSpec, { pid }: ProcessIdentity, pids: readonly number[]): Promise<void> {
    for (const { destination } of mounts.filter(({ writable }) => !writable)) {
      const below = `${destination}/`;
      if ((await connectionsBelow(pid, below)) === 0) continue;
      await this.#options.remounter.sever({ first: pid, pids, below });
      // The other end has yet to hear of it. One that does not, or a new one, CRIU tells of.
      await poll(async () => (await connectionsBelow(pid, below)) === 0, HUNG_UP_WITHIN);
    }
  }

  /** A CRIU that was started ahead, where one waits and the log may be replaced by another file; else one that is started now. */
  async #program(id: string, { logPath, isAlone, owner }: { logPath: string; isAlone: boolean; owner: { uid: number; gid: number } }): Promise<StartedCriu> {
    const { ahead } = this.#options;
    const paths = this.#hostFiles(id, logPath);
    const waiting = isAlone ? ahead.take(paths, owner) : undefined;
    if (waiting !== undefined) return waiting;
    await using files = await openHostFiles(paths, owner);
    return await ahead.criu.begin({ log: files.log.fd, stdin: files.stdin.fd });
  }

  /** A container without a link goes on: `NetworkFailed` is told. */
  async #join(id: string, spec: BundleSpec, pid: number): Promise<void> {
    const { networks, ip } = this.#options;
    await networks.join(id, pid);
    // With a link, 127.0.0.1 is up already.
    if (!isOurs(spec) && spec.network === 'none') await execAny(['nsenter', `--net=/proc/${pid}/ns/net`, ip, 'link', 'set', 'lo', 'up']);
  }

  /** A new /dev/shm, mounted on the host until the container has it. */
  async #freshShm(id: string, { hostIdBase = 0, shmBytes = SHM_BYTES }: BundleSpec): Promise<MountSource> {
    const target = this.#shmOf(id);
    await mkdir(target, { recursive: true, mode: 0o755 });
    await this.#options.remounter.memory({ target, bytes: shmBytes, owner: hostIdBase });
    return { destination: SHM, source: target };
  }

  #shmOf(id: string): string {
    return join(this.#options.bundleOf(id), 'shm');
  }

  #hostFiles(id: string, log: string): Record<HostFile, string> {
    return { log, stdin: join(this.#options.bundleOf(id), STDIN) };
  }
}

/** Whether it runs a program that we know. */
function isOurs(spec: BundleSpec): boolean {
  return !holdsAnyProgram(spec);
}

/** Whether it gets a link, or at least 127.0.0.1, which programs of strangers expect. */
function hasLink(spec: BundleSpec): boolean {
  return !isOurs(spec) || spec.network !== 'none';
}

/** Without leaving the thread: a visitor waits for it. */
function removeImages(view: string): void {
  for (const name of readdirSync(view)) if (name !== MEMORY_FILE) rmSync(join(view, name), { force: true });
}
