/** A container in the foreground: its terminal, its streams, its signals and its exit code are ours. */
import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SessionReply } from '../api/container-types.ts';
import { SubakoError } from '../domain/errors.ts';
import { exitOf } from './exit-of.ts';
import { KeptLog } from './kept-log.ts';
import { meantBy } from './run-here.ts';
import { start } from '../lib/exec.ts';

const STDIN = 0;

interface Wish {
  readonly tty?: boolean;
  readonly interactive?: boolean;
  /** Told of its id before anything runs. */
  readonly began?: (id: string) => void;
}

/** Returns the exit code. @param ended tells the daemon; the session is over then */
export async function runContainerHere(session: IncomingMessage, wish: Wish, ended: (id: string, exitCode: number) => Promise<unknown>): Promise<number> {
  const { id, argv, said, pipes, log: place } = JSON.parse(await firstLine(session)) as SessionReply;
  wish.began?.(id);
  using log = new KeptLog(place);
  const exitCode = await meantBy(await (wish.tty === true ? withTerminal(argv, log) : withPipes(argv, { ...wish, log }, pipes)), said);
  // The next daemon sees by itself that it has ended.
  await ended(id, exitCode).catch(() => undefined);
  session.destroy();
  return exitCode;
}

/** The session stays open. A daemon that dies later ends nothing here. */
async function firstLine(session: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  session.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (text.includes('\n')) resolve(text);
  });
  session.on('error', reject).on('end', () => reject(new SubakoError('internal', 'the daemon broke off', { hint: 'subako events may tell why' })));
  return promise;
}

/** The runtime passes everything on, the terminal's size and Ctrl-C included: they are the container's. */
async function withTerminal(argv: readonly string[], log: KeptLog): Promise<number> {
  const child = start(argv, { stdio: ['inherit', 'pipe', 'inherit'] });
  const copied = child.stdout === null ? undefined : passOn(child.stdout, process.stdout, (chunk) => log.take('stdout', chunk));
  const exitCode = await exitOf(child, () => undefined);
  await copied;
  return exitCode;
}

/**
 * Real pipes lie between: the runtime gives the container's streams to the container's user, and neither a file of ours nor our terminal is to be his;
 * and a socket, which is what Node would take for output, cannot be opened again by its name in /dev.
 */
async function withPipes(
  argv: readonly string[],
  { interactive, log }: Wish & { log: KeptLog },
  { stdin, stdout, stderr }: SessionReply['pipes'],
): Promise<number> {
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  const readers = [stdout, stderr].map((path) => new Socket({ fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false }));
  const input = interactive === true ? ('pipe' as const) : openSync(stdin, O_RDONLY);
  const outputs = [stdout, stderr].map((path) => openSync(path, O_WRONLY));
  // In a session of its own: a signal from our terminal reaches it once, from us.
  const child = start(argv, { stdio: [input, ...outputs], detached: true });
  for (const fd of [...outputs, input]) if (typeof fd === 'number') closeSync(fd);
  const copied = (['stdout', 'stderr'] as const).map((name, index) => passOn(readers[index] as Socket, process[name], (chunk) => log.take(name, chunk)));
  // By its descriptor: process.stdin was seen to lose what had come before the container was there.
  if (child.stdin !== null) void pipeline(createReadStream('', { fd: STDIN, autoClose: false }), child.stdin).catch(() => undefined); // it does not read to the end
  const exitCode = await exitOf(child, (signal) => child.kill(signal));
  await Promise.all(copied);
  return exitCode;
}

/** A reader that has seen enough (head, say) is no error. */
async function passOn(from: Readable, to: NodeJS.WriteStream, seen: (chunk: Buffer) => void): Promise<void> {
  from.on('data', seen);
  await pipeline(from, to, { end: false }).catch(() => from.resume());
}
