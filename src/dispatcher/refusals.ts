/** Tells of visitors who were turned away from a site that exists. A storm of them is told once in a while, with how many there were. */
import type { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';

export interface RefusalsOptions {
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

interface Told {
  readonly at: number;
  /** Turned away for the same reason since then. */
  more: number;
}

const TELL_EVERY_MS = 10_000;
/** Of sites and reasons. Beyond it all are forgotten, and told again at once. */
const MAX_KINDS = 10_000;

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #told = new Map<string, Told>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** Emits `visitor.refused` for the first one with this reason, and at most every ten seconds after it; `facts.more` counts those in between. */
  note(site: Site, role: Role, { code, message }: SubakoError): void {
    const { emit, now } = this.#options;
    const key = `${site.id} ${role} ${code}`;
    const told = this.#told.get(key);
    if (told !== undefined && now() - told.at < TELL_EVERY_MS) {
      told.more += 1;
      return;
    }
    if (this.#told.size >= MAX_KINDS) this.#told.clear();
    this.#told.set(key, { at: now(), more: 0 });
    emit({ type: 'visitor.refused', site: site.domain, cause: message, facts: { role, code, more: told?.more ?? 0 } });
  }
}
