/** Waiting with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/** The promise's outcome, or a DeadlineError after `ms`; the work itself goes on. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface PollOptions {
  readonly timeoutMs: number;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
}

/** Looks until the answer is neither undefined nor false, or the time is over (then undefined). */
export async function poll<T>(look: () => Promise<T | undefined | false> | T | undefined | false, options: PollOptions): Promise<T | undefined> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    // eslint-disable-next-line no-await-in-loop -- looking again and again is the point
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= end) return undefined;
    await sleep(options.everyMs);
  }
}
