/** The programs that work on images, and how they are run: with our configuration alone, in namespaces of their own, and never longer than the daemon lives. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import { execAny } from '../../lib/exec.ts';
import type { ExecOptions, ExecResult } from '../../lib/exec.ts';
import { writeFileAtomic } from '../../lib/files.ts';
import type { BuildNetwork } from './build.ts';
import { toolSettings } from './tool-settings.ts';
import type { RegistrySettings } from './tool-settings.ts';

/** Absolute paths of programs that run on this machine. */
export interface ImagePrograms {
  readonly skopeo: string;
  readonly buildah: string;
  /** The command line of containers/storage itself. */
  readonly containersStorage: string;
  readonly getfattr: string;
  /** Directory of programs that buildah looks for. */
  readonly helpers: string;
  /** System calls that a step of a build may make. */
  readonly seccompProfile: string;
}

/** What steps of builds run in. */
interface BuildRuntime {
  readonly crun: string;
  /** Above the cgroups of the steps, and removed with the platform's. */
  readonly cgroup: string;
  /** The machine's id of a step's id 0: nobody else has ids from there on. */
  readonly hostIdBase: number;
  /** A network for them. @throws SubakoError `host_unfit` where this machine has none to give */
  readonly egress: () => Promise<BuildNetwork>;
}

export interface ImageToolsOptions {
  /** Directory of ours below the state: the store, logins, work in progress. */
  readonly dir: string;
  /** As `dir`, for what need not outlive the machine's start. */
  readonly runDir: string;
  /** Called when a program is first needed; it may take a minute. */
  readonly programs: (progress: (text: string) => void) => Promise<ImagePrograms>;
  readonly runtime: BuildRuntime;
  readonly registries: Readonly<Record<string, RegistrySettings>>;
  /** Proxies, where the machine has them. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ToolOptions extends Pick<ExecOptions, 'input' | 'onLine' | 'signal' | 'timeoutMs' | 'cwd'> {
  /** Told when the programs themselves must be fetched first. */
  readonly progress?: (text: string) => void;
  /** For blobs on their way; see `withWorkDir`. */
  readonly workDir?: string;
}

type Program = 'skopeo' | 'buildah' | 'containersStorage';

/** Whatever the daemon's end: the program ends with it, and with the program all that it started and mounted. */
const TIED_TO_US = ['setpriv', '--pdeathsig', 'KILL', '--'];
const IN_OWN_NAMESPACES = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
export const CONFINED = [...TIED_TO_US, ...IN_OWN_NAMESPACES];

/** A warning that metacopy brings with it (see tool-settings.ts). */
const EXPECTED = 'Not using native diff for overlay';

export class ImageTools {
  readonly #options: ImageToolsOptions;
  #prepared: Promise<ImagePrograms> | undefined;

  constructor(options: ImageToolsOptions) {
    this.#options = options;
  }

  get dir(): string {
    return this.#options.dir;
  }

  /** Where containers/storage keeps images. */
  get storage(): string {
    return join(this.#options.dir, 'storage');
  }

  /** Logins at registries: root's alone. */
  get authFile(): string {
    return join(this.#options.dir, 'auth.json');
  }

  get runtime(): BuildRuntime {
    return this.#options.runtime;
  }

  /** Proxies, where the machine has them. */
  get environment(): Readonly<Record<string, string>> {
    return this.#options.environment;
  }

  settingsOf(registry: string): RegistrySettings {
    return this.#options.registries[registry] ?? {};
  }

  /** Any exit code is an answer. @throws where the programs cannot be had */
  async run(program: Program, args: readonly string[], options: ToolOptions = {}): Promise<ExecResult> {
    const { progress = () => undefined, workDir, onLine = () => undefined, ...rest } = options;
    const programs = await this.programs(progress);
    const { config } = this.#paths();
    const fixed = { skopeo: skopeoArgs(config), buildah: [], containersStorage: [] };
    const told = (line: string): void => void (line.includes(EXPECTED) || onLine(line));
    return execAny([...CONFINED, programs[program], ...fixed[program], ...args], { ...rest, onLine: told, env: this.#environment(workDir) });
  }

  /** The programs, with their configuration written. */
  programs(progress: (text: string) => void): Promise<ImagePrograms> {
    this.#prepared ??= this.#prepare(progress).catch((error: unknown) => {
      this.#prepared = undefined; // the next one tries again
      throw error;
    });
    return this.#prepared;
  }

  /** A place for work in progress, which is gone afterwards. */
  async withWorkDir<T>(work: (dir: string) => Promise<T>): Promise<T> {
    const dir = join(this.#paths().work, randomBytes(8).toString('hex'));
    await mkdir(dir, { recursive: true, mode: 0o700 });
    try {
      return await work(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** Work in progress of a daemon that was killed. To be called before the first work. */
  async clearWork(): Promise<void> {
    await rm(this.#paths().work, { recursive: true, force: true });
  }

  /** Our policy, for buildah, which takes it with each command. */
  get policyArgs(): readonly string[] {
    return ['--signature-policy', join(this.#paths().config, 'policy.json')];
  }

  async #prepare(progress: (text: string) => void): Promise<ImagePrograms> {
    const programs = await this.#options.programs(progress);
    const { config, run, work } = this.#paths();
    for (const dir of [this.dir, config, join(config, 'registries.d'), join(config, 'home'), work, run, this.storage])
      await mkdir(dir, { recursive: true, mode: 0o700 });
    const files = toolSettings({
      storage: this.storage,
      run,
      crun: this.#options.runtime.crun,
      seccompProfile: programs.seccompProfile,
      helpers: programs.helpers,
      registries: this.#options.registries,
    });
    // buildah wants it to be there.
    await writeFile(this.authFile, '{}', { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
    for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(config, name), text, { durable: false });
    return programs;
  }

  #paths() {
    const { dir, runDir } = this.#options;
    return { config: join(dir, 'config'), work: join(dir, 'work'), run: runDir };
  }

  #environment(workDir: string | undefined): Record<string, string> {
    const { config, run, work } = this.#paths();
    return {
      ...this.#options.environment,
      HOME: join(config, 'home'),
      XDG_RUNTIME_DIR: run,
      TMPDIR: workDir ?? work,
      CONTAINERS_CONF: join(config, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(config, 'storage.conf'),
      CONTAINERS_REGISTRIES_CONF: join(config, 'registries.conf'),
      REGISTRY_AUTH_FILE: this.authFile,
      // With layers as idmapped mounts, what a step of a build writes would be committed with the machine's ids (containers/storage 1.57).
      _CONTAINERS_OVERLAY_DISABLE_IDMAP: 'yes',
    };
  }
}

/** skopeo does not look at the variable for registries.conf. */
function skopeoArgs(config: string): string[] {
  const places = { policy: 'policy.json', 'registries.d': 'registries.d', 'registries-conf': 'registries.conf' };
  return Object.entries(places).flatMap(([option, name]) => [`--${option}`, join(config, name)]);
}
