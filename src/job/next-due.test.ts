import { describe, expect, it } from 'vitest';
import type { Job, RunOutcome } from '../domain/job.ts';
import { afterRun } from './next-due.ts';

const JOB: Job = {
  id: 'j',
  siteId: 's',
  kind: 'once',
  command: ['true'],
  role: 'admin',
  everyMs: 0,
  retries: 0,
  deadlineMs: 0,
  createdAt: 0,
  dueAt: 0,
  failures: 0,
};
const after = (job: Partial<Job>, outcome: RunOutcome, ms = 100) => afterRun({ ...JOB, ...job }, { startedAt: 1_000, endedAt: 1_000 + ms, outcome });

describe('a job', () => {
  it('that is run once is over when it succeeded, or when it failed without retries', () => {
    expect(after({}, 'done')).toEqual({ failures: 0, dueAt: null });
    for (const outcome of ['failed', 'late', 'lost'] as const) expect(after({}, outcome)).toEqual({ failures: 0, dueAt: null });
  });

  it('is tried again after a pause that doubles, as often as it may', () => {
    expect(after({ retries: 2 }, 'failed')).toEqual({ failures: 1, dueAt: 2_100 });
    expect(after({ retries: 2, failures: 1 }, 'late')).toEqual({ failures: 2, dueAt: 3_100 });
    expect(after({ retries: 2, failures: 2 }, 'failed')).toEqual({ failures: 0, dueAt: null });
    expect(after({ retries: 100, failures: 50 }, 'failed').dueAt).toBe(301_100);
  });

  it('by the clock is counted from the beginning of its run, and never overlaps', () => {
    expect(after({ kind: 'every', everyMs: 5_000 }, 'done')).toEqual({ failures: 0, dueAt: 6_000 });
    expect(after({ kind: 'every', everyMs: 5_000 }, 'done', 9_000).dueAt).toBe(10_000);
    expect(after({ kind: 'every', everyMs: 5_000 }, 'failed')).toEqual({ failures: 0, dueAt: 6_000 });
    expect(after({ kind: 'every', everyMs: 5_000, retries: 1 }, 'failed')).toEqual({ failures: 1, dueAt: 2_100 });
  });

  it('that is a worker is always started again, slower and slower where it does not live', () => {
    expect(after({ kind: 'always' }, 'done')).toEqual({ failures: 0, dueAt: 2_100 });
    expect(after({ kind: 'always', failures: 3 }, 'failed')).toEqual({ failures: 4, dueAt: 9_100 });
    expect(after({ kind: 'always', failures: 3 }, 'failed', 60_000)).toEqual({ failures: 0, dueAt: 62_000 });
  });
});
