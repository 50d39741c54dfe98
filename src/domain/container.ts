/** A container that a person started from an image, as with docker. (A site's containers are instances: see instance.ts.) */
import type { ProcessIdentity } from './instance.ts';
import type { ContainerNetwork } from './network.ts';

/**
 * ```
 * created ──► starting ──► running ◄──► paused
 *                 ▲  │        │
 *                 │  ▼        ▼ ended
 *   restarting ◄──┴─ exited ◄─┘              any ──► removing
 * ```
 */
export type ContainerState = 'created' | 'starting' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing';

/** Whether it has processes, or may have. */
export function isUp({ state }: Pick<Container, 'state'>): boolean {
  return state === 'running' || state === 'paused' || state === 'starting';
}

export interface Container {
  /** The runtime knows it by the same id. */
  readonly id: string;
  readonly name: string;
  /** Index of its uid range, which no site and no other container has. */
  readonly uidRange: number;
  readonly image: {
    /** As in `OciImage`. */
    readonly id: string;
    /** As it was asked for. */
    readonly ref: string;
  };
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
  /** Its first process, while it is up. */
  readonly process?: ProcessIdentity;
  /** In the foreground: the command line that runs it. When that ends, so does the container. */
  readonly client?: ProcessIdentity;
  /** Of the last run; 128 plus the signal's number where a signal ended it. */
  readonly exitCode?: number;
  /** Why it could not be started, or what became of it, where there is more to say than the exit code. */
  readonly problem?: string;
  readonly wasOutOfMemory: boolean;
  /** A person ended it. Its restart policy does not start it again, except that `always` does when the platform comes up. */
  readonly endedByHand: boolean;
  /** How often its policy has started it again since a person last did. */
  readonly restarts: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** Everything that was asked for. Where nothing was, what the image says is filled in. */
export interface ContainerSpec {
  readonly args: readonly string[];
  /** `NAME=value`; may hold secrets. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** A name or ids, as `USER` of a Dockerfile takes them. */
  readonly user: string;
  readonly hostname: string;
  readonly terminal: boolean;
  /** Whether its standard input stays open though nobody writes to it. */
  readonly interactive: boolean;
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly pids?: number;
  readonly shmBytes?: number;
  /** Where they are not the usual ones. */
  readonly capabilities?: readonly string[];
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Besides those that its user is in; as in the image, or by number. */
  readonly groups?: readonly string[];
  readonly readOnly: boolean;
  readonly tmpfs: readonly { readonly destination: string; readonly sizeBytes: number }[];
  readonly volumes: readonly ContainerVolume[];
  /** Files of the platform's own, with the container's ids, that it may read. */
  readonly files?: readonly { readonly source: string; readonly destination: string }[];
  readonly ports: readonly PublishedPort[];
  readonly network: ContainerNetwork;
  /** Who is asked for names instead of the platform's resolver, and how. */
  readonly dns?: ContainerDns;
  /** Further lines of its `/etc/hosts`. */
  readonly extraHosts?: readonly { readonly name: string; readonly address: string }[];
  readonly restart: RestartPolicy;
  /** Whether it is removed when it ends. */
  readonly remove: boolean;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly health?: HealthCheck;
  readonly labels: Readonly<Record<string, string>>;
}

/** As in `/etc/resolv.conf`. */
export interface ContainerDns {
  /** Addresses. Empty: the platform's. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  /** Such as `ndots:2`. */
  readonly options: readonly string[];
}

export interface ContainerVolume {
  /** A named volume, or a directory of the machine. */
  readonly from: { readonly volume: string; readonly anonymous: boolean } | { readonly directory: string };
  readonly destination: string;
  readonly writable: boolean;
}

export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp';
  /** `0.0.0.0` and `::` are all of their kind. Undefined: every address of the machine. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

export interface RestartPolicy {
  readonly when: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** For `on-failure`; undefined: any number. */
  readonly atMost?: number;
}

export interface HealthCheck {
  readonly argv: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  /** In that period, until it is well for the first time, in the place of the interval. */
  readonly startIntervalMs?: number;
  readonly retries: number;
}

/** A named directory that outlives containers. */
export interface Volume {
  readonly name: string;
  /** Made for a container that gave it no name, and removed with that container. */
  readonly anonymous: boolean;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}
