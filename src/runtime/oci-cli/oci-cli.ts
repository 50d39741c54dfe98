/** Containers by the command line of an OCI runtime: what is the same for crun, runc and runsc. */
import { randomBytes } from 'node:crypto';
import { constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import type { ProcessIdentity } from '../../domain/instance.ts';
import type { RuntimeName } from '../../domain/runtime-name.ts';
import { exec, execAny, ExecError } from '../../lib/exec.ts';
import type { ExecOptions, ExecResult } from '../../lib/exec.ts';
import { listensAt, startTimeOf } from '../../lib/proc.ts';
import type { BundleSpec, Limits } from '../bundle/bundle-spec.ts';
import type { OciConfig } from '../bundle/oci-config.ts';
import { renderOciConfig } from '../bundle/render-oci-config.ts';
import type { HardLimits } from '../bundle/render-oci-config.ts';
import { cgroupPids, changeLimits, freezeCgroup, isFrozen, thawCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import { removeCgroup } from '../cgroup/remove.ts';
import { cgroupUsage } from '../cgroup/usage.ts';
import { processBeside } from '../bundle/process-beside.ts';
import type { Checkpoints, Creation, ExecAs, HereLine, RunOptions, Runtime, Usage } from '../runtime.ts';
import type { ContainerNetworks } from '../container-networks.ts';
import { CommandLines } from './command-lines.ts';
import type { Dialect, OciUser } from './dialect.ts';
import { endSession } from './end-session.ts';
import { bundleDir, stateRoot, STDIN } from './places.ts';

export interface OciCliOptions {
  readonly dialect: Dialect;
  readonly program: string;
  /** Directory of this platform's containers; made when missing. */
  readonly dir: string;
  readonly cgroups: CgroupLayout;
  /** Where `id` keeps its cgroup, below each controller's root; the same as in its bundle. */
  readonly cgroupPathOf: (id: string) => string;
  readonly hardLimits: HardLimits;
  readonly checkpoints?: Checkpoints | undefined;
  readonly networks: ContainerNetworks;
}

/** What is known of a container from its `prepare` to its `remove`. */
interface Prepared {
  readonly options: readonly string[];
  /** Host ids of its first process. */
  readonly owner: OciUser;
  /** Whether it finds others by name: they are to be there when it begins. */
  readonly hasNeighbours: boolean;
}

/** Of one command that somebody runs by himself. */
interface ExecFiles {
  /** Where the runtime writes why it did not begin. */
  readonly said: string;
  /** The process, as a runtime reads it: it may hold secrets. */
  readonly file: string;
}

const COMMAND_TIMEOUT_MS = 30_000;
const CONFIG = 'config.json';

export class OciCli implements Runtime {
  readonly checkpoints: Checkpoints | undefined;
  readonly #options: OciCliOptions;
  readonly #root: string;
  readonly #lines: CommandLines;
  readonly #prepared = new Map<string, Prepared>();

  constructor(options: OciCliOptions) {
    this.#options = options;
    this.#root = stateRoot(options.dir, options.dialect.name);
    this.#lines = new CommandLines(options.dialect, { program: options.program, root: this.#root });
    this.checkpoints = options.checkpoints;
  }

  get name(): RuntimeName {
    return this.#options.dialect.name;
  }

  /** Whether it was used on this platform since the machine started. */
  get isUsed(): boolean {
    return existsSync(this.#root);
  }

  /** Whether a container with this id was prepared with it, and not removed. */
  has(id: string): boolean {
    return existsSync(this.#bundle(id));
  }

  runtimeOf(): RuntimeName {
    return this.name;
  }

  async prepare(id: string, spec: BundleSpec): Promise<void> {
    const bundle = this.#bundle(id);
    // Traversable, because the runtime reads the bundle again after it has left host root for the container's own range.
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    // runsc keeps the configuration there, secrets of the environment included, for whoever gets that far.
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    const { dialect, hardLimits } = this.#options;
    const config = renderOciConfig(spec, hardLimits);
    writeFileSync(join(bundle, CONFIG), JSON.stringify(dialect.adapt?.(config) ?? config), { mode: 0o600 });
    writeFileSync(join(bundle, STDIN), '', { mode: 0o600 });
    this.#prepared.set(id, {
      options: dialect.startOptions?.(spec) ?? [],
      owner: ownerOf(spec),
      hasNeighbours: typeof spec.network === 'object' && spec.network.networks !== undefined,
    });
    this.#options.networks.begin(id, spec);
  }

  async run(id: string, options: RunOptions): Promise<ProcessIdentity> {
    const bundle = this.#bundle(id);
    const pidFile = this.#pidFile(id);
    const { O_WRONLY, O_CREAT, O_APPEND } = constants;
    await using log = await open(options.logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600);
    // The runtime gives the standard streams to the container's user: with the machine's own /dev/null, every container would own that.
    await using stdin = await open(join(bundle, STDIN), 'r');
    const began = (await log.stat()).size;
    const { options: startOptions, owner, hasNeighbours } = this.#of(id);
    const at = { bundle, pidFile, options: startOptions };
    if (this.#options.dialect.leavesStreams === true) await log.chown(owner.uid, owner.gid);
    try {
      await exec(hasNeighbours ? this.#lines.create(id, at) : this.#lines.run(id, at), {
        inputFd: stdin.fd,
        outputFd: log.fd,
        timeoutMs: COMMAND_TIMEOUT_MS,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      const identity = await this.#identity(id, pidFile);
      await this.#options.networks.join(id, identity.pid);
      if (hasNeighbours) await this.start(id);
      return identity;
    } catch (error) {
      const said = await textFrom(options.logPath, began);
      if (/already exists/u.test(said)) throw new SubakoError('already_running', `container ${id} exists already`, { cause: error });
      await this.remove(id);
      throw new SubakoError('command_failed', `${this.name} could not start ${id}: ${said.trim().split('\n').at(-1) ?? ''}`, { cause: error });
    }
  }

  async runToEnd(id: string, options: Pick<ExecOptions, 'input' | 'output' | 'timeoutMs' | 'signal' | 'onLine'>): Promise<ExecResult> {
    try {
      return await execAny(this.#lines.runToEnd(id, { bundle: this.#bundle(id), options: this.#of(id).options }), { input: '', ...options });
    } finally {
      await this.remove(id);
    }
  }

  async exec(id: string, argv: readonly string[], options: Pick<ExecOptions, 'input' | 'timeoutMs' | 'onLine' | 'signal'>): Promise<ExecResult> {
    const { pid: pidFile } = this.#filesFor(id);
    const line = this.#lines.exec(id, { argv, tty: false, user: () => this.#processOf(id).user, options: [], pidFile });
    try {
      const result = await execAny(line, { input: '', ...options });
      if (result.timedOut || options.signal?.aborted === true) await endSession(await pidIn(pidFile), () => this.processes(id));
      return result;
    } finally {
      await rm(pidFile, { force: true });
    }
  }

  execHere(id: string, argv: readonly string[], as: ExecAs): HereLine {
    const { said, file } = this.#filesFor(id);
    const files = { said, file };
    return { argv: this.#execArgv(id, { argv, ...as, ...files }), said: files.said, files: Object.values(files) };
  }

  runHere(id: string): HereLine {
    const { said } = this.#filesFor(id);
    const options = [...this.#of(id).options, ...logTo(said)];
    return { argv: this.#lines.runHere(id, { bundle: this.#bundle(id), pidFile: this.#pidFile(id), options }), said, files: [said] };
  }

  bundleOf(id: string): string {
    return this.#bundle(id);
  }

  async startedBy(id: string): Promise<ProcessIdentity | undefined> {
    const pid = await pidIn(this.#pidFile(id));
    const startTime = pid === 0 ? undefined : startTimeOf(pid);
    return startTime === undefined ? undefined : { pid, startTime };
  }

  creation(id: string): Creation {
    return { program: this.#options.program, options: this.#lines.global(this.#of(id).options), bundle: this.#bundle(id) };
  }

  async start(id: string): Promise<void> {
    await exec(this.#lines.start(id, this.#of(id).options), { timeoutMs: COMMAND_TIMEOUT_MS });
  }

  async remove(id: string): Promise<void> {
    // A frozen process does not even die.
    await this.thaw(id).catch(() => undefined);
    const { dialect, cgroups, cgroupPathOf } = this.#options;
    if (dialect.deleteWaitsForInit === true) await removeCgroup(cgroups, cgroupPathOf(id));
    await execAny(this.#lines.delete(id), { timeoutMs: COMMAND_TIMEOUT_MS });
    await removeCgroup(cgroups, cgroupPathOf(id));
    await this.#options.networks.remove(id);
    await this.checkpoints?.forget(id);
    this.#prepared.delete(id);
    await rm(this.#bundle(id), { recursive: true, force: true });
  }

  async list(): Promise<string[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    const result = await exec(this.#lines.list(), { timeoutMs: COMMAND_TIMEOUT_MS });
    const held = (await this.checkpoints?.held()) ?? [];
    return [...new Set([...result.stdout.split('\n'), ...held])].filter((id) => id !== '');
  }

  usage(id: string): Promise<Usage | undefined> {
    return cgroupUsage(this.#options.cgroups, this.#options.cgroupPathOf(id));
  }

  freeze(id: string): Promise<void> {
    return freezeCgroup(this.#options.cgroups, this.#options.cgroupPathOf(id));
  }

  async thaw(id: string): Promise<void> {
    thawCgroup(this.#options.cgroups, this.#options.cgroupPathOf(id));
  }

  isFrozen(id: string): boolean {
    return isFrozen(this.#options.cgroups, this.#options.cgroupPathOf(id));
  }

  setLimits(id: string, limits: Limits): Promise<void> {
    return changeLimits(this.#options.cgroups, this.#options.cgroupPathOf(id), limits);
  }

  processes(id: string): Promise<number[]> {
    return cgroupPids(this.#options.cgroups, this.#options.cgroupPathOf(id));
  }

  async listens(id: string, process: ProcessIdentity, socket: string): Promise<boolean> {
    const pids = this.#options.dialect.bindsElsewhere === true ? await this.processes(id) : [process.pid];
    for (const pid of pids) if (await listensAt(pid, basename(socket)).catch(() => false)) return true; // gone meanwhile
    return false;
  }

  #execArgv(id: string, { argv, tty, said, file, ...as }: ExecAs & ExecFiles & { argv: readonly string[] }): readonly string[] {
    const options = logTo(said);
    if (Object.values(as).every((one) => one === undefined)) return this.#lines.exec(id, { argv, tty, user: () => this.#processOf(id).user, options });
    writeFileSync(file, JSON.stringify(processBeside(this.#processOf(id), { args: argv, terminal: tty, ...as })), { mode: 0o600 });
    return this.#lines.execProcess(id, { file, options });
  }

  #filesFor(id: string): ExecFiles & { readonly pid: string } {
    const name = join(this.#bundle(id), `exec-${randomBytes(6).toString('hex')}`);
    return { said: `${name}.said`, file: `${name}.json`, pid: `${name}.pid` };
  }

  #of(id: string): Prepared {
    const prepared = this.#prepared.get(id);
    if (prepared === undefined) throw new TypeError(`${id} is not prepared`);
    return prepared;
  }

  #bundle(id: string): string {
    return bundleDir(this.#options.dir, this.name, id);
  }

  #pidFile(id: string): string {
    return join(this.#bundle(id), 'pid');
  }

  #processOf(id: string): OciConfig['process'] {
    return (JSON.parse(readFileSync(join(this.#bundle(id), CONFIG), 'utf8')) as OciConfig).process;
  }

  async #identity(id: string, pidFile: string): Promise<ProcessIdentity> {
    const pid = Number(await readFile(pidFile, 'utf8'));
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new ExecError([this.name, 'run', id], { code: 0, signal: null, stdout: '', stderr: 'ended at once', timedOut: false });
    return { pid, startTime };
  }
}

/** 0 where there is none yet. */
async function pidIn(file: string): Promise<number> {
  return Number(await readFile(file, 'utf8').catch(() => ''));
}

/** Besides standard error, which whoever watches sees. */
function logTo(file: string): readonly string[] {
  return ['--log', file];
}

function ownerOf({ hostIdBase = 0, uid, gid }: BundleSpec): OciUser {
  return { uid: hostIdBase + uid, gid: hostIdBase + gid };
}

async function textFrom(path: string, offset: number): Promise<string> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.subarray(offset).toString('utf8');
}
