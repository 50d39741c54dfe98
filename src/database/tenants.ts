/** One database and two users per site on the platform's MariaDB: one may do everything with it, the other only read. */
import mysql from 'mysql2/promise';
import { asRoot } from './root-access.ts';
import type { RootAccess } from './root-access.ts';

export interface DatabaseAccess {
  readonly database: string;
  readonly admin: Account;
  readonly reader: Account;
}

interface Account {
  readonly user: string;
  readonly password: string;
}

/** One of them, for one who connects. */
export interface DatabaseLogin extends Account {
  readonly database: string;
}

/** The same, without what must be kept secret. */
export interface DatabaseNames {
  readonly database: string;
  readonly users: { readonly admin: string; readonly reader: string };
}

/** A site's queries end after this many seconds, so that one site cannot hold the server. */
const MAX_STATEMENT_SECONDS = 300;
const MAX_USER_CONNECTIONS = 40;

export class Tenants {
  readonly #access: RootAccess;

  constructor(access: RootAccess) {
    this.#access = access;
  }

  /** Does the server answer as root? */
  async isReady(): Promise<boolean> {
    return this.#asRoot((root) => root.query('SELECT 1')).then(
      () => true,
      () => false,
    );
  }

  /**
   * Makes the database and its users, with rights on that database alone. Idempotent: an existing user gets the new password.
   * @throws SubakoError `database_failed`
   */
  async create({ database, admin, reader }: DatabaseAccess): Promise<void> {
    await this.#asRoot(async (root) => {
      await root.query(`CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(database)} CHARACTER SET utf8mb4`);
      for (const [account, rights] of [
        [admin, 'ALL PRIVILEGES'],
        [reader, 'SELECT'],
      ] as const) {
        await root.query(
          `CREATE OR REPLACE USER ${quoted(account.user)} IDENTIFIED BY ${mysql.escape(account.password)} WITH MAX_USER_CONNECTIONS ${MAX_USER_CONNECTIONS} MAX_STATEMENT_TIME ${MAX_STATEMENT_SECONDS}`,
        );
        await root.query(`GRANT ${rights} ON ${grantPattern(database)}.* TO ${quoted(account.user)}`);
      }
    });
  }

  /** Drops the users, then the database. Idempotent. */
  async drop({ database, users }: DatabaseNames): Promise<void> {
    await this.dropUsers(users);
    await this.#asRoot((root) => root.query(`DROP DATABASE IF EXISTS ${mysql.escapeId(database)}`));
  }

  /** Idempotent. */
  async dropUsers(users: DatabaseNames['users']): Promise<void> {
    await this.#asRoot(async (root) => {
      for (const user of Object.values(users)) await root.query(`DROP USER IF EXISTS ${quoted(user)}`);
    });
  }

  #asRoot<T>(work: (root: mysql.Connection) => Promise<T>): Promise<T> {
    return asRoot(this.#access, work);
  }
}

/** The names of all users of sites, as a pattern with `|` before a sign that stands for itself. */
export const OF_SITES = 'site|_%';

/** The database and users of a site. The id is of our own making (`[a-z0-9]`), the names never come from a tenant. */
export function databaseNames(siteId: string): DatabaseNames {
  return { database: `site_${siteId}`, users: { admin: `site_${siteId}`, reader: `site_${siteId}_reader` } };
}

/** With a password for each. */
export function newDatabaseAccess({ database, users }: DatabaseNames, newPassword: () => string): DatabaseAccess {
  return { database, admin: { user: users.admin, password: newPassword() }, reader: { user: users.reader, password: newPassword() } };
}

function quoted(user: string): string {
  return `${mysql.escape(user)}@'localhost'`;
}

/** In a GRANT a database name is a LIKE pattern: an unescaped `site_1` would open `siteX1` too. */
export function grantPattern(database: string): string {
  return mysql.escapeId(
    database.replaceAll(/[\\_%]/gu, (sign) => `\\${sign}`),
    true,
  );
}
