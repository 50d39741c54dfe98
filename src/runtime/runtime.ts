/**
 * The runtime port: starts and ends containers. A driver maps each method to its program and never decides
 * whether a change of state is legal; that is the lifecycle's business.
 *
 * A container is known by its id, which the caller chooses and which matches `[a-z0-9][a-z0-9-]{0,62}`. Its life:
 *
 * ```
 * prepare ──► run, runToEnd, runHere, creation + start, checkpoints.restore ──► freeze ◄──► thaw ──► remove
 * ```
 *
 * Methods may be called for many containers at once. For one container, the caller sees to it that no two of them that change it run at the
 * same time; those that only look (`list`, `processes`, `listens`, `usage`, `isFrozen`) may be called at any time.
 */
import type { BindMount, BundleSpec, Limits } from './bundle/bundle-spec.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { RuntimeName } from '../domain/runtime-name.ts';
import type { ExecOptions, ExecResult } from '../lib/exec.ts';

export interface RunOptions {
  /** Standard output and standard error of the container are appended here; the file is made with mode 0600. */
  readonly logPath: string;
  readonly signal?: AbortSignal;
}

/** A command line for a caller with a terminal, who runs it as a child of its own. */
export interface HereLine {
  readonly argv: readonly string[];
  /** A file, readable by root alone, in which the runtime writes why the command did not begin. */
  readonly said: string;
  /** Files that the caller removes afterwards. */
  readonly files: readonly string[];
}

export interface ExecAs {
  readonly tty: boolean;
  /** Ids in the container. Default: those of its first process. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly cwd?: string;
  /** `NAME=value`, besides the container's own. */
  readonly env?: readonly string[];
}

/** What a monitor needs to know to run an OCI runtime's `create`. */
export interface Creation {
  readonly program: string;
  /** Options that come before the word `create`. */
  readonly options: readonly string[];
  readonly bundle: string;
}

export interface Runtime {
  /** Which runtime this container belongs to; for one that is not there, the runtime that would be used. */
  runtimeOf(id: string): RuntimeName;

  /**
   * Writes the bundle of a container, so that it can be started without delay. Replaces an older bundle. Idempotent.
   * Must not be called for a container that runs.
   */
  prepare(id: string, spec: BundleSpec): Promise<void>;

  /**
   * Starts the prepared container, detached: it goes on when the daemon dies.
   * Returns when its first process has been started, which is before that process does anything useful.
   * When it fails, nothing of the container is left, its bundle included.
   *
   * @throws SubakoError `already_running` when a container with this id exists, `command_failed` with the runtime's words otherwise
   */
  run(id: string, options: RunOptions): Promise<ProcessIdentity>;

  /** Runs the prepared container to its end and gives its output. Nothing is left of it, however it ends. */
  runToEnd(id: string, options: Pick<ExecOptions, 'input' | 'output' | 'timeoutMs' | 'signal' | 'onLine'>): Promise<ExecResult>;

  /**
   * Runs a command in a running container with the credentials, limits and filters of its first process. When its time is over, or `signal` is
   * aborted, all that it started is ended with it, but for what moved to a session of its own and what runs under a kernel of its own.
   */
  exec(id: string, argv: readonly string[], options: Pick<ExecOptions, 'input' | 'timeoutMs' | 'onLine' | 'signal'>): Promise<ExecResult>;

  /** The command line that does what `exec` does, for a caller with a terminal of its own, who removes the files afterwards. */
  execHere(id: string, argv: readonly string[], options: ExecAs): HereLine;

  /** The command line that does what `runToEnd` does, for a caller with a terminal of its own, who calls `remove` afterwards. */
  runHere(id: string): HereLine;

  /** Directory of its bundle, where its monitor also has its sockets. */
  bundleOf(id: string): string;

  /** The first process that `runHere` started; undefined until it is there. */
  startedBy(id: string): Promise<ProcessIdentity | undefined>;

  /** What a monitor runs to create the prepared container, which then waits for `start`. */
  creation(id: string): Creation;

  /** Lets the first process of a created container begin. @throws when the runtime refuses; then `remove` takes away what is left */
  start(id: string): Promise<void>;

  /** Ends every process of the container and removes all it had: cgroups, state, bundle. Idempotent. */
  remove(id: string): Promise<void>;

  /** Ids of the containers of this platform that the runtime knows, running, dead or half made. */
  list(): Promise<string[]>;

  /** Stops every process of the container where it is, with its memory. @throws SubakoError `busy` when one does not stop within five seconds; then all go on */
  freeze(id: string): Promise<void>;

  /** Lets its processes go on. Idempotent. */
  thaw(id: string): Promise<void>;

  isFrozen(id: string): boolean;

  /** Changes the limits of a running container. @throws when it uses more memory than it may have from now on; then the old limits stay */
  setLimits(id: string, limits: Limits): Promise<void>;

  /** The container's processes, by the host's pids. Those of a sandbox with a kernel of its own are the sandbox's. */
  processes(id: string): Promise<number[]>;

  /** Whether something in the container listens at a Unix socket of this name, in whatever directory. No connection is made: that would make PHP-FPM start a worker. */
  listens(id: string, process: ProcessIdentity, socket: string): Promise<boolean>;

  /** Checkpoints of the default runtime's containers. Undefined where this machine cannot make them. */
  readonly checkpoints: Checkpoints | undefined;

  /** What a container uses now. Undefined when it is gone. */
  usage(id: string): Promise<Usage | undefined>;
}

/** Takes containers out of memory into files, and brings them back, also as another container of the same kind. */
export interface Checkpoints {
  /** Everything on this machine that a checkpoint depends on (tools, kernel, processor); one made under another is of no use. */
  readonly environment: string;

  /**
   * Writes the container's processes to the directory `into`, which becomes root's alone, and ends them. What is left of the container,
   * `remove` takes away. `spec` must be the one it was started with. Processes that are stopped by a signal go on when they are restored.
   *
   * @throws SubakoError `command_failed`; then its processes may still run
   */
  dump(id: string, options: DumpOptions): Promise<void>;

  /**
   * Starts the prepared container `id` from such a directory: its processes go on where the dumped ones stopped, with the mounts,
   * limits and host ids of `spec`. Where paths of its sockets hold the dumped container's id, they hold `id` instead; both have the same length.
   * Reads the directory and changes nothing in it; many at once may do so. Parts of it may stay mapped for as long as the container runs:
   * its files may be unlinked meanwhile, but not written to. When it fails, `remove` takes away what is left.
   *
   * @throws SubakoError `command_failed`
   */
  restore(id: string, options: RestoreOptions): Promise<ProcessIdentity>;

  /** Why a container of this machine, with directories such as this one, cannot be handed over; undefined where it can. */
  whyNoHandOver(dir: string): Promise<string | undefined>;

  /**
   * Gives a container that runs, and was nobody's until now, to somebody: mounts take the place of those it has there, and it gets the
   * owner's limits. It keeps its ids; what is the owner's on disk appears inside as if it were the container's own, and what the
   * container writes there is the owner's on disk.
   *
   * @throws SubakoError `conflict` when it uses more memory than the owner may have, or an error when the mounts could not be changed.
   *   Then it is still nobody's and of no more use: `remove` it
   */
  hand(handOver: HandOver): Promise<void>;

  /** For `remove`: takes away what a container that is gone still has of its checkpoint. Idempotent. */
  forget(id: string): Promise<void>;

  /** Ids of containers, gone or not, that have something of their checkpoint. */
  held(): Promise<string[]>;
}

export interface DumpOptions {
  readonly spec: BundleSpec;
  readonly process: ProcessIdentity;
  readonly into: string;
  readonly logPath: string;
  /** Called when the container was looked at and is about to be dumped: ends processes that need not be restored. */
  readonly shrink?: (pids: readonly number[]) => Promise<void>;
}

export interface RestoreOptions {
  readonly spec: BundleSpec;
  readonly from: string;
  readonly logPath: string;
  /** Nobody writes to that log: another file may take its place, with what it held. Default: no. */
  readonly isAlone?: boolean;
}

export interface HandOver {
  /** As the container was made. */
  readonly spec: BundleSpec;
  readonly process: ProcessIdentity;
  /** As it is to be for its owner: limits, and the host id that is the owner's id 0 on disk. */
  readonly owner: { readonly limits: Limits; readonly hostIdBase: number };
  readonly mounts: readonly HandedMount[];
}

export interface HandedMount extends BindMount {
  /** Its files are the owner's, and appear as the container's; false: they are shown as they are. */
  readonly owned: boolean;
}

export interface Usage {
  readonly memoryBytes: number;
  /** CPU time used since the container began, in milliseconds. */
  readonly cpuMs: number;
  /** Processes that the kernel killed because the container was out of memory. */
  readonly oomKills: number;
}

/** @throws TypeError on a machine that cannot checkpoint */
export function checkpointsOf(runtime: Runtime): Checkpoints {
  if (runtime.checkpoints === undefined) throw new TypeError('this machine cannot checkpoint');
  return runtime.checkpoints;
}
