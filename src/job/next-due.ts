/** When a job is to be run next. Pure but for the time zone of this machine. */
import type { Job, RunOutcome } from '../domain/job.ts';

const SECOND_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** A worker that ran for so long was well. */
const HEALTHY_AFTER_MS = 60_000;

export interface EndedRun {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: RunOutcome;
}

/** Unix time in milliseconds, of now and of the answer. */
export function firstDue({ kind, everyMs, dailyAt }: Pick<Job, 'kind' | 'everyMs' | 'dailyAt'>, now: number): number {
  if (kind !== 'every') return now;
  return dailyAt === undefined ? now + everyMs : nextAt(dailyAt, now);
}

/** What becomes of a job when a run of it has ended. Times are Unix time in milliseconds. */
export function afterRun(job: Job, { startedAt, endedAt, outcome }: EndedRun): Pick<Job, 'dueAt' | 'failures'> {
  const failures = outcome === 'done' || (job.kind === 'always' && endedAt - startedAt >= HEALTHY_AFTER_MS) ? 0 : job.failures + 1;
  // A worker that ends well is started again, too, but not as quickly as it can end.
  if (job.kind === 'always') return { failures, dueAt: endedAt + pauseMs(Math.max(1, failures)) };
  if (failures > 0 && failures <= job.retries) return { failures, dueAt: endedAt + pauseMs(failures) };
  if (job.kind === 'once') return { failures: 0, dueAt: null };
  return { failures: 0, dueAt: job.dailyAt === undefined ? Math.max(startedAt + job.everyMs, endedAt) : nextAt(job.dailyAt, endedAt) };
}

/**
 * When the clock shows that time next. Where it is put forward over it, as much later by the clock; where it is put back, the first of both.
 * @param after Unix time in milliseconds, as the answer, which is later
 */
function nextAt(time: string, after: number): number {
  const [hour, minute] = time.split(':').map(Number);
  const day = new Date(after);
  const on = (days: number): number => new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour, minute).getTime();
  const today = on(0);
  return today > after ? today : on(1);
}

/** Twice as long after each failure: 1 s, 2 s, 4 s … 5 min. */
function pauseMs(failures: number): number {
  return Math.min(SECOND_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}
