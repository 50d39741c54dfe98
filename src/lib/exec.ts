/** The only place that starts processes: argv in, result out, never a shell. */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Bytes of output kept of a command; the rest is read and dropped, so a talkative child cannot fill our memory. */
const MAX_OUTPUT = 8 * 1024 * 1024;
const KILL_AFTER_MS = 2_000;

export interface ExecOptions {
  readonly cwd?: string;
  /** The child's whole environment; nothing is inherited unless it is given here. Default: PATH and LANG alone. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. A stream that breaks ends the child, and its error is the outcome: half an input never passes for a whole one. */
  readonly input?: string | Uint8Array | Readable;
  /** Standard output goes there as it comes and is not kept; it is not closed. When it is gone, the child is ended. */
  readonly output?: Writable;
  /** The child is ended after this many milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A file descriptor for standard input; by default it is /dev/null. */
  readonly inputFd?: number;
  /** File descriptors for output in place of pipes: the child then has no pipe that outlives the call. */
  readonly outputFd?: number;
  /** Called with each whole line of standard output and standard error, as they come. */
  readonly onLine?: (line: string) => void;
  /** Called with the child's pid before the child is given its input. When it throws, the child is killed, and that is the outcome. */
  readonly place?: (pid: number) => void;
  /** In a session of its own; where it is ended, what it started is ended with it. */
  readonly group?: boolean;
  /** As `group`, and what it left running in its session is ended when it ended, however it did. */
  readonly leavesNothing?: boolean;
}

export interface ExecResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** A command that ended badly, with everything known about it. */
export class ExecError extends Error {
  readonly argv: readonly string[];
  readonly result: ExecResult;

  constructor(argv: readonly string[], result: ExecResult) {
    const end = result.timedOut ? 'timed out' : result.signal === null ? `exited ${result.code}` : `died of ${result.signal}`;
    const said = lastLines(result.stderr === '' ? result.stdout : result.stderr);
    super(`${argv[0]} ${end}${said === '' ? '' : `: ${said}`}`);
    this.name = 'ExecError';
    this.argv = argv;
    this.result = result;
  }
}

/**
 * Runs a command to its end and gives its output.
 *
 * @throws ExecError when it does not exit 0, or its deadline passes
 */
export async function exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const result = await execAny(argv, options);
  if (result.code !== 0) throw new ExecError(argv, result);
  return result;
}

/** As `exec`, but any exit code is an answer. Rejects only when the program cannot be started. */
export function execAny(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const child = start(argv, {
    ...options,
    detached: isGroup(options),
    stdio: [options.inputFd ?? (options.input === undefined ? 'ignore' : 'pipe'), options.outputFd ?? 'pipe', options.outputFd ?? 'pipe'],
  });
  return finish(child, options);
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
  /** A session of its own, so that it outlives us and our terminal. */
  readonly detached?: boolean;
}

/** Starts a command and leaves its life to the caller. */
export function start(argv: readonly string[], options: StartOptions): ChildProcess {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError('empty argv');
  return spawn(file, args, {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...options.env },
    stdio: options.stdio,
    shell: false,
    detached: options.detached ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

function isGroup({ group = false, leavesNothing = false }: ExecOptions): boolean {
  return group || leavesNothing;
}

function finish(child: ChildProcess, options: ExecOptions): Promise<ExecResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
  const stdout = options.output === undefined ? collect(child.stdout, options.onLine) : handOn(child, options.output);
  const stderr = collect(child.stderr, options.onLine);
  let timedOut = false;
  const end = (): void => endChild(child, isGroup(options));
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', end, { once: true });
  if (options.signal?.aborted === true) end(); // before it began: no event comes any more
  child.on('error', reject);
  // It may hold our pipes, too: then they would not close before it ends by itself.
  if (options.leavesNothing === true) child.on('exit', () => kill(child, 'SIGKILL', true));
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
    resolve({ code, signal, stdout: stdout(), stderr: stderr(), timedOut });
  });
  try {
    if (child.pid !== undefined) options.place?.(child.pid);
  } catch (error) {
    child.kill('SIGKILL');
    reject(error instanceof Error ? error : new Error(String(error)));
  }
  if (child.stdin !== null) {
    child.stdin.on('error', () => undefined); // the child may close its input early; its exit code tells the story
    if (options.input instanceof Readable) {
      pipeline(options.input, child.stdin).catch((error: unknown) => {
        if (closedEarly(error)) return;
        reject(error instanceof Error ? error : new Error(String(error)));
        end();
      });
    } else child.stdin.end(options.input);
  }
  return promise;
}

/** The reader went away, which is no fault of what was to be read. */
function closedEarly(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['EPIPE', 'ECANCELED', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(String(error.code))
  );
}

function handOn(child: ChildProcess, output: Writable): () => string {
  child.stdout?.pipe(output, { end: false });
  output.on('close', () => {
    child.stdout?.resume();
    endChild(child);
  });
  return () => '';
}

function endChild(child: ChildProcess, group = false): void {
  kill(child, 'SIGTERM', group);
  setTimeout(() => {
    kill(child, 'SIGKILL', group);
    // Grandchildren may hold the pipes for ever; we do not wait for them.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, KILL_AFTER_MS).unref();
}

/** A group may outlive the child it is named after; one that is gone is as good. */
function kill(child: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  if (!group || child.pid === undefined) return void child.kill(signal);
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it ended meanwhile
  }
}

function collect(stream: NodeJS.ReadableStream | null, onLine?: (line: string) => void): () => string {
  if (stream === null) return () => '';
  let text = '';
  let pending = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < MAX_OUTPUT) text += chunk;
    if (onLine === undefined) return;
    const lines = (pending + chunk).split(/[\r\n]+/u);
    pending = (lines.pop() ?? '').slice(0, 4096);
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.on('end', () => {
    if (pending !== '') onLine?.(pending);
  });
  return () => text;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ').slice(-600);
}
