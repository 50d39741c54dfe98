/**
 * Databases that new ones begin as: each holds what an installation left that was made for nobody, with nothing of a tenant in it.
 * A table of ours in it says that it is whole.
 */
import mysql from 'mysql2/promise';
import { asRoot } from './root-access.ts';
import type { RootAccess } from './root-access.ts';
import { newDatabaseAccess } from './tenants.ts';
import type { DatabaseAccess, DatabaseNames, Tenants } from './tenants.ts';

/** One statement in the new database, before anybody else can reach it. */
type Query = (sql: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;

const WHOLE = 'subako_whole';

export class Seeds {
  readonly #access: RootAccess;
  readonly #tenants: Tenants;

  constructor(access: RootAccess, tenants: Tenants) {
    this.#access = access;
    this.#tenants = tenants;
  }

  async isWhole(key: string): Promise<boolean> {
    return (await this.#tables(namesOf(key).database)).includes(WHOLE);
  }

  /** An empty one, with users to install into it. What an earlier one left is dropped. @param key of our own making: `[a-z0-9]` alone */
  async create(key: string, newPassword: () => string): Promise<DatabaseAccess> {
    await this.drop(key);
    const access = newDatabaseAccess(namesOf(key), newPassword);
    await this.#tenants.create(access);
    return access;
  }

  /** From here on it is whole, and nobody can write to it. */
  async finish(key: string): Promise<void> {
    const { database, users } = namesOf(key);
    await this.#tenants.dropUsers(users);
    await asRoot(this.#access, (root) => root.query(`CREATE TABLE ${mysql.escapeId(database)}.${WHOLE} (none INT)`));
  }

  /** Its tables into an empty database, and `change` to them: the rows all at once. @throws SubakoError `database_failed` */
  async copy(key: string, database: string, change: (own: Query) => Promise<void>): Promise<void> {
    const from = namesOf(key).database;
    const tables = (await this.#tables(from)).filter((table) => table !== WHOLE);
    const pairs = tables.map((table) => [database, from].map((name) => `${mysql.escapeId(name)}.${mysql.escapeId(table, true)}`));
    await asRoot(this.#access, async (root) => {
      for (const [to, model] of pairs) await root.query(`CREATE TABLE ${to} LIKE ${model}`);
      await root.query(`USE ${mysql.escapeId(database)}`);
      await root.beginTransaction();
      for (const [to, model] of pairs) await root.query(`INSERT INTO ${to} SELECT * FROM ${model}`);
      await change(async (sql, values) => {
        const [rows] = await root.query(sql, [...(values ?? [])]);
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      });
      await root.commit();
    });
  }

  /** Idempotent. */
  async drop(key: string): Promise<void> {
    await this.#tenants.drop(namesOf(key));
  }

  /** Keys of all there are, whole or not. */
  async keys(): Promise<string[]> {
    const [rows] = await asRoot(this.#access, (root) => root.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE 'seed\\_%'"));
    return rows.map((row) => String(Object.values(row)[0]).slice(namesOf('').database.length));
  }

  async #tables(database: string): Promise<string[]> {
    const [rows] = await asRoot(this.#access, (root) =>
      root.query<mysql.RowDataPacket[]>('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?', [database]),
    );
    return rows.map((row) => String(row['name']));
  }
}

function namesOf(key: string): DatabaseNames {
  return { database: `seed_${key}`, users: { admin: `seed_${key}`, reader: `seed_${key}_reader` } };
}
