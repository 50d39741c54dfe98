/** A bound per hour that fills up again evenly: what was taken is given back over the hour. */
export class Allowance {
  readonly #perHour: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** @param now in milliseconds */
  constructor(perHour: number, now: () => number) {
    this.#perHour = perHour;
    this.#now = now;
    this.#left = perHour;
    this.#at = now();
  }

  /** Takes so much. False when that is not left; then nothing is taken. */
  take(count: number): boolean {
    const now = this.#now();
    // A clock that is set back gives nothing and takes nothing.
    this.#left = Math.min(this.#perHour, this.#left + (Math.max(0, now - this.#at) * this.#perHour) / HOUR_MS);
    this.#at = now;
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}

const HOUR_MS = 3_600_000;
