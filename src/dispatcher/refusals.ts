/** Tells of visitors who were turned away from a site that exists. Of many for the same reason the first is told at once, the others once in a while. */
import type { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';

interface Kind {
  readonly site: string;
  readonly role: Role;
  last: SubakoError;
  /** Turned away since the last event. */
  more: number;
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
    if (known === undefined) return this.#tell(key, { site: domain, role, last: error, more: 0 });
    known.last = error;
    known.more += 1;
  }

  #tell(key: string, { site, role, last, more }: Kind): void {
    this.#emit({ type: 'visitor.refused', site, cause: last.message, facts: { role, code: last.code, more } });
    const since: Kind = { site, role, last, more: 0 };
    this.#kinds.set(key, since);
    setTimeout(() => {
      if (since.more === 0) this.#kinds.delete(key);
      else this.#tell(key, { ...since, more: since.more - 1 });
    }, TELL_EVERY_MS).unref();
  }
}
