/** One piece of work per key for all who want it at the same time. It goes on until it is done, or until the last of them has left. */
export interface Worker {
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly listeners: Set<Worker>;
  readonly leaving: AbortController;
  /** What was told last: who joins is told at once how far it is. */
  last: string;
}

export class SharedWork<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** The work's outcome, for all the same; who leaves is told that he left. */
  async run(key: string, who: Worker, work: (worker: Worker) => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.listeners.add(who);
    if (flight.last !== '') who.progress(flight.last);
    const leave = (): void => {
      flight.listeners.delete(who);
      if (flight.listeners.size > 0) return;
      flight.leaving.abort();
      // Who comes now begins anew: this one is ending.
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    who.signal.addEventListener('abort', leave, { once: true });
    if (who.signal.aborted) leave();
    try {
      return await flight.outcome;
    } finally {
      who.signal.removeEventListener('abort', leave);
    }
  }

  #begin(key: string, work: (worker: Worker) => Promise<T>): Flight<T> {
    const leaving = new AbortController();
    const listeners = new Set<Worker>();
    const tell = (text: string): void => {
      flight.last = text;
      for (const listener of listeners) listener.progress(text);
    };
    // In a later turn, when `flight` is there.
    const outcome = Promise.resolve()
      .then(() => work({ progress: tell, signal: leaving.signal }))
      .finally(() => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      });
    const flight: Flight<T> = { outcome, listeners, leaving, last: '' };
    this.#flights.set(key, flight);
    return flight;
  }
}
