/** A command in a site's container, run from here, so that terminals and signals are its own. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { SubakoError } from '../domain/errors.ts';
import { start } from '../lib/exec.ts';

const SIGNAL_EXIT_BASE = 128;

/** Runs what the session says, and ends the session: the site need not be kept awake any more. Returns the exit code. */
export async function runHere(session: IncomingMessage): Promise<number> {
  try {
    return await runArgv(await argvOf(session));
  } finally {
    session.destroy();
  }
}

/** What the daemon says is to be run, for as long as the session lasts. */
export async function argvOf(session: IncomingMessage): Promise<readonly string[]> {
  const [line] = (await once(createInterface({ input: session }), 'line')) as [string];
  return (JSON.parse(line) as { argv: string[] }).argv;
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
