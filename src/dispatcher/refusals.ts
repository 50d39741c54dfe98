/** Tells of visitors who were turned away from a site that exists. Of many for the same reason the first is told at once, the others once in a while. */
import type { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';

interface Kind {
  /** Turned away since the last event. */
  more: number;
  last: SubakoError;
}

const TELL_EVERY_MS = 10_000;

export class Refusals {
  readonly #emit: EventSink;
  /** By site, role and reason: those of which one was told lately. */
  readonly #kinds = new Map<string, Kind>();

  constructor(emit: EventSink) {
    this.#emit = emit;
  }

  /**
   * Emits `visitor.refused` for the first one, and for those within ten seconds after it another at the end of that time, and so on. `facts.more` says
   * for how many others an event stands.
   */
  note({ id, domain }: Pick<Site, 'id' | 'domain'>, role: Role, error: SubakoError): void {
    const key = `${id} ${role} ${error.code}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      known.more += 1;
      known.last = error;
      return;
    }
    this.#kinds.set(key, { more: 0, last: error });
    const tell = ({ code, message }: SubakoError, more: number): void => {
      this.#emit({ type: 'visitor.refused', site: domain, cause: message, facts: { role, code, more } });
      setTimeout(() => {
        const { more: since, last } = this.#kinds.get(key) as Kind;
        if (since === 0) return void this.#kinds.delete(key);
        this.#kinds.set(key, { more: 0, last });
        tell(last, since - 1);
      }, TELL_EVERY_MS).unref();
    };
    tell(error, 0);
  }
}
