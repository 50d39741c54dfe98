/** What a caller may ask of a container. Everything else is decided by `renderOciConfig`, the same for all. */
import type { RuntimeName } from '../../domain/runtime-name.ts';
import type { NetworkWish } from '../../network/networks.ts';

/** Its place in a network of one's own. */
export type { Attachment } from '../../network/networks.ts';

export interface BindMount {
  /** Absolute host path, chosen by us: no component of it may be under a tenant's control. */
  readonly source: string;
  /** Absolute path in the container; it must exist in the rootfs, which is read-only. */
  readonly destination: string;
  readonly writable: boolean;
  /** Whether programs may be run from it. Default: no. */
  readonly executable?: boolean;
  /** Ids on disk are the container's: id 0 on disk is id 0 in there. Default: ids on disk are the machine's. */
  readonly mapped?: boolean;
}

/** A directory in memory, the container's own and gone with it. */
export interface TmpfsMount {
  /** As of a bind mount. */
  readonly destination: string;
  readonly sizeBytes: number;
}

/** A gate: two named pipes of ours, before which a container waits until the platform lets it begin. */
export interface Gate {
  /** Pipe into which the runtime writes the container's state when it is ready to begin. */
  readonly told: string;
  /** Pipe at which it waits. It begins when a line of `GATE_WORD` comes; never, when nobody is left who could write one. */
  readonly waits: string;
}

/** Cannot be a line of the state that a runtime tells its hooks. */
export const GATE_WORD = 'come in';

export interface Limits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
}

export interface BundleSpec {
  /** Default: the default runtime. */
  readonly runtime?: RuntimeName;
  readonly rootfs: string;
  readonly hostname: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** User and group id inside the container. */
  readonly uid: number;
  readonly gid: number;
  /** Further groups. Default: none. */
  readonly groups?: readonly number[];
  /** Host id of the container's id 0. Undefined: the host's own ids (only for services of the platform that need its network). */
  readonly hostIdBase: number | undefined;
  readonly mounts: readonly BindMount[];
  /**
   * Of a container that is made to be checkpointed whatever runs in it: what lies over parts of /proc and /sys that are hidden (see masks.ts);
   * those that are not among them the runtime hides by its own means. Without a shared /dev, its /dev lies in its root, which can be written to:
   * CRIU brings back a file system in memory by running tar.
   */
  readonly masks?: readonly BindMount[];
  /** Path below each cgroup controller's root. */
  readonly cgroupPath: string;
  /** Undefined: no limits (services of the platform). */
  readonly limits: Limits | undefined;
  /**
   * `none`: a namespace with lo alone. `host`: the machine's own, for the edge. Else a namespace with lo alone, into which a link is put once the
   * container runs (see src/network/networks.ts).
   */
  readonly network: 'none' | 'host' | NetworkWish;
  /** Whether it may bind ports below 1024; for the edge. */
  readonly bindLowPorts?: boolean;
  /**
   * For a stranger's image, whose programs may run as root in there. They get what they expect: those capabilities of Docker's default that mean
   * something inside a user namespace and nothing outside of it, chroot(2), a /sys that shows their own network, and low ports and ping for every
   * user. Only for a container with ids of its own.
   */
  readonly ofImage?: boolean;
  /** Of an image: fewer capabilities than those that it may have. */
  readonly capabilities?: readonly string[];
  /** Further limits of its processes, by docker's names; none above what this machine allows. */
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Settings of its own network and its own shared memory. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Default: the root cannot be written to. */
  readonly writableRoot?: boolean;
  /** Whether its first process gets a terminal. */
  readonly terminal?: boolean;
  readonly tmpfs?: readonly TmpfsMount[];
  /** Bytes of /dev/shm. Default: 16 MiB. */
  readonly shmBytes?: number;
  readonly gate?: Gate;
  /** Open files. Default: 4096. */
  readonly openFiles?: number;
  /**
   * Host directory bound read-only as /dev (see shared-dev.ts). Such a container can be checkpointed. Without masks its /proc shows processes alone:
   * nothing of the machine is there to be masked. Undefined: a /dev and a /proc of the usual kind.
   */
  readonly sharedDev?: string;
  /** From -1000 to 1000: the higher, the sooner it is killed when the machine runs out of memory. */
  readonly oomScoreAdj?: number;
}

/** Whether it is made to be checkpointed without anybody knowing what runs in it. */
export function holdsAnyProgram({ masks }: Pick<BundleSpec, 'masks'>): boolean {
  return masks !== undefined;
}

/** The one variable of a container's environment that differs from instance to instance. */
export const INSTANCE_VARIABLE = 'SUBAKO_INSTANCE';
