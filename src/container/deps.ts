/** What containers are made with. */
import { join } from 'node:path';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { EventSink } from '../domain/events.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { Networks } from '../network/networks.ts';
import type { Monitors, MonitorWish } from '../runtime/monitor/conmon.ts';
import type { Remounter } from '../runtime/mounts/remounter.ts';
import type { RootFilesystems } from '../runtime/rootfs/root-filesystems.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Where images come from. */
interface ImageSource {
  /** @throws SubakoError `not_found` with how to get it */
  resolve(ref: string): Promise<OciImage>;
  /** By the id that records hold. */
  byId(id: string): Promise<OciImage | undefined>;
}

export interface ContainersDeps {
  readonly cmdb: Cmdb;
  readonly runtime: Runtime;
  readonly rootFilesystems: RootFilesystems;
  readonly remounter: Pick<Remounter, 'readIn' | 'resolveIn' | 'pipes' | 'hangUp'>;
  readonly networks: Networks;
  readonly monitors: MonitorSource;
  readonly images: ImageSource;
  readonly emit: EventSink;
  readonly now: () => number;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly dirs: ContainerDirs;
  /** Bound of what one says. */
  readonly logBytes: number;
  /** What a container may use that asked for no limits: the machine. */
  readonly machine: { readonly memoryBytes: number; readonly cpus: number };
  /** Command line of a perl. */
  readonly perl: readonly string[];
  /** A root file system that has tar, cp, find, and directories /mnt and /srv. */
  readonly toolsRoot: string;
  /** Directories of the machine that may be mounted, and all below them. */
  readonly volumeRoots: readonly string[];
}

/** Its program is made when it is first needed. */
export interface MonitorSource extends Pick<Monitors, 'exitCode' | 'forget' | 'ended'> {
  ready(progress: (text: string) => void): Promise<Pick<Monitors, 'inputOf'> & { create(id: string, wish: MonitorWish): Promise<ProcessIdentity> }>;
}

export interface ContainerDirs {
  /** Of what containers change and say: below the state directory. */
  readonly containers: string;
  readonly volumes: string;
  /** Of files that say how one ended: below the run directory. */
  readonly exits: string;
}

export function containerPaths({ containers }: Pick<ContainerDirs, 'containers'>, id: string) {
  const dir = join(containers, id);
  return {
    dir,
    /** See `RootWish`. */
    changes: dir,
    log: join(dir, 'log'),
    /** Files that every container finds in its /etc. */
    hosts: join(dir, 'hosts'),
    /** What stands in that whatever networks there are. */
    ownHosts: join(dir, 'hosts.own'),
    hostname: join(dir, 'hostname'),
    resolver: join(dir, 'resolv.conf'),
    /** Its streams, where it runs in the foreground without a terminal. */
    stdin: join(dir, 'stdin'),
    stdout: join(dir, 'stdout'),
    stderr: join(dir, 'stderr'),
    /** See `Gate`. */
    told: join(dir, 'told'),
    waits: join(dir, 'waits'),
  } as const;
}
