/** A command in a site's container, run from here, so that terminals and signals are its own. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { constants } from 'node:os';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { codeOfStart } from '../domain/exit-code.ts';
import { SubakoError } from '../domain/errors.ts';
import { start } from '../lib/exec.ts';

const SIGNAL_EXIT_BASE = 128;

/** Runs what the session says, and ends the session: the site need not be kept awake any more. Returns the exit code. */
export async function runHere(session: IncomingMessage): Promise<number> {
  try {
    const { argv, said } = await lineOf(session);
    return await meantBy(await runArgv(argv), said);
  } finally {
    session.destroy();
  }
}

/** What the daemon says is to be run, for as long as the session lasts. */
export async function argvOf(session: IncomingMessage): Promise<readonly string[]> {
  return (await lineOf(session)).argv;
}

interface Line {
  readonly argv: readonly string[];
  readonly said: string;
}

async function lineOf(session: IncomingMessage): Promise<Line> {
  const [line] = (await once(createInterface({ input: session }), 'line')) as [string];
  return JSON.parse(line) as Line;
}

/** The exit code, or what it means that the command did not begin. @param said see `Held` */
export async function meantBy(exitCode: number, said: string): Promise<number> {
  if (exitCode === 0) return exitCode;
  return codeOfStart(await readFile(said, 'utf8').catch(() => '')) ?? exitCode;
}

const ignore = (): void => undefined;

/** Our terminal is the command's; signals from it reach the whole group by themselves. */
async function runArgv(argv: readonly string[]): Promise<number> {
  process.on('SIGINT', ignore);
  const child = start(argv, { stdio: 'inherit' });
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? SIGNAL_EXIT_BASE + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    throw new SubakoError('command_failed', `could not run ${argv[0]}`, { cause: error });
  } finally {
    process.off('SIGINT', ignore);
  }
}
