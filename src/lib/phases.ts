/** Named phases of one piece of work, in milliseconds. */
export class Phases {
  readonly #began = performance.now();
  readonly #ms: Record<string, number> = {};
  #last = this.#began;

  /** Ends the phase that began at the last mark (or at the start) and gives it this name. */
  mark(name: string): void {
    const now = performance.now();
    this.#ms[name] = round((this.#ms[name] ?? 0) + now - this.#last);
    this.#last = now;
  }

  get totalMs(): number {
    return round(performance.now() - this.#began);
  }

  toJSON(): Record<string, number> {
    return { ...this.#ms };
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
