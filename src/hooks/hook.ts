/** Life-cycle hooks: the operator's own functions and commands, run when something happens to a site or to the platform. docs/hooks.md tells all of it. */
import type { Role } from '../domain/role.ts';
import type { State } from '../domain/state.ts';

/** Steps down the ladder. A hook before one may veto it, where the platform can wait. */
export type Step = 'freeze' | 'checkpoint' | 'stop';

/** Points at which hooks run without being waited for, also those named `before-…`. (Steps down and boots are points of their own: they can wait.) */
export const FOLLOWED = [
  'after-boot',
  'before-restore',
  'after-restore',
  'ready',
  'after-freeze',
  'before-thaw',
  'after-thaw',
  'after-checkpoint',
  'after-stop',
  'died',
  'oom',
  'memory-pressure',
] as const;

export const SIGNALS = ['SIGHUP', 'SIGUSR2'] as const;
export type HookSignal = (typeof SIGNALS)[number];

export type HookPoint = (typeof FOLLOWED)[number] | `before-${Step}` | 'before-boot' | 'timer' | 'signal' | 'event';

/** What a hook is told: a plain object. */
export interface HookEvent {
  readonly hook: HookPoint;
  /** Unix time in milliseconds. */
  readonly at: number;
  /** Domain of the site; unset where it is about the platform. */
  readonly site?: string;
  readonly role?: Role;
  readonly instance?: string;
  /** State of the role when the hook was called. */
  readonly state?: State;
  /** Why: `request`, `idle`, `lifetime`, `memory pressure`, `command` … May hold a tenant's words. */
  readonly cause?: string;
  /** Whether a veto would be heard. */
  readonly mayVeto?: boolean;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Nothing, or why the step should not be taken yet. */
// eslint-disable-next-line typescript/no-invalid-void-type -- a function that returns nothing is the usual hook
export type HookAnswer = { readonly veto: string } | undefined | void;

/** @param context `signal` is aborted at the deadline; nobody waits for the function from then on */
export type HookFunction = (event: HookEvent, context: { readonly signal: AbortSignal }) => HookAnswer | Promise<HookAnswer>;

export interface Hook {
  /** Its place in the definition file. */
  readonly index: number;
  readonly on: HookPoint;
  /** Domains, or `*.example.org`, or `*`. Undefined: of every site, and of the platform. */
  readonly sites: readonly string[] | undefined;
  /** Undefined: either. */
  readonly role: Role | undefined;
  /** A function, or a command line; never a shell. */
  readonly run: HookFunction | readonly string[];
  /** Milliseconds; then it is cut. */
  readonly deadline: number;
  /** Milliseconds for which its veto holds, at most. */
  readonly vetoAtMost: number;
  /** Of `before-boot`: whether the start, and so a visitor, waits for it. */
  readonly wait: boolean;
  /** Of timers, in milliseconds. */
  readonly every: number | undefined;
  readonly after: number | undefined;
  readonly signal: HookSignal | undefined;
  /** Types of the events that an `event` hook is told; `instance.*` is all that begin so. */
  readonly events: readonly string[] | undefined;
}

/** How it is called in events and messages. */
export function nameOf({ on, index }: Pick<Hook, 'on' | 'index'>): string {
  return `hooks[${index}] ${on}`;
}

/** Whether a hook is meant by what happened. */
export function isMeant(hook: Hook, { hook: on, site, role }: Pick<HookEvent, 'hook' | 'site' | 'role'>): boolean {
  if (hook.on !== on) return false;
  if (hook.role !== undefined && hook.role !== role) return false;
  return hook.sites === undefined || (site !== undefined && hook.sites.some((pattern) => matches(pattern, site)));
}

/** @param pattern a text; one that begins or ends with `*` means all that end or begin with the rest */
export function matches(pattern: string, text: string): boolean {
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
