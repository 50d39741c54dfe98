/** Ends statements of sites that take too long. The server has a limit for them too, but to the server that is a default, which a site can lift. */
import type mysql from 'mysql2/promise';
import { asRoot } from './root-access.ts';
import type { RootAccess } from './root-access.ts';
import { OF_SITES } from './tenants.ts';

/** Longer than any that a site needs, and than the platform's own for it, such as the dump of a large table. */
const MAX_SECONDS = 900;
const LOOK_EVERY_MS = 10_000;

export class StatementWatch implements AsyncDisposable {
  readonly #access: RootAccess;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(access: RootAccess) {
    this.#access = access;
    this.#timer = setInterval(() => {
      // A database that does not answer is looked after elsewhere.
      this.#looking = endLongStatements(this.#access, MAX_SECONDS).catch(() => undefined);
    }, LOOK_EVERY_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }
}

/** Of sites alone. Their connections end too: one that did this once does it again. @returns how many */
export function endLongStatements(access: RootAccess, seconds: number): Promise<number> {
  return asRoot(access, async (root) => {
    const [rows] = await root.query<mysql.RowDataPacket[]>(
      "SELECT id FROM information_schema.processlist WHERE user LIKE ? ESCAPE '|' AND command NOT IN ('Sleep', 'Daemon') AND time_ms > ?",
      [OF_SITES, seconds * 1000],
    );
    // One may have ended meanwhile.
    for (const { id } of rows) await root.query(`KILL CONNECTION ${Number(id)}`).catch(() => undefined);
    return rows.length;
  });
}
