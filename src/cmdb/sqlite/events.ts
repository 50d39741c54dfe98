/** Events, as rows. What each does, says the port. */
import type { NewEvent, SubakoEvent } from '../../domain/events.ts';
import { MAX_EVENTS } from '../cmdb.ts';
import type { EventQuery } from '../cmdb.ts';
import type { Statements } from './statements.ts';

/** How many come between two looks for those that are too many. */
const TRIMMED_EVERY = 100;

export class Events {
  readonly #sql: Statements;
  #appended = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  append(event: NewEvent, at: number): SubakoEvent {
    const { lastInsertRowid } = this.#sql.run('INSERT INTO events (at, site, event) VALUES (:at, :site, :event)', {
      at,
      site: event.site ?? null,
      event: JSON.stringify(event),
    });
    const seq = Number(lastInsertRowid);
    this.#appended += 1;
    if (this.#appended % TRIMMED_EVERY === 0) this.#sql.run('DELETE FROM events WHERE seq <= :last', { last: seq - MAX_EVENTS });
    return { ...event, seq, at };
  }

  /** The newest, oldest first. */
  newest(query: EventQuery): SubakoEvent[] {
    const rows = this.#sql.all(`SELECT * FROM events WHERE seq > :after AND (:site IS NULL OR site = :site) ORDER BY seq DESC LIMIT :limit`, {
      after: query.after ?? 0,
      site: query.site ?? null,
      limit: query.limit,
    });
    return rows.toReversed().map((row) => ({ ...(JSON.parse(String(row['event'])) as NewEvent), seq: Number(row['seq']), at: Number(row['at']) }));
  }
}
