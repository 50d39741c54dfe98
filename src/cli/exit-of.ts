/** A program that runs in our place: signals of ours are passed on to it, and its exit code is ours. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { SubakoError } from '../domain/errors.ts';
import type { start } from '../lib/exec.ts';

const SIGNAL_EXIT_BASE = 128;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

export async function exitOf(child: ReturnType<typeof start>, onSignal: (signal: NodeJS.Signals) => unknown): Promise<number> {
  for (const signal of FORWARDED) process.on(signal, onSignal);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? SIGNAL_EXIT_BASE + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    throw new SubakoError('command_failed', 'the container could not be run from here', { cause: error });
  } finally {
    for (const signal of FORWARDED) process.off(signal, onSignal);
  }
}
