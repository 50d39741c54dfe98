/** A lock that one process holds and that the kernel releases when it dies, however it dies. */
import { DatabaseSync } from 'node:sqlite';

/** Undefined when another process holds it. Keep the result: the lock lasts until it is disposed. */
export function tryProcessLock(path: string): Disposable | undefined {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE;');
  } catch {
    db.close();
    return undefined;
  }
  return { [Symbol.dispose]: () => db.close() };
}
