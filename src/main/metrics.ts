/** Figures for Prometheus. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LifecycleMetrics } from '../lifecycle/lifecycle-metrics.ts';
import type { Transition } from '../lifecycle/transition.ts';

/** What is counted only when somebody looks. */
export interface Readings {
  readonly sitesByState: Readonly<Record<string, number>>;
  readonly instancesByState: Readonly<Record<string, number>>;
  readonly waitingRequests: number;
  readonly queuedStarts: number;
  readonly checkpointBytes: number;
  readonly templateBytes: number;
  readonly memoryBytesByState: Readonly<Record<string, number>>;
}

/** In seconds: a thaw takes less than a millisecond, a boot in a storm may take ten. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics implements LifecycleMetrics {
  readonly #registry = new Registry();
  readonly #read: () => Promise<Readings>;
  readonly #wakes = new Histogram({
    name: 'subako_wake_seconds',
    help: 'Time of a wake, by the state it came from and how its processes came to be',
    labelNames: ['from', 'origin'],
    buckets: BUCKETS,
    registers: [this.#registry],
  });
  readonly #failures = new Counter({
    name: 'subako_wake_failures_total',
    help: 'Wakes that failed, by error code',
    labelNames: ['code'],
    registers: [this.#registry],
  });
  readonly #events = new Counter({ name: 'subako_events_total', help: 'Events, by type', labelNames: ['type'], registers: [this.#registry] });
  readonly #reclaimed = new Counter({
    name: 'subako_reclaimed_bytes_total',
    help: 'Memory that sites gave back when they left memory',
    registers: [this.#registry],
  });
  readonly #sites = this.#gauge('subako_sites', 'Sites by state', 'state');
  readonly #instances = this.#gauge('subako_instances', 'Instances by state', 'state');
  readonly #memory = this.#gauge('subako_instance_memory_bytes', 'Memory of instances by state', 'state');
  readonly #queue = this.#gauge('subako_queue', 'What waits: requests for a wake, wakes for a place to start', 'what');
  readonly #kept = this.#gauge('subako_checkpoint_bytes', 'Bytes of checkpoints on disk', 'kind');

  constructor(read: () => Promise<Readings>) {
    this.#read = read;
  }

  woken({ from, origin, ms }: Transition): void {
    this.#wakes.observe({ from, origin: origin ?? 'thaw' }, ms / 1000);
  }

  wakeFailed(code: string): void {
    this.#failures.inc({ code });
  }

  event(type: string): void {
    this.#events.inc({ type });
  }

  reclaimed(bytes: number): void {
    this.#reclaimed.inc(bytes);
  }

  /** The text format of Prometheus. */
  async text(): Promise<string> {
    const now = await this.#read();
    set(this.#sites, 'state', now.sitesByState);
    set(this.#instances, 'state', now.instancesByState);
    set(this.#memory, 'state', now.memoryBytesByState);
    set(this.#queue, 'what', { requests: now.waitingRequests, starts: now.queuedStarts });
    set(this.#kept, 'kind', { own: now.checkpointBytes, template: now.templateBytes });
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, label: string): Gauge {
    return new Gauge({ name, help, labelNames: [label], registers: [this.#registry] });
  }
}

function set(gauge: Gauge, label: string, values: Readonly<Record<string, number>>): void {
  gauge.reset();
  for (const [name, value] of Object.entries(values)) gauge.set({ [label]: name }, value);
}
