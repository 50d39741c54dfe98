/** Jobs: commands that are run in a site's container, once, by the clock, or always. */
import type { Role } from './role.ts';

/**
 * `once`: until it succeeds or its retries are used up. `every`: again and again, counted from when a run began, or each day at one time.
 * `always`: a worker; it is started again whenever it ends, and its site stays awake.
 */
export type JobKind = 'once' | 'every' | 'always';

export interface Job {
  readonly id: string;
  readonly siteId: string;
  readonly kind: JobKind;
  readonly command: readonly string[];
  readonly role: Role;
  /** Milliseconds; 0 unless it is `every`. */
  readonly everyMs: number;
  /** Of `every`, in the place of `everyMs`: a time of each day such as `03:00`, by the clock of this machine. */
  readonly dailyAt?: string;
  /** How often a run that failed is tried again, at most. Of workers, nothing: they are always. */
  readonly retries: number;
  /** Milliseconds that a run may take; 0: any time. */
  readonly deadlineMs: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  /** Unix time in milliseconds; null: it is done. */
  readonly dueAt: number | null;
  /** Runs that failed since the last that did not. */
  readonly failures: number;
}

/** `lost`: the daemon ended, or the container was ended under it. */
export type RunOutcome = 'done' | 'failed' | 'late' | 'lost';

export interface JobRun {
  readonly id: string;
  readonly jobId: string;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** Unset while it runs. */
  readonly endedAt?: number;
  readonly outcome?: RunOutcome;
  /** Exit code, where it had one. */
  readonly code?: number;
  /** Why it did not run, where it could not. */
  readonly why?: string;
}

/** Older runs of a job are forgotten, with their output. */
export const MAX_RUNS = 20;
