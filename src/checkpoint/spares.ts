/**
 * Spares: containers of the public role that are restored from a template before there is a visitor. They are warm, and belong to no site. A cold
 * site is handed one (see lifecycle/start-from-spare.ts); the next is made when nobody waits for a wake.
 */
import type { EventSink } from '../domain/events.ts';
import { spareSlotOf } from '../domain/spare-id.ts';
import { SPARE_SLOTS } from '../domain/uid-range.ts';
import { isAlive } from '../lib/proc.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Spare, SpareMaker } from './spare-maker.ts';
import type { Served, Templates } from './templates.ts';

export interface SparesDeps {
  readonly runtime: Pick<Runtime, 'usage'>;
  readonly templates: Pick<Templates, 'served' | 'use'>;
  readonly maker: Pick<SpareMaker, 'make' | 'remove' | 'clearFiles'>;
  readonly emit: EventSink;
  /** Milliseconds since some moment; not the time of day, which may be set. */
  readonly now: () => number;
  /** How many shall wait for each template of the public role; 0: no spares are made. */
  readonly count: number;
  /** Ids of all containers of which anything is left, dead or alive: their slots are taken. */
  readonly containers: () => Promise<readonly string[]>;
}

export interface Circumstances {
  /** The machine is short of memory. */
  readonly short: boolean;
  /** Whether nobody waits for a wake. Asked again before each spare is made. */
  readonly isQuiet: () => boolean;
}

interface Waiting extends Spare {
  /** `Served.id` of the template that it came from. */
  readonly template: string;
}

const RETRY_AFTER_MS = 60_000;
const TURN = 'turn';

export class Spares {
  readonly #deps: SparesDeps;
  readonly #turns = new SingleFlight<void>();
  #waiting: readonly Waiting[] = [];
  /** Spares that have an owner now, and whose empty directories are still there. */
  #handed: readonly Spare[] = [];
  #failedAt: number | undefined;
  #lastSlot = -1;
  #stopped = false;

  constructor(deps: SparesDeps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many should wait. */
  get wanted(): number {
    return this.#deps.count * this.#served().length;
  }

  /** Takes a spare for a site of this image. The caller hands it over or calls `remove`. Undefined when none waits. */
  take(imageDigest: string): Spare | undefined {
    const served = new Set(this.#served().map(({ id }) => id));
    const spare = this.#waiting.find((one) => one.context.image.digest === imageDigest && served.has(one.template) && isAlive(one.process));
    if (spare !== undefined) this.#waiting = this.#waiting.filter((one) => one !== spare);
    return spare;
  }

  /** For a spare that was taken and could not be handed over. */
  remove(spare: Spare): Promise<void> {
    return this.#deps.maker.remove(spare);
  }

  /** For a spare that has an owner now. Its empty directories are removed later, while nobody waits for a wake. */
  handedOver(spare: Spare): void {
    this.#handed = [...this.#handed, spare];
  }

  /** Removes spares that are dead or whose template was replaced, and all of them when memory is short. Makes those that are missing. Single-flight. */
  tend(circumstances: Circumstances): Promise<void> {
    return this.#turns.run(TURN, () => this.#tend(circumstances));
  }

  /** Removes all that wait, and makes no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#turns.settled();
    await this.#drop(() => 'the platform stops');
    await this.#clearHanded();
  }

  async #tend({ short, isQuiet }: Circumstances): Promise<void> {
    const served = this.#served();
    await this.#drop((spare) => {
      if (short) return 'memory pressure';
      if (!isAlive(spare.process)) return 'it ended by itself';
      return served.some(({ id }) => id === spare.template) ? undefined : 'its template serves no more';
    });
    if (isQuiet()) await this.#clearHanded();
    if (short) return;
    for (const template of served) await this.#fill(template, isQuiet);
  }

  /** Spares are of the public role alone: visitors wait for that. The admin role has a network and must be started for its site. */
  #served(): Served[] {
    return this.#deps.templates.served().filter(({ of }) => of.role === 'public');
  }

  async #fill(template: Served, isQuiet: () => boolean): Promise<void> {
    const { count, emit, now } = this.#deps;
    const mayTry = (): boolean => !this.#stopped && isQuiet() && (this.#failedAt === undefined || now() - this.#failedAt > RETRY_AFTER_MS);
    while (this.#waiting.filter((one) => one.template === template.id).length < count && mayTry()) {
      try {
        await this.#make(template);
        this.#failedAt = undefined;
      } catch (error) {
        this.#failedAt = now();
        emit({ type: 'spare.failed', cause: String(error), facts: { stack: template.of.stack.name } });
      }
    }
  }

  async #make({ of, id }: Served): Promise<void> {
    const { templates, maker, emit, runtime } = this.#deps;
    const began = performance.now();
    const slot = await this.#freeSlot();
    const from = await templates.use(of);
    if (from === undefined || slot === undefined) throw new Error(from === undefined ? 'its template is not in order' : 'every slot is taken');
    const spare = await maker.make(of, { from, slot });
    this.#waiting = [...this.#waiting, { ...spare, template: id }];
    const memoryBytes = (await runtime.usage(spare.id))?.memoryBytes ?? 0;
    emit({ type: 'spare.made', instance: spare.id, facts: { waiting: this.waiting, memoryBytes, ms: Math.round(performance.now() - began) } });
  }

  /** A slot of which no container has anything; the one that was used last comes last, because its container may have ended just now. */
  async #freeSlot(): Promise<number | undefined> {
    const taken = new Set((await this.#deps.containers()).map(spareSlotOf));
    for (let step = 1; step <= SPARE_SLOTS; step += 1) {
      const slot = (this.#lastSlot + step) % SPARE_SLOTS;
      if (taken.has(slot)) continue;
      this.#lastSlot = slot;
      return slot;
    }
    return undefined;
  }

  async #clearHanded(): Promise<void> {
    const handed = this.#handed;
    this.#handed = [];
    for (const { context } of handed) await this.#deps.maker.clearFiles(context);
  }

  async #drop(why: (spare: Waiting) => string | undefined): Promise<void> {
    const going = this.#waiting.filter((spare) => why(spare) !== undefined);
    this.#waiting = this.#waiting.filter((spare) => why(spare) === undefined);
    for (const spare of going) {
      this.#deps.emit({ type: 'spare.dropped', instance: spare.id, cause: why(spare) ?? '' });
      await this.#deps.maker.remove(spare);
    }
  }
}
