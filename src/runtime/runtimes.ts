/** All runtimes of this machine as one: a container is prepared with the runtime that its spec names; later calls find that by where its bundle lies. */
import type { ProcessIdentity } from '../domain/instance.ts';
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import { SubakoError } from '../domain/errors.ts';
import type { RuntimeName } from '../domain/runtime-name.ts';
import type { ExecOptions, ExecResult } from '../lib/exec.ts';
import type { BundleSpec, Limits } from './bundle/bundle-spec.ts';
import type { Checkpoints, Creation, ExecAs, HereLine, RunOptions, Runtime, Usage } from './runtime.ts';

/** A runtime that knows which containers are its own. */
export interface OneRuntime extends Runtime {
  readonly name: RuntimeName;
  /** Whether it was used on this platform since the machine started. */
  readonly isUsed: boolean;
  has(id: string): boolean;
}

export interface RuntimesOptions {
  /** The default one first. */
  readonly drivers: readonly [OneRuntime, ...OneRuntime[]];
  /** Makes a runtime's program be there. Cheap when it is. @throws SubakoError `build_failed` */
  readonly ensure: (name: RuntimeName) => Promise<void>;
}

export class Runtimes implements Runtime {
  readonly #drivers: RuntimesOptions['drivers'];
  readonly #ensure: RuntimesOptions['ensure'];

  constructor({ drivers, ensure }: RuntimesOptions) {
    this.#drivers = drivers;
    this.#ensure = ensure;
  }

  /** Can be used from now on. @throws SubakoError `build_failed` when its program cannot be had */
  ensure(name: RuntimeName): Promise<void> {
    return this.#ensure(name);
  }

  get checkpoints(): Checkpoints | undefined {
    return this.#drivers[0].checkpoints;
  }

  runtimeOf(id: string): RuntimeName {
    return this.#of(id).name;
  }

  async prepare(id: string, spec: BundleSpec): Promise<void> {
    const name = spec.runtime ?? DEFAULT_RUNTIME;
    if (name !== DEFAULT_RUNTIME) await this.#ensure(name);
    const driver = this.#drivers.find((one) => one.name === name);
    // Never another runtime in its place, which might protect less.
    if (driver === undefined) throw new SubakoError('host_unfit', `this Subako has no runtime “${name}”`);
    await driver.prepare(id, spec);
  }

  run(id: string, options: RunOptions): Promise<ProcessIdentity> {
    return this.#of(id).run(id, options);
  }

  runToEnd(id: string, options: Pick<ExecOptions, 'input' | 'output' | 'timeoutMs' | 'signal' | 'onLine'>): Promise<ExecResult> {
    return this.#of(id).runToEnd(id, options);
  }

  exec(id: string, argv: readonly string[], options: Pick<ExecOptions, 'input' | 'timeoutMs' | 'onLine' | 'signal'>): Promise<ExecResult> {
    return this.#of(id).exec(id, argv, options);
  }

  execHere(id: string, argv: readonly string[], options: ExecAs): HereLine {
    return this.#of(id).execHere(id, argv, options);
  }

  bundleOf(id: string): string {
    return this.#of(id).bundleOf(id);
  }

  runHere(id: string): HereLine {
    return this.#of(id).runHere(id);
  }

  startedBy(id: string): Promise<ProcessIdentity | undefined> {
    return this.#of(id).startedBy(id);
  }

  creation(id: string): Creation {
    return this.#of(id).creation(id);
  }

  start(id: string): Promise<void> {
    return this.#of(id).start(id);
  }

  /** One without a bundle may have been any runtime's. */
  async remove(id: string): Promise<void> {
    const own = this.#drivers.filter((driver) => driver.has(id));
    for (const driver of own.length > 0 ? own : await this.#used()) await driver.remove(id);
  }

  async list(): Promise<string[]> {
    const lists = await Promise.all((await this.#used()).map((driver) => driver.list()));
    return [...new Set(lists.flat())];
  }

  freeze(id: string): Promise<void> {
    return this.#of(id).freeze(id);
  }

  thaw(id: string): Promise<void> {
    return this.#of(id).thaw(id);
  }

  isFrozen(id: string): boolean {
    return this.#of(id).isFrozen(id);
  }

  setLimits(id: string, limits: Limits): Promise<void> {
    return this.#of(id).setLimits(id, limits);
  }

  processes(id: string): Promise<number[]> {
    return this.#of(id).processes(id);
  }

  usage(id: string): Promise<Usage | undefined> {
    return this.#of(id).usage(id);
  }

  listens(id: string, process: ProcessIdentity, socket: string): Promise<boolean> {
    return this.#of(id).listens(id, process, socket);
  }

  #of(id: string): OneRuntime {
    return this.#drivers.find((driver) => driver.has(id)) ?? this.#drivers[0];
  }

  /** The default one, and whichever has containers, or had; but for one whose program is gone and cannot be had again. */
  async #used(): Promise<OneRuntime[]> {
    const [first, ...others] = this.#drivers;
    const used = [first];
    for (const driver of others.filter(({ isUsed }) => isUsed)) {
      await this.#ensure(driver.name).then(
        () => used.push(driver),
        () => undefined,
      );
    }
    return used;
  }
}
