/** Checkpoints of crun's containers: CRIU driven directly, which takes a third of the time that `crun restore` does. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SubakoError } from '../../domain/errors.ts';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { poll } from '../../lib/deadline.ts';
import { execAny } from '../../lib/exec.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { connectionsBelow, signalProcess, startTimeOf } from '../../lib/proc.ts';
import { MEMORY_MOUNT, SHM_BYTES } from '../bundle/render-oci-config.ts';
import { holdsAnyProgram } from '../bundle/bundle-spec.ts';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { cgroupPids, changeLimits, joinCgroup, makeCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import type { Ahead } from '../criu/ahead.ts';
import type { StartedCriu } from '../criu/criu.ts';
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
import { earlyProcess } from './early-process.ts';
import { givenMounts, SHM } from './given-mounts.ts';
import type { MountSource } from './given-mounts.ts';
import { register, saveRegistration } from './registry.ts';

export interface CrunCheckpointsOptions {
  /** And the CRIU that it starts. */
  readonly ahead: Ahead;
  /** Everything that a process depends on: tools, kernel, processor. */
  readonly environment: string;
  /** crun's `--root`. */
  readonly crunRoot: string;
  readonly bundleOf: (id: string) => string;
  readonly cgroups: CgroupLayout;
  /** For views of dumps while they are restored; on their file system. */
  readonly viewsDir: string;
  readonly remounter: Remounter;
  /** A mount point that shows this root file system, read-only; made where there is none yet. */
  readonly rootMount: (rootfs: string) => Promise<string>;
  readonly networks: ContainerNetworks;
  /** Program of the toolbox. */
  readonly ip: string;
}

/** What a dump remembers of its container; in its directory, as `container.json`. */
interface Dumped {
  readonly name: string;
  readonly files: readonly GivenFile[];
  /** There was nothing in its shared memory. */
  readonly freshShm: boolean;
  /** Sockets of it are bound to an address of its own, such as 127.0.0.1. */
  readonly needsAddresses: boolean;
}

/** Raised when what a dump remembers of its container changes. */
export const CHECKPOINT_FORMAT = 2;

const FACTS = 'container.json';
const RESTORE_TIMEOUT_MS = 20_000;
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
    const isOurs = !holdsAnyProgram(spec);
    const isKept = isOurs && (await captureMemory(pids, MEMORY_MOUNT, join(into, MEMORY_FILE)));
    await shrink?.(pids);
    if (!isOurs) await this.#hangUp(spec, process, pids);
    const files = await givenFiles(pids, this.#hostFiles(id, logPath));
    // With nothing in it, an empty one is put in its place, which takes a tenth of the time.
    const freshShm = !isOurs && (await remounter.holdsEmpty(id, { root: `/proc/${process.pid}/root`, path: SHM }));
    await using undo = new AsyncDisposableStack();
    if (freshShm) undo.defer(async () => void (await remounter.isStillEmpty(id)));
    await saveRegistration(crunRoot, id, into);
    await ahead.criu.dump({
      pid: process.pid,
      images: into,
      externalMounts: [...givenMounts(spec).map(({ destination }) => destination), ...(freshShm ? [SHM] : [])],
      externalFiles: files.map((file) => file.id),
      isAnyProgram: !isOurs,
    });
    if (freshShm && !(await remounter.isStillEmpty(id))) throw new SubakoError('busy', 'something came into its shared memory while it was dumped');
    const facts: Dumped = { name: id, files, freshShm, needsAddresses: !isOurs && needsAddresses(into) };
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
    const shm = this.#shmOf(id);
    if (existsSync(shm)) await this.#options.remounter.unmount(shm);
  }

  held(): Promise<string[]> {
    return readdir(this.#options.viewsDir);
  }

  async restore(id: string, { spec, from, logPath, isAlone = false }: RestoreOptions): Promise<ProcessIdentity> {
    const { ahead, crunRoot, bundleOf, cgroups, rootMount, viewsDir } = this.#options;
    if (spec.limits === undefined || spec.hostIdBase === undefined) throw new TypeError('only a container with limits and ids of its own can be restored');
    const { name, files, ...dumped } = JSON.parse(readFileSync(join(from, FACTS), 'utf8')) as Dumped;
    const isOurs = !holdsAnyProgram(spec);
    const bundle = bundleOf(id);
    makeCgroup(cgroups, spec.cgroupPath, spec.limits);
    // One that can be written to is a mount point of the container's own.
    const root = spec.writableRoot === true ? spec.rootfs : await rootMount(spec.rootfs);
    const images = join(viewsDir, id);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => removeImages(images));
    const memory = join(images, MEMORY_FILE);
    // What listens for a stack is called as its container; programs of an image call their sockets as they like.
    const rename = spec.ofImage === true ? undefined : { from: name, to: id };
    viewImages(from, images, { idMap: { hostBase: spec.hostIdBase, size: RANGE_SIZE }, rename });
    await failpoint('restore.viewed');
    const shm = dumped.freshShm ? [await this.#freshShm(id, spec)] : [];
    const ended = new AbortController();
    let joining: Promise<boolean> = Promise.resolve(false);
    undo.defer(async () => {
      ended.abort();
      await joining;
    });
    const program = await this.#program(id, { logPath, isAlone, owner: { uid: spec.hostIdBase + spec.uid, gid: spec.hostIdBase + spec.gid } });
    const restoring = ahead.criu.restore(
      program,
      {
        images,
        log: join(bundle, 'restore.log'),
        root,
        pidFile: join(bundle, 'pid'),
        mounts: [...givenMounts(spec, existsSync(memory) ? memory : undefined), ...shm],
        files,
        isAnyProgram: !isOurs,
        script: dumped.needsAddresses ? LOOPBACK_SCRIPT : undefined,
      },
      {
        place: (criuPid) => {
          joinCgroup(cgroups, spec.cgroupPath, criuPid);
          if (isOurs && spec.network === 'none') return;
          joining = this.#joinEarly(id, spec, { pid: criuPid, ended: ended.signal });
        },
        timeoutMs: RESTORE_TIMEOUT_MS,
      },
    );
    ahead.fill();
    const pid = await restoring;
    await failpoint('restore.restored');
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new Error('it ended at once');
    signalProcess({ pid, startTime }, 'SIGCONT');
    ended.abort();
    if (dumped.freshShm) await this.#options.remounter.unmount(this.#shmOf(id));
    if (!(await joining)) await this.#join(id, spec, pid);
    register(crunRoot, from, { id, process: { pid, startTime }, bundle, cgroupPath: spec.cgroupPath, rootfs: spec.rootfs });
    return { pid, startTime };
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

  /** Started ahead, where one waits and the log may become another file; or started now. The container opens its files again by itself, so they are its own. */
  async #program(id: string, { logPath, isAlone, owner }: { logPath: string; isAlone: boolean; owner: { uid: number; gid: number } }): Promise<StartedCriu> {
    const { ahead } = this.#options;
    const paths = this.#hostFiles(id, logPath);
    const waiting = isAlone ? ahead.take(paths, owner) : undefined;
    if (waiting !== undefined) return waiting;
    await using files = await openHostFiles(paths, owner);
    return await ahead.criu.begin({ log: files.log.fd, stdin: files.stdin.fd });
  }

  /** Its network is made while CRIU does the rest. False when that was over before. */
  async #joinEarly(id: string, spec: BundleSpec, criu: { readonly pid: number; readonly ended: AbortSignal }): Promise<boolean> {
    const pid = await earlyProcess({ ...criu, processes: () => cgroupPids(this.#options.cgroups, spec.cgroupPath) });
    if (pid !== undefined) await this.#join(id, spec, pid);
    return pid !== undefined;
  }

  /** Never throws: of a container that has none, others are told. */
  async #join(id: string, spec: BundleSpec, pid: number): Promise<void> {
    const { networks, ip } = this.#options;
    await networks.join(id, pid);
    // Whatever network it joins brings this along.
    if (holdsAnyProgram(spec) && spec.network === 'none') await execAny(['nsenter', `--net=/proc/${pid}/ns/net`, ip, 'link', 'set', 'lo', 'up']);
  }

  /** For as long as it takes until the container has it. */
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

/** Without leaving the thread: a visitor waits for it. */
function removeImages(view: string): void {
  for (const name of readdirSync(view)) if (name !== MEMORY_FILE) rmSync(join(view, name), { force: true });
}
