/** Keeps CRIU started ahead of the next restore: starting the program takes 5 ms, for which a visitor would wait. */
import { chownSync, constants, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { handLog } from '../../lib/hand-log.ts';
import type { Criu, StartedCriu } from './criu.ts';
import type { HostFile } from './given-files.ts';

export interface AheadOptions {
  readonly criu: Criu;
  /** Directories for the files that each CRIU has open already. Such a file is renamed to become a container's, so it must be on the same file system. */
  readonly dirs: Readonly<Record<HostFile, string>>;
}

interface Waiting {
  readonly started: StartedCriu;
  readonly files: Readonly<Record<HostFile, string>>;
}

/** Two, for visitors who come at the same moment. Each takes 4 MiB, most of it shared. */
const COUNT = 2;
const LARGE_LOG_BYTES = 1024 ** 2;

export class Ahead implements AsyncDisposable {
  readonly criu: Criu;
  readonly #dirs: AheadOptions['dirs'];
  #waiting: Waiting[] = [];
  #filling: Promise<void> | undefined;
  #made = 0;
  #ended = false;

  constructor({ criu, dirs }: AheadOptions) {
    this.criu = criu;
    this.#dirs = dirs;
  }

  /** Removes what an earlier daemon left. */
  async prepare(): Promise<void> {
    for (const dir of Object.values(this.#dirs)) {
      await rm(dir, { recursive: true, force: true });
      await mkdir(dir, { recursive: true, mode: 0o700 });
    }
  }

  /**
   * Takes a CRIU that waits. Its open files become the container's, at these paths, so nobody else may be writing to that log.
   * Undefined when none waits, and when the log is so large that copying it would take longer than starting the program.
   */
  take(paths: Readonly<Record<HostFile, string>>, owner: { readonly uid: number; readonly gid: number }): StartedCriu | undefined {
    const next = sizeOf(paths.log) > LARGE_LOG_BYTES ? undefined : this.#waiting.shift();
    if (next === undefined) return undefined;
    const { started, files } = next;
    try {
      if (started.child.exitCode !== null || started.child.signalCode !== null) throw new Error('it ended');
      handLog(files.log, paths.log, owner);
      chownSync(files.stdin, owner.uid, owner.gid);
      renameSync(files.stdin, paths.stdin);
      return started;
    } catch {
      void this.criu.leave(started);
      for (const file of Object.values(files)) rmSync(file, { force: true });
      return this.take(paths, owner);
    }
  }

  /** Starts as many as are missing. Returns at once and does not throw: where none could be started, a restore starts its own. */
  fill(): void {
    this.#filling ??= this.#fill()
      .catch(() => undefined)
      .finally(() => (this.#filling = undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#filling;
    for (const { started } of this.#waiting.splice(0)) await this.criu.leave(started);
  }

  async #fill(): Promise<void> {
    while (this.#waiting.length < COUNT && !this.#ended) this.#waiting.push(await this.#begin());
  }

  async #begin(): Promise<Waiting> {
    this.#made += 1;
    const files = { log: join(this.#dirs.log, `log-${this.#made}`), stdin: join(this.#dirs.stdin, `stdin-${this.#made}`) };
    const { O_WRONLY, O_CREAT, O_APPEND, O_RDONLY } = constants;
    // With the modes that a booted container's files have: CRIU compares them.
    await using log = await open(files.log, O_WRONLY | O_CREAT | O_APPEND, 0o600);
    await using stdin = await open(files.stdin, O_RDONLY | O_CREAT, 0o600);
    return { started: await this.criu.begin({ log: log.fd, stdin: stdin.fd }), files };
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
