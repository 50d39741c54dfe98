/** Starts a prepared container: watched by a monitor, or by whoever asked for it, with streams of his own. Nothing is left of it when that fails. */
import { writeFile } from 'node:fs/promises';
import type { Container } from '../domain/container.ts';
import { asSubakoError } from '../domain/errors.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { poll } from '../lib/deadline.ts';
import { failpoint } from '../lib/failpoint.ts';
import { clear } from './clear.ts';
import { containerPaths } from './deps.ts';
import type { ContainersDeps } from './deps.ts';
import { OpenGate } from './gate.ts';
import { openWishOf } from './network-wish.ts';
import { prepare } from './prepare.ts';

/** It goes on when we die. */
export async function startDetached(container: Container, deps: ContainersDeps, progress: (text: string) => void): Promise<ProcessIdentity> {
  const { id, spec } = container;
  const monitors = await deps.monitors.ready(progress);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => clear(id, deps));
  await prepare(container, deps);
  await failpoint('container.prepared');
  const { terminal, interactive } = spec;
  const logPath = containerPaths(deps.dirs, id).log;
  const process = await monitors.create(id, { creation: deps.runtime.creation(id), logPath, terminal, interactive });
  await joinNetwork(container, process, deps);
  if (!terminal && !interactive) await deps.remounter.hangUp(monitors.inputOf(deps.runtime.creation(id)));
  await failpoint('container.created');
  await deps.runtime.start(id);
  undo.move();
  return process;
}

export interface Foreground {
  /** What whoever asked is to run. */
  readonly argv: readonly string[];
  /** Where it is written why it did not begin. */
  readonly said: string;
  /** Named pipes that it may have for streams; an empty file for input where nobody gives it any. */
  readonly pipes: { readonly stdin: string; readonly stdout: string; readonly stderr: string };
  /** Its first process, when it has all it needs; rejected when it never comes so far, or `signal` was aborted. */
  readonly began: Promise<ProcessIdentity>;
}

const LOOK = { everyMs: 2, timeoutMs: 60_000 } as const;

export async function startHere(container: Container, deps: ContainersDeps, signal: AbortSignal): Promise<Foreground> {
  const { id, spec } = container;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => clear(id, deps));
  const { told, waits, stdin, stdout, stderr } = containerPaths(deps.dirs, id);
  const isGated = spec.network !== 'none';
  await prepare(container, deps, isGated ? { told, waits } : undefined);
  const here = { ...deps.runtime.runHere(id), pipes: { stdin, stdout, stderr } };
  await deps.remounter.pipes([stdout, stderr, ...(isGated ? [told, waits] : [])]);
  await writeFile(stdin, '');
  await failpoint('container.prepared');
  if (!isGated) {
    undo.move();
    return { ...here, began: untilStarted(id, deps, signal) };
  }
  const gate = await OpenGate.open({ told, waits });
  undo.move();
  return { ...here, began: letIn(gate, signal, (process) => joinNetwork(container, process, deps)) };
}

/** What its record says then. */
export function whyNotStarted(error: unknown): Pick<Container, 'problem' | 'exitCode'> {
  const { message, facts } = asSubakoError(error);
  return { problem: message, ...(typeof facts['exitCode'] === 'number' ? { exitCode: facts['exitCode'] } : {}) };
}

async function letIn(gate: OpenGate, signal: AbortSignal, equip: (process: ProcessIdentity) => Promise<void>): Promise<ProcessIdentity> {
  try {
    const process = await gate.arrival(signal);
    await equip(process);
    await gate.letThrough();
    // Whoever waits at the gate reads it a moment later.
    signal.addEventListener('abort', () => void gate[Symbol.asyncDispose](), { once: true });
    return process;
  } catch (error) {
    await gate[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilStarted(id: string, { runtime }: ContainersDeps, signal: AbortSignal): Promise<ProcessIdentity> {
  const process = await poll(async () => (signal.aborted ? 'gone' : runtime.startedBy(id)), LOOK);
  if (process === undefined || process === 'gone') throw new Error('it did not start');
  return process;
}

async function joinNetwork(container: Container, { pid }: ProcessIdentity, { networks }: ContainersDeps): Promise<void> {
  const { id, spec } = container;
  if (spec.network === 'none') return;
  await networks.join(id, pid);
  const opens = openWishOf(container);
  if (opens !== undefined) await networks.open(id, opens);
}
