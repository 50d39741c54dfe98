/**
 * A database beside a site's own, into which a dump is loaded, and the exchange of the two: whole, in one statement, or not at all.
 *
 * A dump is a program that a stranger wrote. It runs as a user that exists for it alone, that has rights on the draft alone, and not all of those:
 * no views, triggers, routines or events, because these would be run later by somebody with more rights.
 */
import mysql from 'mysql2/promise';
import { SubakoError } from '../domain/errors.ts';
import { newSecret } from '../domain/ids.ts';
import { asRoot } from './root-access.ts';
import type { RootAccess } from './root-access.ts';
import { databaseNames, grantPattern } from './tenants.ts';
import type { DatabaseLogin } from './tenants.ts';

const RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES, CREATE TEMPORARY TABLES';
const MAX_STATEMENT_SECONDS = 3_600;
/** Engines that keep rows of their own and nothing else. */
const ENGINES = new Set(['InnoDB', 'MyISAM', 'Aria', 'MEMORY']);

interface Found {
  readonly name: string;
  readonly type: string;
  readonly engine: string | null;
}

export class Drafts {
  readonly #access: RootAccess;

  constructor(access: RootAccess) {
    this.#access = access;
  }

  /** An empty draft and the user for it. What an earlier one left is dropped. */
  async create(siteId: string): Promise<DatabaseLogin> {
    await this.drop(siteId);
    const { draft, past } = namesOf(siteId);
    const access = { database: draft, user: draft, password: newSecret() };
    const account = `${mysql.escape(draft)}@'localhost'`;
    await asRoot(this.#access, async (root) => {
      for (const name of [draft, past]) await root.query(`CREATE DATABASE ${mysql.escapeId(name)} CHARACTER SET utf8mb4`);
      await root.query(
        `CREATE USER ${account} IDENTIFIED BY ${mysql.escape(access.password)} WITH MAX_USER_CONNECTIONS 4 MAX_STATEMENT_TIME ${MAX_STATEMENT_SECONDS}`,
      );
      await root.query(`GRANT ${RIGHTS} ON ${grantPattern(draft)}.* TO ${account}`);
    });
    return access;
  }

  /** Names of the draft's tables. @throws SubakoError `conflict` when there is something else, or none */
  async tables(siteId: string): Promise<string[]> {
    const found = await this.#found(namesOf(siteId).draft);
    const odd = found.find(({ type, engine }) => type !== 'BASE TABLE' || !ENGINES.has(engine ?? ''));
    if (odd !== undefined) throw new SubakoError('conflict', `the dump holds what is no ordinary table: ${odd.name} (${odd.engine ?? odd.type.toLowerCase()})`);
    if (found.length === 0) throw new SubakoError('conflict', 'the dump holds no tables', { hint: 'make it with mariadb-dump or mysqldump' });
    return found.map(({ name }) => name);
  }

  /**
   * The site's tables make room for the draft's, at one moment for everybody. Then the draft is gone.
   * @throws SubakoError `conflict` when the site has views or triggers, which cannot be moved; then nothing is changed
   */
  async exchange(siteId: string): Promise<void> {
    const { draft, past } = namesOf(siteId);
    const { database } = databaseNames(siteId);
    const tables = await this.tables(siteId);
    const before = await this.#found(database);
    const view = before.find(({ type }) => type !== 'BASE TABLE');
    if (view !== undefined) throw immovable(`${view.type.toLowerCase()} ${view.name}`);
    const trigger = await this.#triggerOf(database);
    if (trigger !== undefined) throw immovable(`trigger ${trigger}`);
    const moves = [...before.map(({ name }) => move(name, database, past)), ...tables.map((name) => move(name, draft, database))];
    await asRoot(this.#access, (root) => root.query(`RENAME TABLE ${moves.join(', ')}`));
    await this.drop(siteId);
  }

  /** Idempotent. */
  async drop(siteId: string): Promise<void> {
    const { draft, past } = namesOf(siteId);
    await asRoot(this.#access, async (root) => {
      await root.query(`DROP USER IF EXISTS ${mysql.escape(draft)}@'localhost'`);
      for (const name of [draft, past]) await root.query(`DROP DATABASE IF EXISTS ${mysql.escapeId(name)}`);
    });
  }

  /** At start: whatever a daemon that died was loading. */
  async dropAll(): Promise<number> {
    const [rows] = await asRoot(this.#access, (root) =>
      root.query<mysql.RowDataPacket[]>(
        "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name LIKE 'load\\_%' OR schema_name LIKE 'past\\_%'",
      ),
    );
    const ids = new Set(rows.map((row) => String(row['name']).slice('load_'.length)));
    for (const id of ids) await this.drop(id);
    return ids.size;
  }

  async #found(database: string): Promise<Found[]> {
    const [rows] = await asRoot(this.#access, (root) =>
      root.query<mysql.RowDataPacket[]>(
        'SELECT table_name AS name, table_type AS type, engine AS engine FROM information_schema.tables WHERE table_schema = ?',
        [database],
      ),
    );
    return rows as Found[];
  }

  async #triggerOf(database: string): Promise<string | undefined> {
    const [rows] = await asRoot(this.#access, (root) =>
      root.query<mysql.RowDataPacket[]>('SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = ? LIMIT 1', [database]),
    );
    return rows[0] === undefined ? undefined : String(rows[0]['name']);
  }
}

function namesOf(siteId: string): { draft: string; past: string } {
  return { draft: `load_${siteId}`, past: `past_${siteId}` };
}

function move(table: string, from: string, to: string): string {
  const name = (database: string): string => `${mysql.escapeId(database, true)}.${mysql.escapeId(table, true)}`;
  return `${name(from)} TO ${name(to)}`;
}

function immovable(what: string): SubakoError {
  return new SubakoError('conflict', `the site’s database has the ${what}, which cannot make room for the new tables`, {
    hint: 'drop it first; the plugin that made it makes it again',
  });
}
