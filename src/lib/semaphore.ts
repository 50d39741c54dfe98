/** At most N at a time; the rest wait in order, up to a bound. */
export class Semaphore {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #held = 0;

  constructor(limit: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#held >= this.#limit && this.#waiting.length >= this.#maxWaiting;
  }

  /** Runs the work once there is a place. @param work is given a function by which it can give up its place before it is done */
  async run<T>(work: (leave: () => void) => Promise<T>): Promise<T> {
    if (this.#held < this.#limit) this.#held += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isHeld = true;
    const leave = (): void => {
      if (isHeld) this.#handOver();
      isHeld = false;
    };
    try {
      return await work(leave);
    } finally {
      leave();
    }
  }

  #handOver(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held -= 1;
    else next();
  }
}
