/** Questions that the database answers to root alone. Never of what a tenant made: a view or a function of theirs would run with root's rights. */
import mysql from 'mysql2/promise';
import { SubakoError } from '../domain/errors.ts';

const CONNECT_TIMEOUT_MS = 5_000;

export interface RootAccess {
  readonly socket: string;
  readonly rootPassword: string;
}

/** One connection for the work, closed after it. @throws SubakoError `database_failed` */
export async function asRoot<T>({ socket, rootPassword }: RootAccess, work: (root: mysql.Connection) => Promise<T>): Promise<T> {
  return asUser({ socket, user: 'root', password: rootPassword }, work);
}

export interface UserAccess {
  readonly socket: string;
  readonly user: string;
  readonly password: string;
  readonly database?: string;
}

/** The same as somebody else. */
export async function asUser<T>({ socket, ...account }: UserAccess, work: (connection: mysql.Connection) => Promise<T>): Promise<T> {
  try {
    const connection = await mysql.createConnection({ socketPath: socket, ...account, connectTimeout: CONNECT_TIMEOUT_MS });
    try {
      return await work(connection);
    } finally {
      connection.destroy();
    }
  } catch (error) {
    if (error instanceof SubakoError) throw error;
    throw new SubakoError('database_failed', `the database refused: ${error instanceof Error ? error.message : String(error)}`, {
      hint: 'subako status shows whether the database runs',
      cause: error,
    });
  }
}
