/** Which steps are held up by which hooks' vetoes, and until when. Pure but for the clock. */

interface Veto {
  /** Which hook, in words. */
  readonly hook: string;
  /** Milliseconds for which it may hold, at most. */
  readonly atMost: number;
}

interface Held {
  readonly since: number;
  readonly firstAt: number;
}

interface Answer {
  readonly since: number;
  readonly at: number;
  readonly reason: string;
}

/** A hook that said “not yet” is not asked again at once. */
export const ASK_AGAIN_MS = 10_000;

export class Vetoes {
  readonly #now: () => number;
  /** By place and hook. */
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #answers = new Map<string, Answer>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The reason of a veto that was given a moment ago for the same step; undefined where there was none.
   * @param place what would step down, and the step
   * @param since when the step became due. With a later time it is another step, and asked anew
   */
  recent(place: string, since: number): string | undefined {
    const answer = this.#answers.get(place);
    return answer !== undefined && answer.since === since && this.#now() - answer.at < ASK_AGAIN_MS ? answer.reason : undefined;
  }

  /** Notes a veto. `holds`: its time is not over; `isNew`: it is the first in a row. */
  veto(place: string, since: number, { hook, atMost }: Veto): { readonly holds: boolean; readonly isNew: boolean; readonly until: number } {
    const ofPlace = this.#held.get(place) ?? new Map<string, Held>();
    const before = ofPlace.get(hook);
    const isNew = before?.since !== since;
    const held = isNew ? { since, firstAt: this.#now() } : before;
    this.#held.set(place, ofPlace.set(hook, held));
    const until = held.firstAt + atMost;
    return { holds: this.#now() < until, isNew, until };
  }

  /** Has `recent` return this reason for a while. */
  remember(place: string, since: number, reason: string): void {
    this.#answers.set(place, { since, at: this.#now(), reason });
  }

  /** Forgets the hook's veto: it has no objection any more. */
  lift(place: string, hook: string): void {
    this.#held.get(place)?.delete(hook);
  }

  /** Places that are no more. @param isThere told a place */
  keepOnly(isThere: (place: string) => boolean): void {
    for (const map of [this.#held, this.#answers]) for (const place of map.keys()) if (!isThere(place)) map.delete(place);
  }
}
