/** Tables of things that have a name, and nothing else that is asked for. */
import type { Statements } from './statements.ts';

type Table = 'certificates' | 'networks' | 'projects' | 'services' | 'volumes';

export class Records<T extends { readonly name: string }> {
  readonly #sql: Statements;
  readonly #table: Table;

  constructor(sql: Statements, table: Table) {
    this.#sql = sql;
    this.#table = table;
  }

  has(name: string): boolean {
    return this.#sql.get(`SELECT 1 FROM ${this.#table} WHERE name = :name`, { name }) !== undefined;
  }

  put(one: T): void {
    this.#sql.run(`INSERT OR REPLACE INTO ${this.#table} (name, record) VALUES (:name, :record)`, { name: one.name, record: JSON.stringify(one) });
  }

  /** Keeps one that is there: false then. */
  insert(one: T): boolean {
    if (this.has(one.name)) return false;
    this.#sql.run(`INSERT INTO ${this.#table} (name, record) VALUES (:name, :record)`, { name: one.name, record: JSON.stringify(one) });
    return true;
  }

  get(name: string): T | undefined {
    const row = this.#sql.get(`SELECT record FROM ${this.#table} WHERE name = :name`, { name });
    return row === undefined ? undefined : (JSON.parse(String(row['record'])) as T);
  }

  /** By name. */
  all(): T[] {
    return this.#sql.all(`SELECT record FROM ${this.#table} ORDER BY name`).map((row) => JSON.parse(String(row['record'])) as T);
  }

  delete(name: string): void {
    this.#sql.run(`DELETE FROM ${this.#table} WHERE name = :name`, { name });
  }
}
