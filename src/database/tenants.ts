/** One database and one user per site on the platform's MariaDB. */
import mysql from 'mysql2/promise';
import { SubakoError } from '../domain/errors.ts';

export interface DatabaseAccess {
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** A site's queries end after this many seconds, so that one site cannot hold the server. */
const MAX_STATEMENT_SECONDS = 300;
const MAX_USER_CONNECTIONS = 40;
const CONNECT_TIMEOUT_MS = 5_000;

export class Tenants {
  readonly #socket: string;
  readonly #password: string;

  constructor(access: { socket: string; rootPassword: string }) {
    this.#socket = access.socket;
    this.#password = access.rootPassword;
  }

  /** Does the server answer as root? */
  async isReady(): Promise<boolean> {
    return this.#asRoot((root) => root.query('SELECT 1')).then(
      () => true,
      () => false,
    );
  }

  /**
   * Makes the database and its user, with rights on that database alone. Idempotent: an existing user gets the new password.
   * @throws SubakoError `database_failed`
   */
  async create(access: DatabaseAccess): Promise<void> {
    const { database, user, password } = access;
    const account = `${mysql.escape(user)}@'localhost'`;
    await this.#asRoot(async (root) => {
      await root.query(`CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(database)} CHARACTER SET utf8mb4`);
      await root.query(
        `CREATE OR REPLACE USER ${account} IDENTIFIED BY ${mysql.escape(password)} WITH MAX_USER_CONNECTIONS ${MAX_USER_CONNECTIONS} MAX_STATEMENT_TIME ${MAX_STATEMENT_SECONDS}`,
      );
      await root.query(`GRANT ALL PRIVILEGES ON ${grantPattern(database)}.* TO ${account}`);
    });
  }

  /** Drops the user, then the database. Idempotent. */
  async drop(access: Pick<DatabaseAccess, 'database' | 'user'>): Promise<void> {
    await this.#asRoot(async (root) => {
      await root.query(`DROP USER IF EXISTS ${mysql.escape(access.user)}@'localhost'`);
      await root.query(`DROP DATABASE IF EXISTS ${mysql.escapeId(access.database)}`);
    });
  }

  /** Names of all databases of sites. */
  async databases(): Promise<string[]> {
    const [rows] = await this.#asRoot((root) => root.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE 'site\\_%'"));
    return rows.map((row) => String(Object.values(row)[0]));
  }

  async #asRoot<T>(work: (root: mysql.Connection) => Promise<T>): Promise<T> {
    try {
      const root = await mysql.createConnection({ socketPath: this.#socket, user: 'root', password: this.#password, connectTimeout: CONNECT_TIMEOUT_MS });
      try {
        return await work(root);
      } finally {
        root.destroy();
      }
    } catch (error) {
      throw new SubakoError('database_failed', `the database refused: ${error instanceof Error ? error.message : String(error)}`, {
        hint: 'subako status shows whether the database runs',
        cause: error,
      });
    }
  }
}

/** The database and user of a site. The id is of our own making (`[a-z0-9]`), the names never come from a tenant. */
export function databaseNames(siteId: string): Pick<DatabaseAccess, 'database' | 'user'> {
  return { database: `site_${siteId}`, user: `site_${siteId}` };
}

/** In a GRANT a database name is a LIKE pattern: an unescaped `site_1` would open `siteX1` too. */
export function grantPattern(database: string): string {
  return mysql.escapeId(
    database.replaceAll(/[\\_%]/gu, (sign) => `\\${sign}`),
    true,
  );
}
