/** Drives the criu program: dumps the processes of a container to files, and restores them. */
import { once } from 'node:events';
import { chownSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { execAny, start } from '../../lib/exec.ts';
import { CRIU_ENVIRONMENT, dumpArgs, restoreArgs, restoreOrders } from './criu-args.ts';
import type { CriuPlace, DumpRequest, RestoreRequest } from './criu-args.ts';
import { openGate } from './gates.ts';
import type { GivenFile, HostFile } from './given-files.ts';
import type { Gates } from './gates.ts';
import { MEMORY_FILE } from './map-memory.ts';
import { usernsImage } from './userns-image.ts';

export interface CriuOptions {
  /** The criu program. */
  readonly program: string;
  /** Its working directory, with the file of `learnKernel`. */
  readonly dir: string;
  readonly gates: Gates;
  /** Path of a library that it is started with for a dump. */
  readonly preload: string;
  /** Environment of the scripts that it runs. */
  readonly env: Readonly<Record<string, string>>;
}

/** The program, waiting at a gate to be told what to restore. */
export interface StartedCriu {
  readonly child: ReturnType<typeof start>;
  readonly pid: number;
  readonly gate: string;
  readonly ended: Promise<number | null>;
}

/** A restore, with the files that CRIU was started with for it. */
export type RestoreOfFiles = Omit<RestoreRequest, 'files'> & { readonly files: readonly GivenFile[] };

/** What a view changes of a dump, so that another container comes out of it. */
export interface ImageEdits {
  readonly idMap: { readonly hostBase: number; readonly size: number };
  /** A name in the paths of its sockets, and a name of the same length that takes its place. Undefined: paths stay as they are. */
  readonly rename?: { readonly from: string; readonly to: string } | undefined;
}

const ROOT_GROUP = 0;
const DUMP_TIMEOUT_MS = 60_000;

export class Criu {
  readonly #options: CriuOptions;
  readonly #place: CriuPlace;

  constructor(options: CriuOptions) {
    this.#options = options;
    this.#place = { program: options.program, work: options.dir };
  }

  /** Writes the processes to `images` and ends them. @throws SubakoError `command_failed` with CRIU's words; then they may still run */
  async dump(request: DumpRequest): Promise<void> {
    const env = { ...CRIU_ENVIRONMENT, LD_PRELOAD: this.#options.preload };
    // One that is killed leaves a helper, which would sleep for good with the dump's files open.
    const result = await execAny(dumpArgs(this.#place, request), { env, timeoutMs: DUMP_TIMEOUT_MS, leavesNothing: true });
    if (result.code !== 0) throw criuFailed('dump', await lastError(join(request.images, 'dump.log')));
  }

  /** Starts criu ahead of a restore: it waits at its gate, with these files open, until `restore` or `leave`. @throws SubakoError `command_failed` */
  async begin({ log, stdin }: Readonly<Record<HostFile, number>>): Promise<StartedCriu> {
    const { gates, env } = this.#options;
    const gate = await gates.take();
    const child = start(restoreArgs(this.#place, gate), { env: { ...CRIU_ENVIRONMENT, ...env }, stdio: ['ignore', 'ignore', 'ignore', log, stdin] });
    const ended = endOf(child);
    if (child.pid !== undefined) return { child, pid: child.pid, gate, ended };
    gates.give(gate);
    throw new SubakoError('command_failed', 'criu could not be started');
  }

  /**
   * Brings the processes back. `place` is called with CRIU's pid before it does anything, and may still refuse by throwing.
   * Returns when they run. When it fails, CRIU has ended whatever it had made.
   *
   * @throws SubakoError `command_failed` with CRIU's words
   */
  async restore(
    criu: StartedCriu,
    { files, ...request }: RestoreOfFiles,
    { place, timeoutMs }: { readonly place: (pid: number) => void; readonly timeoutMs: number },
  ): Promise<number> {
    const timer = setTimeout(() => criu.child.kill('SIGKILL'), timeoutMs);
    try {
      const orders = restoreOrders(this.#place, { ...request, files: files.map(({ id, is }) => ({ id, fd: DESCRIPTORS[is] })) });
      place(criu.pid);
      await openGate(criu.gate, criu.ended, orders);
      const code = await criu.ended;
      if (code !== 0) throw criuFailed('restore', await lastError(request.log));
      return Number(readFileSync(request.pidFile, 'utf8'));
    } finally {
      clearTimeout(timer);
      await this.leave(criu);
    }
  }

  /** Ends a criu, whatever it does. To be called once for each that was begun and not used for a restore. */
  async leave({ child, ended, gate }: StartedCriu): Promise<void> {
    child.kill('SIGKILL');
    await ended;
    this.#options.gates.give(gate);
  }
}

/** As `begin` passes them. */
const DESCRIPTORS: Readonly<Record<HostFile, number>> = { log: 3, stdin: 4 };

/**
 * A directory that shows the files of a dump, with the edited ones in their place. The dump itself is not touched.
 * CRIU opens some files while it is still the host's root, without its powers, and others when it has become the container's id 0
 * (which no WordPress process ever is, and no container sees it): the directory belongs to both, and to nobody else.
 * `view` must be on the dump's file system.
 */
export function viewImages(dump: string, view: string, edits: ImageEdits): void {
  mkdirSync(view, { mode: 0o750 });
  chownSync(view, edits.idMap.hostBase, ROOT_GROUP);
  for (const name of readdirSync(dump)) {
    if (!name.endsWith('.img') && name !== MEMORY_FILE) continue;
    const path = join(dump, name);
    if (name.startsWith('userns-')) writeFileSync(join(view, name), usernsImage(edits.idMap.hostBase, edits.idMap.size));
    else if (name === 'files.img' && edits.rename !== undefined) writeFileSync(join(view, name), renamed(readFileSync(path), edits.rename));
    else linkSync(path, join(view, name));
  }
}

/** Both names have the same length, so every length in the file stays right. */
function renamed(bytes: Buffer, { from, to }: ImageEdits['rename'] & object): Buffer {
  if (from.length !== to.length) throw new RangeError(`“${to}” cannot take the place of “${from}”`);
  for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + to.length)) bytes.write(to, at, 'latin1');
  return bytes;
}

async function endOf(child: ReturnType<typeof start>): Promise<number | null> {
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  } catch {
    return null;
  }
}

/** What does not matter, such as limits it may not raise, and what says only that it failed. */
const GRUMBLE = /RLIMIT_NOFILE|tun: |FAILED|cgroupd: recv req/u;

/** Which process, and where in its source. */
function withoutPlace(line: string): string {
  return line.replace(/^.*?Error \([^)]*\): /u, '').trim();
}

async function lastError(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const errors = text.split('\n').filter((line) => line.includes('Error') && !GRUMBLE.test(line));
  return errors.length === 0 ? 'it was killed' : errors.slice(0, 3).map(withoutPlace).join('; ');
}

function criuFailed(what: string, said: string): SubakoError {
  return new SubakoError('command_failed', `criu could not ${what} the container: ${said}`, { facts: { said } });
}
