/** When sites' timed work is due, as rows. What each does, says the port. */
import type { CronRecord } from '../cmdb.ts';
import { cronFromRow } from './rows.ts';
import type { Statements } from './statements.ts';

export class Crons {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  put({ siteId, dueAt, ranAt }: CronRecord): void {
    this.#sql.run('INSERT OR REPLACE INTO crons (site_id, due_at, ran_at) SELECT id, :dueAt, :ranAt FROM sites WHERE id = :siteId', { siteId, dueAt, ranAt });
  }

  get(siteId: string): CronRecord | undefined {
    const row = this.#sql.get('SELECT * FROM crons WHERE site_id = :siteId', { siteId });
    return row === undefined ? undefined : cronFromRow(row);
  }

  due(now: number, limit: number): CronRecord[] {
    return this.#sql.all('SELECT * FROM crons WHERE due_at <= :now ORDER BY due_at LIMIT :limit', { now, limit }).map(cronFromRow);
  }
}
