/** Containers as the API and `--json` show them. Times are Unix time in milliseconds. */
import type { ContainerState } from '../domain/container.ts';

export interface ContainerRow {
  readonly id: string;
  readonly site: null;
  readonly container: string;
  /** Of a compose file; null: it is of none. */
  readonly project: string | null;
  readonly image: string;
  readonly role: null;
  readonly node: string;
  readonly state: ContainerState;
  readonly pid: number | null;
  readonly cpuPercent: number | null;
  readonly memoryBytes: number | null;
  readonly since: number;
  readonly instances: number;
  readonly why: string | null;
  readonly wakes: number;
  readonly lastWake: null;
  readonly exitCode: number | null;
  readonly health: HealthStatus | null;
  readonly command: readonly string[];
  /** As docker writes them: `80/tcp -> 0.0.0.0:8080`. */
  readonly ports: readonly string[];
}

type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** All that is known of one. Holds its environment, secrets included. */
export interface ContainerReply {
  readonly id: string;
  readonly name: string;
  readonly image: { readonly id: string; readonly ref: string };
  readonly state: ContainerState;
  readonly pid: number | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  readonly problem: string | null;
  readonly health: HealthReply | null;
  readonly restarts: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** On its link to the machine, while it runs with a network. */
  readonly ports: readonly string[];
  /** On its own link, while it has one. */
  readonly address: string | null;
  readonly address6: string | null;
  /** Those that it is in now. */
  readonly networks: readonly NetworkPlaceReply[];
  /** What was asked for, and what its image says. */
  readonly spec: Readonly<Record<string, unknown>>;
}

interface HealthReply {
  readonly status: HealthStatus;
  /** In a row. */
  readonly failures: number;
  /** The end of what the last check said. */
  readonly said: string;
}

export interface StatsRow {
  readonly id: string;
  readonly container: string;
  /** Of one core, since the last look. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly processes: number;
}

export interface ProcessRow {
  /** The machine's. */
  readonly pid: number;
  /** The container's. */
  readonly uid: number;
  readonly memoryBytes: number;
  readonly command: string;
}

export interface WaitReply {
  /** Null: nobody knows. */
  readonly exitCode: number | null;
}

/** What whoever attaches runs. */
export interface AttachReply {
  readonly argv: readonly string[];
  readonly terminal: boolean;
  /** Its exit code when the container has ended; 0: it was left. */
  readonly ended: number;
}

/** First line of a container in the foreground. */
export interface SessionReply {
  readonly id: string;
  readonly name: string;
  readonly argv: readonly string[];
  /** A file where it is written why it did not begin. */
  readonly said: string;
  /** Where what it says is kept, and how much of it. */
  readonly log: { readonly path: string; readonly maxBytes: number };
  /** For streams that are no terminal: named pipes; an empty file for input where nobody gives it any. */
  readonly pipes: { readonly stdin: string; readonly stdout: string; readonly stderr: string };
}

interface NetworkPlaceReply {
  readonly network: string;
  readonly address: string;
  readonly address6: string | null;
  /** What the others find it by. */
  readonly names: readonly string[];
}

export interface NetworkReply {
  readonly id: string;
  readonly name: string;
  readonly subnet: string;
  /** Null: it speaks IPv4 alone. */
  readonly subnet6: string | null;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number;
  /** Names of containers, up or not, and domains of sites that are to be in it. */
  readonly users: readonly string[];
  /** Those that are in it now. */
  readonly members: readonly NetworkMemberReply[];
}

export interface NetworkMemberReply {
  /** Of the container. */
  readonly id: string;
  readonly container: string | null;
  readonly site: string | null;
  readonly address: string;
  readonly address6: string | null;
  readonly names: readonly string[];
}

export interface VolumeReply {
  readonly name: string;
  readonly anonymous: boolean;
  readonly createdAt: number;
}
