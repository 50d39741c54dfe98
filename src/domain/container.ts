/** A container that somebody started from an image, as docker's users know them. (A site's containers are instances: see instance.ts.) */
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

/** Has processes, or may have. */
export function isUp({ state }: Pick<Container, 'state'>): boolean {
  return state === 'running' || state === 'paused' || state === 'starting';
}

export interface Container {
  /** Also the runtime's. */
  readonly id: string;
  readonly name: string;
  /** No site and no other container has it. */
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
  /** In the foreground: the command line that it ends with. */
  readonly client?: ProcessIdentity;
  /** Of the last run; 128 and the signal's number where one ended it. */
  readonly exitCode?: number;
  /** Why it could not be started, or what became of it, where there is more to say than the exit code. */
  readonly problem?: string;
  readonly wasOutOfMemory: boolean;
  /** Somebody ended it: it is not started again by itself, but for `always` when the platform comes up. */
  readonly endedByHand: boolean;
  /** How often its policy started it again since somebody did. */
  readonly restarts: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** Everything that was asked for, and what the image says where nothing was. */
export interface ContainerSpec {
  readonly args: readonly string[];
  /** `NAME=value`; may hold secrets. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** As in a Dockerfile. */
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
  /** Further lines of its `/etc/hosts`. */
  readonly extraHosts?: readonly { readonly name: string; readonly address: string }[];
  readonly restart: RestartPolicy;
  /** It is removed when it ends. */
  readonly remove: boolean;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly health?: HealthCheck;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerVolume {
  /** A named volume, or a directory of the machine. */
  readonly from: { readonly volume: string; readonly anonymous: boolean } | { readonly directory: string };
  readonly destination: string;
  readonly writable: boolean;
}

export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp';
  /** Undefined: every address of the machine. */
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
  /** Of a container that did not name it, and goes with it. */
  readonly anonymous: boolean;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}
