/**
 * Monitors of detached containers: a conmon for each. It is the parent of the container's first process, logs its output line by line, with stream
 * and time, and writes its exit code to a file. It goes on when the daemon dies.
 */
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { codeOfStart } from '../../domain/exit-code.ts';
import { SubakoError } from '../../domain/errors.ts';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { within } from '../../lib/deadline.ts';
import { start } from '../../lib/exec.ts';
import { startTimeOf } from '../../lib/proc.ts';
import type { Creation } from '../runtime.ts';

export interface MonitorOptions {
  /** Directory of files named like containers, each with an exit code: below the run directory. */
  readonly exits: string;
  /** Bound of a log. */
  readonly logBytes: number;
}

export interface MonitorWish {
  readonly creation: Creation;
  readonly logPath: string;
  readonly terminal: boolean;
  /** Standard input stays open, and nobody writes to it. */
  readonly interactive: boolean;
}

const CREATE_WITHIN_MS = 60_000;

export class Monitors {
  readonly #options: MonitorOptions;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /**
   * Creates the prepared container, which then waits for the runtime's `start`. `conmon` is the program.
   * @throws SubakoError `command_failed` with the runtime's words; then `remove` takes away what is left
   */
  async create(conmon: string, id: string, { creation, logPath, terminal, interactive }: MonitorWish): Promise<ProcessIdentity> {
    const { exits, logBytes } = this.#options;
    await mkdir(exits, { recursive: true, mode: 0o700 });
    const { bundle } = creation;
    const argv = [
      conmon,
      ...pairs({ 'api-version': '1', cid: id, cuuid: id, name: id, runtime: creation.program }),
      ...creation.options.flatMap((option) => ['--runtime-arg', option]),
      ...pairs({ bundle, 'container-pidfile': join(bundle, 'pid'), 'conmon-pidfile': join(bundle, 'monitor.pid') }),
      ...pairs({ 'log-path': `k8s-file:${logPath}`, 'log-size-max': String(logBytes), 'log-level': 'error' }),
      ...pairs({ 'exit-dir': exits, 'socket-dir-path': bundle }),
      '--full-attach',
      ...(terminal ? ['--terminal'] : []),
      // A pipe in any case: the runtime would give the machine's own /dev/null to the container's user.
      '--stdin',
      ...(interactive ? ['--leave-stdin-open'] : []),
    ];
    const child = start(argv, { cwd: bundle, env: { _OCI_SYNCPIPE: '3' }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    const answer = textOf(child.stdio[3] as Readable);
    const said = textOf(child.stderr as Readable);
    await once(child, 'exit').catch((error: unknown) => {
      throw new SubakoError('command_failed', 'the program that watches over containers does not start', { cause: error });
    });
    const { data: pid = -1, message } = JSON.parse((await within(CREATE_WITHIN_MS, `creating ${id}`, answer)) || '{}') as { data?: number; message?: string };
    const startTime = pid > 0 ? startTimeOf(pid) : undefined;
    if (startTime !== undefined) return { pid, startTime };
    const words = (message ?? (child.exitCode === 0 ? 'it ended at once' : await said)).trim();
    const exitCode = codeOfStart(words);
    throw new SubakoError(
      'command_failed',
      `the container could not be started: ${words.split('\n').at(-1) ?? ''}`,
      exitCode === undefined ? {} : { facts: { exitCode } },
    );
  }

  /** Whoever connects there and leaves ends the container's standard input, unless that is to stay open. */
  inputOf({ bundle }: Creation): string {
    return join(bundle, 'attach');
  }

  /** How it ended; undefined while that is not known. */
  async exitCode(id: string): Promise<number | undefined> {
    const text = await readFile(join(this.#options.exits, id), 'utf8').catch(() => '');
    return /^\d{1,3}\s*$/u.test(text) ? Number(text) : undefined;
  }

  /** Idempotent. */
  async forget(id: string): Promise<void> {
    await rm(join(this.#options.exits, id), { force: true });
  }

  /** Ids of containers that ended and are not forgotten yet. */
  ended(): Promise<string[]> {
    return readdir(this.#options.exits).catch(() => []);
  }
}

function pairs(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Until it is at its end, or a whole line is there: conmon leaves it open for as long as the container runs. */
async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text;
}
