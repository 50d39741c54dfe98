/** Statements of the database, each prepared once. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

type Params = Record<string, SQLInputValue>;

export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(sql: string, params: Params = {}): Record<string, unknown> | undefined {
    return this.#of(sql).get(params);
  }

  all(sql: string, params: Params = {}): Record<string, unknown>[] {
    return this.#of(sql).all(params);
  }

  run(sql: string, params: Params): { lastInsertRowid: number | bigint } {
    return this.#of(sql).run(params);
  }

  /** Before the database is closed. */
  clear(): void {
    this.#prepared.clear();
  }

  #of(sql: string): ReturnType<DatabaseSync['prepare']> {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}
