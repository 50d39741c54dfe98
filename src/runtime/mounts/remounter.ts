/**
 * Changes mounts of containers, and looks safely into their root file systems. A long-lived program (remount.pl) does it, because Node cannot make
 * these system calls.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { start } from '../../lib/exec.ts';

export interface RemounterOptions {
  /** Command line of a perl; the script's path is put behind it. */
  readonly perl: readonly string[];
  /** For one job, in milliseconds. */
  readonly deadlineMs?: number;
}

export interface Remount {
  /** First process of the container. */
  readonly process: ProcessIdentity;
  /** The mounts that take the place of those it has there, in order: one that lies in another comes after it. */
  readonly mounts: readonly NewMount[];
  /** Ids on disk, and those that appear in their place in mounts that are mapped. */
  readonly ids: IdMap;
}

interface NewMount {
  /** A directory on the host; no component of the path may be under a tenant's control. */
  readonly source: string;
  readonly destination: string;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly mapped: boolean;
}

/** Ids on disk, and those that appear in their place. */
interface IdMap {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

export interface Overlay {
  /** An empty directory of ours. */
  readonly target: string;
  /** Directories, the topmost first; `ids` are those of their files, and only theirs. */
  readonly layers: readonly string[];
  readonly ids: IdMap;
  /** Where changes are kept: both on one file system. Undefined: read-only. */
  readonly changes: { readonly upper: string; readonly work: string } | undefined;
  /** Nobody waits for changes to be on disk, and after a crash they are worth nothing. */
  readonly volatile: boolean;
}

interface Job {
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const SCRIPT = fileURLToPath(new URL('remount.pl', import.meta.url));
/** A hand-over takes milliseconds. One that takes longer than this has failed, and the site wakes in another way. */
const DEADLINE_MS = 5_000;
/** The kernel's MOUNT_ATTR_*. */
const ATTR = { readOnly: 1, noSuid: 2, noDev: 4, noExec: 8 };

type Program = ReturnType<typeof start>;

/** The program is started by the first job, and again after it ended. */
export class Remounter implements AsyncDisposable {
  readonly #options: RemounterOptions;
  readonly #jobs = new Map<number, Job>();
  #program: Program | undefined;
  #count = 0;

  constructor(options: RemounterOptions) {
    this.#options = options;
  }

  /** Why directories like this one cannot be mounted with other ids on this machine; undefined where they can. */
  async whyNot(dir: string): Promise<string | undefined> {
    return this.#run('probe', [dir]).then(
      () => undefined,
      (error: Error) => error.message,
    );
  }

  /** @throws when it did not work, or not in time; then some of the mounts may be there, and the container is of no use */
  async remount({ process, mounts, ids }: Remount): Promise<void> {
    const fields = mounts.flatMap((mount) => [mount.source, mount.destination, attributes(mount), mount.mapped ? 1 : 0]);
    await this.#run('mount', [process.pid, process.startTime, ids.from, ids.to, ids.size, ...fields]);
  }

  /** Mounts layers on one another, without set-user-id programs and devices. @throws when this kernel does not; then nothing is mounted */
  async overlay({ target, layers, ids, changes, volatile }: Overlay): Promise<void> {
    const places = [changes?.upper ?? '', changes?.work ?? ''];
    await this.#run('overlay', [target, ids.from, ids.to, ids.size, ...places, volatile ? 'volatile' : '', ...layers]);
  }

  /** Mounts a directory below `root` at `target`, an empty directory of ours. @throws where a symbolic link lies on the way, whenever it came to lie there */
  async show({ target, root, path }: { readonly target: string; readonly root: string; readonly path: string }): Promise<void> {
    await this.#run('show', [target, root, path]);
  }

  /** Mounts an empty file system in memory at `target`, a directory of ours. */
  async memory({ target, bytes, owner }: { readonly target: string; readonly bytes: number; readonly owner: number }): Promise<void> {
    await this.#run('memory', [target, bytes, owner]);
  }

  /** Whether a directory, found as by `resolveIn`, is there and has nothing in it. Then it is held, under this name, until `isStillEmpty`. */
  async holdsEmpty(name: string, { root, path }: { readonly root: string; readonly path: string }): Promise<boolean> {
    return (await this.#run('hold', [name, root, path])) === 'yes';
  }

  /** Whether nothing came into a directory that was held, also when everyone who had it mounted is gone. It is let go. */
  async isStillEmpty(name: string): Promise<boolean> {
    return (await this.#run('let-go', [name])) === 'yes';
  }

  /** Everything that is mounted there, whoever uses it still. Idempotent. */
  async unmount(target: string): Promise<void> {
    await this.#run('unmount', [target]);
  }

  /** Where a path leads for somebody whose root is `root`, links followed as for him. Undefined where it leads nowhere. */
  async resolveIn(root: string, path: string): Promise<string | undefined> {
    const found = await this.#run('resolve', [root, path]);
    return found === '' ? undefined : found;
  }

  /** The beginning of a file, found as by `resolveIn`; empty where there is none. */
  readIn(root: string, path: string, limit: number): Promise<string> {
    return this.#run('read', [root, path, limit]);
  }

  /** Makes named pipes, root's alone, in the place of what was there. */
  async pipes(paths: readonly string[]): Promise<void> {
    await this.#run('pipes', paths);
  }

  /** Shuts the connections of these processes, all of one network namespace, to Unix sockets whose names begin so: as if the other end had gone. */
  async sever({ first, pids, below }: { readonly first: number; readonly pids: readonly number[]; readonly below: string }): Promise<void> {
    await this.#run('sever', [first, below, ...pids]);
  }

  /** Connects to a socket of whole messages, and leaves. */
  async hangUp(socket: string): Promise<void> {
    await this.#run('hangup', [socket]);
  }

  /** Ends the program; jobs that are under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    const ended = once(program, 'exit');
    program.ref(); // or this process, with nothing else to do, would be over before that
    program.kill('SIGKILL');
    await ended;
  }

  #run(what: string, fields: readonly (string | number)[]): Promise<string> {
    this.#count += 1;
    const number = this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS;
    const program = this.#started();
    // A program that hangs may hang for ever: the next job gets a new one, and an answer that comes later is ignored.
    const late = (): void => {
      this.#settle(number, new Error(`no answer within ${deadlineMs} ms`));
      program.kill('SIGKILL');
      this.#lose(program, 'the program that mounts hung');
    };
    this.#jobs.set(number, { resolve, reject, timer: setTimeout(late, deadlineMs) });
    const line = [number, what, ...fields.map((field) => encodeURIComponent(field))].join(' ');
    program.stdin?.write(`${line}\n`);
    return promise;
  }

  #started(): Program {
    if (this.#program !== undefined) return this.#program;
    const program = start([...this.#options.perl, SCRIPT], { stdio: ['pipe', 'pipe', 'ignore'], env: { SUBAKO_ARCH: process.arch } });
    this.#program = program;
    // It ends with us, and is no reason for us to stay.
    for (const one of [program, program.stdin as Socket, program.stdout as Socket]) one.unref();
    program.stdin?.on('error', () => undefined); // it ended, and that is told below
    if (program.stdout !== null) createInterface({ input: program.stdout }).on('line', (line) => this.#answer(line));
    program.on('error', (error) => this.#lose(program, String(error)));
    program.on('exit', (code, signal) => this.#lose(program, `the program that mounts ended (${code ?? signal})`));
    return program;
  }

  /** Its jobs have failed; the next one starts a new program. */
  #lose(program: Program, why: string): void {
    if (this.#program !== program) return;
    this.#program = undefined;
    for (const number of this.#jobs.keys()) this.#settle(number, new Error(why));
  }

  #answer(line: string): void {
    const [number, verdict, text = ''] = line.split(' ');
    this.#settle(Number(number), verdict === 'ok' ? decoded(text) : new Error(decoded(text)));
  }

  #settle(number: number, outcome: Error | string): void {
    const job = this.#jobs.get(number);
    if (job === undefined) return;
    this.#jobs.delete(number);
    clearTimeout(job.timer);
    if (outcome instanceof Error) job.reject(outcome);
    else job.resolve(outcome);
  }
}

/** Bytes of any kind, not only what `decodeURIComponent` takes. */
function decoded(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-F]{2})/gu, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function attributes({ writable, executable }: NewMount): number {
  return (writable ? 0 : ATTR.readOnly) | ATTR.noSuid | ATTR.noDev | (executable ? 0 : ATTR.noExec);
}
