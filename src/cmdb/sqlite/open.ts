/** Opens the database file: checked, migrated, crash-safe. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SubakoError } from '../../domain/errors.ts';
import { MIGRATIONS } from './migrations.ts';

/** @throws SubakoError `state_damaged` when the file is not a sound database, or was written by a newer Subako */
export function openDatabase(path: string): DatabaseSync {
  const isNew = !existsSync(path);
  // For root alone, from its first moment; SQLite gives its other files the same mode.
  closeSync(openSync(path, 'a', 0o600));
  try {
    const db = new DatabaseSync(path);
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
    if (!isNew) checkIntegrity(db, path);
    migrate(db, path);
    return db;
  } catch (error) {
    if (error instanceof SubakoError) throw error;
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const rows = db.prepare('PRAGMA integrity_check(3)').all();
  const first = String(rows[0]?.['integrity_check']);
  if (first !== 'ok') throw damaged(path, first);
}

function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > MIGRATIONS.length) {
    throw new SubakoError('state_damaged', `${path} was written by a newer Subako (schema ${version})`, {
      hint: 'start the newer version, or give another --state directory',
    });
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function damaged(path: string, what: string, cause?: unknown): SubakoError {
  return new SubakoError('state_damaged', `the database ${path} is damaged: ${what}`, {
    hint: 'restore it from a backup, or move it aside to start empty (sites on disk are kept, but unknown)',
    cause,
  });
}
