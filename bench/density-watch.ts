/** Looks at the machine every two seconds while a benchmark runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '../src/lib/deadline.ts';
import { memoryState } from '../src/lifecycle/pressure.ts';
import { percentile } from './report.ts';
import { residentBytes } from './stand.ts';
import type { Stand } from './stand.ts';

const EVERY_MS = 2_000;

export interface Sample {
  /** Seconds since the watch began. */
  readonly at: number;
  /** Of the machine's memory, as MemAvailable has it. */
  readonly usedBytes: number;
  readonly daemonBytes: number;
  readonly databaseBytes: number;
  readonly instances: Readonly<Record<'running' | 'frozen', number>>;
  /** By the instances' cgroups. */
  readonly memoryBytes: Readonly<Record<'running' | 'frozen', number>>;
  /** Of the visits that ended since the sample before; undefined when there were none. */
  readonly p50?: number;
  readonly p99?: number;
}

interface ServicePids {
  readonly daemon: number;
  readonly database: number;
}

export class DensityWatch {
  readonly samples: Sample[] = [];
  readonly phases: { readonly title: string; readonly at: number }[] = [];
  readonly #stand: Stand;
  readonly #pids: ServicePids;
  readonly #began = performance.now();
  readonly #stopping = new AbortController();
  #latencies: number[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(stand: Stand, pids: ServicePids) {
    this.#stand = stand;
    this.#pids = pids;
  }

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  phase(title: string): void {
    console.log(`— ${title}`);
    this.phases.push({ title, at: this.#seconds() });
  }

  visited(ms: number): void {
    this.#latencies.push(ms);
  }

  /** True when no instance was left in time. */
  async untilAllCold(timeoutMs: number): Promise<boolean> {
    const none = (): boolean => {
      const { running = 0, frozen = 0 } = this.samples.at(-1)?.instances ?? {};
      return running + frozen === 0;
    };
    await sleep(EVERY_MS * 2);
    return (await poll(none, { timeoutMs, everyMs: EVERY_MS })) === true;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#sample().catch((error: unknown) => console.error(`a sample failed: ${String(error)}`));
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sample(): Promise<void> {
    const metrics = await this.#stand.api.text('/v1/metrics');
    const byState = (name: string) => ({ running: gauge(metrics, name, 'running'), frozen: gauge(metrics, name, 'frozen') });
    const { totalBytes, availableBytes } = await memoryState();
    const latencies = this.#latencies;
    this.#latencies = [];
    this.samples.push({
      at: this.#seconds(),
      usedBytes: totalBytes - availableBytes,
      daemonBytes: await residentBytes(this.#pids.daemon),
      databaseBytes: await residentBytes(this.#pids.database),
      instances: byState('subako_instances'),
      memoryBytes: byState('subako_instance_memory_bytes'),
      ...(latencies.length === 0 ? {} : { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }),
    });
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}

function gauge(metrics: string, name: string, state: string): number {
  return Number(new RegExp(`^${name}\\{state="${state}"\\} (\\S+)$`, 'mu').exec(metrics)?.[1] ?? 0);
}
