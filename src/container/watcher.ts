/** Sees containers end, and whether they are well. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { runs } from './is-up.ts';
import type { Containers } from './containers.ts';
import type { ContainersDeps } from './deps.ts';
import type { HealthChecks } from './health-checks.ts';

/** The kernel tells of a monitor's file at once; this is for what it does not tell. */
const LOOK_EVERY_MS = 1_000;

export class ContainerWatcher implements Disposable {
  readonly #containers: Containers;
  readonly #health: HealthChecks;
  readonly #deps: ContainersDeps;
  readonly #watcher: FSWatcher;
  readonly #timer: NodeJS.Timeout;
  /** Dead at the last look, without a word from a monitor. */
  #silent: ReadonlySet<string> = new Set();

  constructor(containers: Containers, health: HealthChecks, deps: ContainersDeps) {
    this.#containers = containers;
    this.#health = health;
    this.#deps = deps;
    this.#watcher = watch(deps.dirs.exits, () => void this.#lookAtExits());
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), LOOK_EVERY_MS).unref(); // the next look tries again
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
    clearInterval(this.#timer);
  }

  async #lookAtExits(): Promise<void> {
    for (const id of await this.#deps.monitors.ended()) await this.#containers.noteExit(id).catch(() => undefined); // the next look tries again
  }

  async #look(): Promise<void> {
    await this.#lookAtExits();
    const running = (await this.#containers.list()).filter(({ state }) => state === 'running' || state === 'paused');
    const dead = running.filter((container) => !runs(container));
    for (const { id } of dead.filter((one) => this.#silent.has(one.id))) await this.#containers.noteDeath(id);
    this.#health.look(running);
    this.#silent = new Set(dead.map(({ id }) => id));
  }
}
