/** Driver: containers by crun. */
import { constants, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { exec, execAny, ExecError } from '../../lib/exec.ts';
import type { ExecOptions, ExecResult } from '../../lib/exec.ts';
import { startTimeOf } from '../../lib/proc.ts';
import type { BundleSpec, Limits } from '../bundle/bundle-spec.ts';
import { renderOciConfig } from '../bundle/render-oci-config.ts';
import type { HardLimits } from '../bundle/render-oci-config.ts';
import { cgroupPids, changeLimits, freezeCgroup, isFrozen, thawCgroup } from '../cgroup/controllers.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';
import { removeCgroup } from '../cgroup/remove.ts';
import { cgroupUsage } from '../cgroup/usage.ts';
import type { Checkpoints, RunOptions, Runtime, Usage } from '../runtime.ts';
import type { ContainerNetworks } from '../container-networks.ts';
import { deleteArgs, execArgs, listArgs, runArgs, runToEndArgs } from './crun-args.ts';

export interface CrunOptions {
  /** The crun program. */
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

const COMMAND_TIMEOUT_MS = 30_000;
/** An empty file in each bundle. */
const STDIN = 'stdin';

export class Crun implements Runtime {
  readonly name = 'crun';
  readonly checkpoints: Checkpoints | undefined;
  readonly #options: CrunOptions;
  readonly #paths: { program: string; root: string };

  constructor(options: CrunOptions) {
    this.#options = options;
    this.#paths = { program: options.program, root: crunRoot(options.dir) };
    this.checkpoints = options.checkpoints;
  }

  async prepare(id: string, spec: BundleSpec): Promise<void> {
    const bundle = this.#bundle(id);
    // Traversable, because crun reads the bundle again after it has left host root for the container's own range.
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    const text = JSON.stringify(renderOciConfig(spec, this.#options.hardLimits));
    writeFileSync(join(bundle, 'config.json'), text, { mode: 0o600 });
    writeFileSync(join(bundle, STDIN), '', { mode: 0o600 });
    this.#options.networks.begin(id, spec);
  }

  async run(id: string, options: RunOptions): Promise<ProcessIdentity> {
    const bundle = this.#bundle(id);
    const pidFile = join(bundle, 'pid');
    const { O_WRONLY, O_CREAT, O_APPEND } = constants;
    await using log = await open(options.logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600);
    // crun gives the standard streams to the container's user: with the machine's own /dev/null, every container would own that.
    await using stdin = await open(join(bundle, STDIN), 'r');
    const began = (await log.stat()).size;
    try {
      await exec(runArgs(this.#paths, id, { bundle, pidFile }), {
        inputFd: stdin.fd,
        outputFd: log.fd,
        timeoutMs: COMMAND_TIMEOUT_MS,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      const identity = await this.#identity(id, pidFile);
      await this.#options.networks.join(id, identity.pid);
      return identity;
    } catch (error) {
      const said = await textFrom(options.logPath, began);
      if (/already exists/u.test(said)) throw new SubakoError('already_running', `container ${id} exists already`, { cause: error });
      await this.remove(id);
      throw new SubakoError('command_failed', `crun could not start ${id}: ${said.trim().split('\n').at(-1) ?? ''}`, { cause: error });
    }
  }

  async runToEnd(id: string, options: Pick<ExecOptions, 'input' | 'output' | 'timeoutMs' | 'signal'>): Promise<ExecResult> {
    try {
      return await execAny(runToEndArgs(this.#paths, id, this.#bundle(id)), { input: '', ...options });
    } finally {
      await this.remove(id);
    }
  }

  exec(id: string, argv: readonly string[], options: Pick<ExecOptions, 'input' | 'timeoutMs' | 'onLine' | 'signal'>): Promise<ExecResult> {
    return execAny(this.execArgv(id, argv, { tty: false }), { input: '', ...options });
  }

  execArgv(id: string, argv: readonly string[], { tty }: { tty: boolean }): readonly string[] {
    return execArgs(this.#paths, id, { argv, tty });
  }

  async remove(id: string): Promise<void> {
    // A frozen process does not even die.
    await this.thaw(id).catch(() => undefined);
    await execAny(deleteArgs(this.#paths, id), { timeoutMs: COMMAND_TIMEOUT_MS });
    await removeCgroup(this.#options.cgroups, this.#options.cgroupPathOf(id));
    await this.#options.networks.remove(id);
    await this.checkpoints?.forget(id);
    await rm(this.#bundle(id), { recursive: true, force: true });
  }

  async list(): Promise<string[]> {
    await mkdir(this.#paths.root, { recursive: true, mode: 0o700 });
    const result = await exec(listArgs(this.#paths), { timeoutMs: COMMAND_TIMEOUT_MS });
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

  #bundle(id: string): string {
    return bundleDir(this.#options.dir, id);
  }

  async #identity(id: string, pidFile: string): Promise<ProcessIdentity> {
    const pid = Number(await readFile(pidFile, 'utf8'));
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new ExecError(['crun', 'run', id], { code: 0, signal: null, stdout: '', stderr: 'ended at once', timedOut: false });
    return { pid, startTime };
  }
}

/** crun's `--root`. */
export function crunRoot(dir: string): string {
  return join(dir, 'crun');
}

/** @throws RangeError for an id that could mean another path */
export function bundleDir(dir: string, id: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/u.test(id)) throw new RangeError(`not a container id: ${id}`);
  return join(dir, 'bundles', id);
}

async function textFrom(path: string, offset: number): Promise<string> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.subarray(offset).toString('utf8');
}
