/** A container of the platform's own (database, edge): started once, adopted after a daemon restart, started again when it dies. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { rotateIfLarger } from '../lib/bounded-log.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive, signalProcess } from '../lib/proc.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface ServiceDefinition {
  readonly name: string;
  readonly spec: BundleSpec;
  /** More that it depends on, such as the text of its configuration: when it changes, the service is started anew. */
  readonly configuration: string;
  readonly logPath: string;
  /** True when it answers. */
  readonly isReady: () => Promise<boolean>;
  readonly readyWithinMs: number;
  /** How it is asked to end; after `endWithinMs` it is killed. */
  readonly endSignal: NodeJS.Signals;
  readonly endWithinMs: number;
}

export interface ServiceDeps {
  readonly runtime: Runtime;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly logBytes: number;
  /** Asked before each start from nothing; may refuse by throwing. */
  readonly beforeBoot?: () => Promise<void>;
}

const WATCH_EVERY_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

export class SystemService {
  readonly #definition: ServiceDefinition;
  readonly #deps: ServiceDeps;
  readonly #stopping = new AbortController();
  #process: ProcessIdentity | undefined;
  #wasAdopted = false;
  #specHash = '';
  #watching: Promise<void> = Promise.resolve();

  constructor(definition: ServiceDefinition, deps: ServiceDeps) {
    this.#definition = definition;
    this.#deps = deps;
  }

  get containerId(): string {
    return serviceContainerId(this.#definition.name);
  }

  /** Whether it ran before we came. */
  get wasAdopted(): boolean {
    return this.#wasAdopted;
  }

  /** Sends a signal to its first process, if it runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) signalProcess(this.#process, signal);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Adopts the running service when it is the same as defined, else starts it; returns when it answers. Then watches it.
   * @throws SubakoError `command_failed` when it does not come up; its log says why
   */
  async start(): Promise<void> {
    this.#specHash = await specHash(this.#definition);
    this.#process = await this.#adopt();
    this.#wasAdopted = this.#process !== undefined;
    this.#process ??= await this.#boot();
    this.#watching = this.#watch();
  }

  /** Leaves it running, unwatched. */
  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  /** Ends it. Idempotent. */
  async stop(): Promise<void> {
    await this.release();
    const { runtime, cmdb } = this.#deps;
    const process = this.#process;
    if (process !== undefined) await this.#end(process);
    await runtime.remove(this.containerId);
    await cmdb.deleteService(this.#definition.name);
    this.#process = undefined;
  }

  async #adopt(): Promise<ProcessIdentity | undefined> {
    const { name } = this.#definition;
    const record = (await this.#deps.cmdb.services()).find((service) => service.name === name);
    if (record === undefined || !isAlive(record.process)) return undefined;
    if (record.specHash !== this.#specHash || !(await this.#becomesReady(record.process))) {
      await this.#end(record.process);
      return undefined;
    }
    this.#deps.emit({ type: 'service.adopted', instance: this.containerId, facts: { service: name, pid: record.process.pid } });
    return record.process;
  }

  async #boot(): Promise<ProcessIdentity> {
    const { runtime, cmdb, emit } = this.#deps;
    const { name, spec, logPath } = this.#definition;
    await runtime.remove(this.containerId);
    await this.#deps.beforeBoot?.();
    await runtime.prepare(this.containerId, spec);
    const process = await runtime.run(this.containerId, { logPath });
    await cmdb.putService({ name, containerId: this.containerId, process, specHash: this.#specHash });
    if (!(await this.#becomesReady(process))) {
      await runtime.remove(this.containerId);
      throw new SubakoError('command_failed', `the ${name} service did not start`, { hint: `read its log: ${logPath}`, facts: { service: name, logPath } });
    }
    emit({ type: 'service.started', instance: this.containerId, facts: { service: name, pid: process.pid } });
    return process;
  }

  async #becomesReady(process: ProcessIdentity): Promise<boolean> {
    const { isReady, readyWithinMs } = this.#definition;
    const look = async (): Promise<'ready' | 'dead' | undefined> => {
      if (await isReady()) return 'ready';
      return isAlive(process) ? undefined : 'dead';
    };
    return (await poll(look, { timeoutMs: readyWithinMs, everyMs: 20 })) === 'ready';
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let retryMs = FIRST_RETRY_MS;
    while (await pause(WATCH_EVERY_MS, signal)) {
      await rotateIfLarger(this.#definition.logPath, this.#deps.logBytes).catch(() => undefined); // no room for a copy: at the next look, perhaps
      if (this.#process !== undefined && isAlive(this.#process)) {
        retryMs = FIRST_RETRY_MS;
        continue;
      }
      this.#process = await this.#bootAgain();
      if (this.#process !== undefined) continue;
      await pause(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  async #bootAgain(): Promise<ProcessIdentity | undefined> {
    const { name, logPath } = this.#definition;
    this.#deps.emit({ type: 'service.failed', instance: this.containerId, cause: 'its process is gone', facts: { service: name, logPath } });
    return this.#boot().catch((error: unknown) => {
      this.#deps.emit({ type: 'service.failed', instance: this.containerId, cause: String(error), facts: { service: name, logPath } });
      return undefined;
    });
  }

  async #end(process: ProcessIdentity): Promise<void> {
    const { endSignal, endWithinMs } = this.#definition;
    signalProcess(process, endSignal);
    await poll(() => !isAlive(process), { timeoutMs: endWithinMs, everyMs: 20 });
  }
}

/** Changes whenever a running service is not what would be started now, also when a directory it mounted is gone and made anew. */
async function specHash({ spec, configuration }: ServiceDefinition): Promise<string> {
  const sources = await Promise.all(spec.mounts.map((mount) => stat(mount.source)));
  const inodes = sources.map(({ dev, ino }) => `${dev}:${ino}`);
  return createHash('sha256')
    .update(JSON.stringify([spec, configuration, inodes]))
    .digest('hex');
}

export function serviceContainerId(name: string): string {
  return `service-${name}`;
}

/** False when the wait was cut short. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
