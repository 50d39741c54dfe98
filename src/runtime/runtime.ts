/**
 * The runtime port: starts and ends containers. A driver maps each method to its program and never decides
 * whether a change of state is legal; that is the lifecycle's business.
 *
 * A container is known by its id, which the caller chooses and which matches `[a-z0-9][a-z0-9-]{0,62}`.
 */
import type { BundleSpec } from './bundle/bundle-spec.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { ExecOptions, ExecResult } from '../lib/exec.ts';

export interface RunOptions {
  /** Standard output and standard error of the container are appended here; the file is made with mode 0600. */
  readonly logPath: string;
  readonly signal?: AbortSignal;
}

export interface Runtime {
  /** The technology, as shown by `doctor`. */
  readonly name: string;

  /**
   * Writes the bundle of a container, so that `run` has nothing to prepare. Replaces an older one.
   * Idempotent; must not be called for a container that runs.
   */
  prepare(id: string, spec: BundleSpec): Promise<void>;

  /**
   * Starts the prepared container, detached from us: it goes on when we die.
   * Returns when its first process has been started, which is before that process does anything useful.
   * When it fails, nothing of the container is left.
   *
   * @throws SubakoError `already_running` when a container with this id exists, `command_failed` with the runtime's words otherwise
   */
  run(id: string, options: RunOptions): Promise<ProcessIdentity>;

  /** Runs the prepared container to its end and gives its output. Nothing is left of it, however it ends. */
  runToEnd(id: string, options: Pick<ExecOptions, 'input' | 'timeoutMs'>): Promise<ExecResult>;

  /** Runs a command in a running container with the credentials, limits and filters of its first process. */
  exec(id: string, argv: readonly string[], options: Pick<ExecOptions, 'input' | 'timeoutMs' | 'onLine'>): Promise<ExecResult>;

  /** The command line that does what `exec` does, for a caller with a terminal of its own. */
  execArgv(id: string, argv: readonly string[], options: { tty: boolean }): readonly string[];

  /** Ends every process of the container and removes all it had: cgroups, state, bundle. Idempotent. */
  remove(id: string): Promise<void>;

  /** Ids of the containers of this platform that the runtime knows, running or dead. */
  list(): Promise<string[]>;

  /** What a container uses now. Undefined when it is gone. */
  usage(id: string): Promise<Usage | undefined>;
}

export interface Usage {
  readonly memoryBytes: number;
  /** CPU time used since the container began, in milliseconds. */
  readonly cpuMs: number;
  /** Processes that the kernel killed because the container was out of memory. */
  readonly oomKills: number;
}
