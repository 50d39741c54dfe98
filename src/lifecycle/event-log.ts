/** Events: kept in the CMDB, written to the log, told to whoever follows. */
import type { Logger } from 'pino';
import type { Cmdb, EventQuery } from '../cmdb/cmdb.ts';
import type { EventSink, NewEvent, SubakoEvent } from '../domain/events.ts';

export class EventLog {
  readonly #cmdb: Cmdb;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #followers = new Set<(event: SubakoEvent) => void>();
  #writing: Promise<void> = Promise.resolve();
  /** Events that could not be stored or logged. */
  lost = 0;

  constructor(deps: { cmdb: Cmdb; log: Logger; now: () => number }) {
    this.#cmdb = deps.cmdb;
    this.#log = deps.log;
    this.#now = deps.now;
  }

  /** Returns at once; the event is stored a moment later, in order. */
  readonly emit: EventSink = (event) => {
    const at = this.#now();
    this.#writing = this.#writing.then(() => this.#store(event, at));
  };

  events(query: EventQuery): Promise<SubakoEvent[]> {
    return this.#writing.then(() => this.#cmdb.events(query));
  }

  /** Calls `follower` for every event from now on; returns a function that stops it. */
  follow(follower: (event: SubakoEvent) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Resolves when all events emitted so far are stored. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async #store(event: NewEvent, at: number): Promise<void> {
    const { type, ...rest } = event;
    // Neither a full disk nor a follower that is gone may stop the daemon.
    try {
      this.#log.info(rest, type);
      const stored = await this.#cmdb.appendEvent(event, at);
      for (const follower of this.#followers) follower(stored);
    } catch {
      this.lost += 1;
    }
  }
}
