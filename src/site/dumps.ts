/** The whole database of a site, out to a dump and in from one. */
import { readFile, stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import type { Readable, Writable } from 'node:stream';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { dumpSpec, loadSpec } from '../database/client-container.ts';
import type { ClientOptions } from '../database/client-container.ts';
import type { Drafts } from '../database/drafts.ts';
import { asUser } from '../database/root-access.ts';
import type { DatabaseAccess, DatabaseLogin } from '../database/tenants.ts';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import type { Site } from '../domain/site.ts';
import { guardDisk } from '../image/oci/disk-guard.ts';
import type { ExecResult } from '../lib/exec.ts';
import { failpoint } from '../lib/failpoint.ts';
import { printableLines } from '../lib/printable.ts';
import { formatSize } from '../lib/units.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { isInstalled } from '../stack/stack.ts';
import { OUR_PREFIX, prefixOf, renamesTo } from '../stack/wordpress/table-prefix.ts';
import { maybeCompressed, piped } from './archive.ts';
import { forgetMemory } from './forget-memory.ts';
import type { Memory } from './forget-memory.ts';
import { sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';
import { refuseOtherStacks, refuseWithoutDatabase } from './only-wordpress.ts';
import type { SiteContexts } from './site-context.ts';

export interface DumpsDeps extends Memory {
  readonly runtime: Pick<Runtime, 'prepare' | 'runToEnd'>;
  readonly drafts: Drafts;
  readonly contexts: Pick<SiteContexts, 'stackOf'>;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  /** Root file system with the clients. */
  readonly rootfs: string;
  /** Directory of the database's socket on the host. */
  readonly databaseSockets: string;
  readonly databaseSocket: string;
  readonly cgroupPathOf: (containerId: string) => string;
  /** Bytes that a dump may hold, unpacked. */
  readonly importSizeLimit: number;
}

export interface LoadRequest {
  /** Absolute path on this machine: a dump, plain or compressed by gzip. */
  readonly file: string;
  /** Of a WordPress's tables in it, where it holds several. */
  readonly prefix?: string | undefined;
}

export interface LoadedReply {
  readonly tables: number;
  /** What a WordPress's tables began with; else empty. */
  readonly prefix: string;
  /** The addresses that a WordPress was at, as its options say. */
  readonly urls: readonly string[];
}

export interface Working {
  readonly progress: (text: string) => void;
  /** A line of what a stranger's program says. */
  readonly said?: (line: string) => void;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 12 * 3_600_000;
const TELL_EVERY_MS = 1_000;

export class Dumps {
  readonly #deps: DumpsDeps;
  readonly #loading = new Set<string>();

  constructor(deps: DumpsDeps) {
    this.#deps = deps;
  }

  /** Every table as it is at one moment, while the site goes on. @throws SubakoError `command_failed` */
  async export(site: Site, output: Writable): Promise<void> {
    refuseWithoutDatabase(site, this.#deps.contexts.stackOf(site));
    const access = await this.#ownAccess(site);
    const tables = await asUser({ socket: this.#deps.databaseSocket, ...access }, async (own) => {
      const [rows] = await own.query<mysql.RowDataPacket[]>("SHOW FULL TABLES WHERE table_type = 'BASE TABLE'");
      return rows.map((row) => String(Object.values(row)[0]));
    });
    const id = `${site.id}-dump-${newId(6)}`;
    await this.#deps.runtime.prepare(id, dumpSpec(this.#client(site, id, access), tables));
    const result = await this.#deps.runtime.runToEnd(id, { output, timeoutMs: TIMEOUT_MS });
    if (result.code !== 0) throw refused('the database could not be written out', result);
  }

  /**
   * The tables of a dump in place of the site's own: all at one moment, or none. The site sleeps afterwards, so that nothing of the old is in memory.
   * @throws SubakoError `command_failed` with what the database said, `conflict` when it is no WordPress and is to be one; then nothing is changed
   */
  async import(site: Site, request: LoadRequest, { progress, signal }: Working): Promise<LoadedReply> {
    refuseWithoutDatabase(site, this.#deps.contexts.stackOf(site));
    const { drafts, emit } = this.#deps;
    if (request.prefix !== undefined) refuseOtherStacks(site);
    if (this.#loading.has(site.id)) throw new SubakoError('busy', `a dump is being loaded into ${site.domain}`, { hint: 'wait until it is done' });
    this.#loading.add(site.id);
    try {
      await using undo = new AsyncDisposableStack();
      undo.defer(() => drafts.drop(site.id));
      const access = await drafts.create(site.id);
      await failpoint('load.drafted');
      await guardDisk({ dir: this.#deps.dirs.state, mayGrow: Infinity, signal, hint: 'nothing was changed' }, (guarded) =>
        this.#fill(site, access, { file: request.file, progress, signal: guarded }),
      );
      await failpoint('load.filled');
      progress('looking at the tables');
      const loaded = await this.#settle(site, access, request.prefix);
      signal.throwIfAborted();
      await drafts.exchange(site.id);
      await failpoint('load.exchanged');
      emit({ type: 'site.changed', site: site.domain, cause: 'a dump was loaded', facts: { tables: loaded.tables } });
      await forgetMemory(this.#deps, site, 'a dump was loaded');
      return loaded;
    } finally {
      this.#loading.delete(site.id);
    }
  }

  async #fill(site: Site, access: DatabaseLogin, { file, progress, signal }: { file: string } & Working): Promise<void> {
    const id = `${site.id}-load-${newId(6)}`;
    const input = await statementsOf(file, { maxBytes: this.#deps.importSizeLimit, progress });
    await using end = new AsyncDisposableStack();
    end.defer(async () => void input.destroy());
    await this.#deps.runtime.prepare(id, loadSpec(this.#client(site, id, access)));
    const result = await this.#deps.runtime.runToEnd(id, { input, signal, timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
      if (error instanceof SubakoError) throw error;
      throw new SubakoError('command_failed', `${file} could not be read: ${String(error)}`, { hint: 'is the file whole?', cause: error });
    });
    signal.throwIfAborted();
    if (result.code !== 0) throw refused('the dump was refused', result);
  }

  /** A WordPress's tables get our prefix. What the dump made is touched with no more rights than the dump had. */
  async #settle(site: Site, access: DatabaseLogin, wanted: string | undefined): Promise<LoadedReply> {
    const tables = await this.#deps.drafts.tables(site.id);
    if (!isInstalled(this.#deps.contexts.stackOf(site))) return { tables: tables.length, prefix: '', urls: [] };
    const prefix = prefixOf(tables, wanted);
    const renames = renamesTo(tables, prefix);
    return asUser({ socket: this.#deps.databaseSocket, ...access }, async (own) => {
      if (renames.length > 0) {
        await own.query(`RENAME TABLE ${renames.map(([from, to]) => `${mysql.escapeId(from, true)} TO ${mysql.escapeId(to, true)}`).join(', ')}`);
        const [length, like] = [prefix.length + 1, `${prefix.replaceAll(/[|%_]/gu, (sign) => `|${sign}`)}%`];
        await own.query(`UPDATE ${OUR_PREFIX}options SET option_name = ? WHERE option_name = ?`, [`${OUR_PREFIX}user_roles`, `${prefix}user_roles`]);
        await own.query(`UPDATE ${OUR_PREFIX}usermeta SET meta_key = CONCAT(?, SUBSTRING(meta_key, ?)) WHERE meta_key LIKE ? ESCAPE '|'`, [
          OUR_PREFIX,
          length,
          like,
        ]);
      }
      const [rows] = await own.query<mysql.RowDataPacket[]>(
        `SELECT LEFT(option_value, 500) AS url FROM ${OUR_PREFIX}options WHERE option_name IN ('home', 'siteurl') LIMIT 2`,
      );
      return { tables: tables.length, prefix, urls: [...new Set(rows.map((row) => String(row['url'])))] };
    });
  }

  #client(site: Site, id: string, access: DatabaseLogin): ClientOptions {
    const { rootfs, databaseSockets, cgroupPathOf } = this.#deps;
    return { rootfs, sockets: databaseSockets, cgroupPath: cgroupPathOf(id), uidRange: site.uidRange, access };
  }

  async #ownAccess(site: Site): Promise<DatabaseLogin> {
    const text = await readFile(join(sitePaths(this.#deps.dirs, site.id).secrets, 'database.json'), 'utf8');
    const { database, admin } = JSON.parse(text) as DatabaseAccess;
    return { database, ...admin };
  }
}

/** The file as text, and how far it has been read. */
async function statementsOf(file: string, { maxBytes, progress }: { maxBytes: number; progress: (text: string) => void }): Promise<Readable> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new SubakoError('not_found', `${file} is no file`, { hint: 'give the path of a .sql or .sql.gz file' });
  return maybeCompressed(file, { maxBytes, through: (read) => piped(read, teller(found.size, progress)) });
}

function teller(size: number, progress: (text: string) => void): Transform {
  let read = 0;
  let toldAt = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      const now = performance.now();
      if (now - toldAt > TELL_EVERY_MS) {
        toldAt = now;
        progress(`loading the dump: ${formatSize(read)} of ${formatSize(size)}`);
      }
      done(null, chunk);
    },
  });
}

const BEYOND = /ERROR (?:1044|1045|1142|1143|1227|1370|1410|1419|1548|1698|4031)\b/u;

function refused(what: string, { code, stderr, timedOut }: ExecResult): SubakoError {
  const said = printableLines(stderr).trim().slice(-1_000);
  const hint = BEYOND.test(said)
    ? 'it wants more than tables of its own: another database, a user, a view, a trigger or a setting of the server; dump one database, without --databases, with --skip-triggers'
    : 'nothing was changed';
  return new SubakoError('command_failed', `${what}: ${timedOut ? 'it took too long' : (said.split('\n').at(-1) ?? `exit ${code}`)}`, {
    hint,
    facts: { output: said },
  });
}
