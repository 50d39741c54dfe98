/** Runs one hook to its end or its deadline. */
import { execAny } from '../lib/exec.ts';
import type { ExecResult } from '../lib/exec.ts';
import { DeadlineError, within } from '../lib/deadline.ts';
import { printable } from '../lib/printable.ts';
import type { Hook, HookEvent } from './hook.ts';

export type Outcome = { readonly kind: 'done' } | { readonly kind: 'veto'; readonly reason: string } | { readonly kind: 'failed'; readonly why: string };

/** Calls functions of the definition file. */
export interface HookFunctions {
  /** Rejects with what the function threw, or a DeadlineError at the deadline; a function that holds up its thread is ended then. */
  call(hook: Hook, event: HookEvent): Promise<unknown>;
}

export interface RunDeps {
  readonly functions: HookFunctions;
  /** What commands find in their environment, besides PATH and what they are told. */
  readonly env: Readonly<Record<string, string>>;
}

/** EX_TEMPFAIL of sysexits.h: “try again later”. */
const VETO_EXIT = 75;
const MAX_REASON = 200;
const NO_REASON = 'it gave no reason';

/** Never rejects. A hook that is still at it at its deadline is ended, and has failed. */
export async function runHook(hook: Hook, event: HookEvent, deps: RunDeps): Promise<Outcome> {
  try {
    return typeof hook.run === 'function' ? answerOf(await deps.functions.call(hook, event)) : outcomeOf(await runCommand(hook, hook.run, { event, ...deps }));
  } catch (error) {
    return { kind: 'failed', why: error instanceof DeadlineError ? tooLate(hook.deadline) : cut(error instanceof Error ? error.message : String(error)) };
  }
}

/** What a command's end means; the last line that it wrote to its standard output is the reason of a veto. */
export function outcomeOf({ code, signal, stdout, stderr, timedOut }: ExecResult): Outcome {
  if (timedOut) return { kind: 'failed', why: 'it took too long' };
  if (code === 0) return { kind: 'done' };
  if (code === VETO_EXIT) return { kind: 'veto', reason: cut(lastLine(stdout)) || NO_REASON };
  const said = cut(lastLine(stderr === '' ? stdout : stderr));
  return { kind: 'failed', why: `${signal === null ? `exit ${code}` : `died of ${signal}`}${said === '' ? '' : `: ${said}`}` };
}

export function tooLate(ms: number): string {
  return `it took longer than ${ms} ms`;
}

/** The event is its standard input. */
function runCommand(hook: Hook, argv: readonly string[], { event, env }: { event: HookEvent; env: RunDeps['env'] }): Promise<ExecResult> {
  const { hook: on, site = '', role = '', instance = '' } = event;
  const told = { SUBAKO_HOOK: on, SUBAKO_SITE: site, SUBAKO_ROLE: role, SUBAKO_INSTANCE: instance };
  const running = execAny(argv, { env: { ...env, ...told }, input: `${JSON.stringify(event)}\n`, timeoutMs: hook.deadline, group: true });
  return within(hook.deadline, 'the command', running);
}

function answerOf(answer: unknown): Outcome {
  if (typeof answer !== 'object' || answer === null || !('veto' in answer)) return { kind: 'done' };
  return { kind: 'veto', reason: cut(String(answer.veto)) || NO_REASON };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function cut(text: string): string {
  return printable(text).trim().slice(0, MAX_REASON);
}
