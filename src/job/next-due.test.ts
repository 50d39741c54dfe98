import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Job, RunOutcome } from '../domain/job.ts';
import { afterRun, firstDue } from './next-due.ts';

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

describe('a job at a time of each day', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** When it is due after that, as often as it is run. */
  function runsOf(dailyAt: string, zone: string, { after: at, count }: { after: string; count: number }): string[] {
    vi.stubEnv('TZ', zone);
    const job = { ...JOB, kind: 'every' as const, dailyAt };
    const dues = [firstDue(job, Date.parse(at))];
    while (dues.length < count) {
      const startedAt = dues.at(-1) ?? 0;
      dues.push(afterRun(job, { startedAt, endedAt: startedAt + 100, outcome: 'done' }).dueAt ?? 0);
    }
    return dues.map((due) => new Date(due).toISOString().slice(0, 16));
  }

  it('is run at that time by the clock of this machine, first when it comes next', () => {
    expect(runsOf('03:00', 'Asia/Tokyo', { after: '2026-01-31T03:00+09:00', count: 2 })).toEqual(['2026-01-31T18:00', '2026-02-01T18:00']);
    expect(runsOf('03:00', 'Asia/Tokyo', { after: '2026-01-31T02:59:59+09:00', count: 1 })).toEqual(['2026-01-30T18:00']);
    expect(runsOf('23:59', 'UTC', { after: '2026-12-31T00:00Z', count: 2 })).toEqual(['2026-12-31T23:59', '2027-01-01T23:59']);
  });

  it('keeps its time when the clock is put forward, and is run once where its time is left out', () => {
    const day = { after: '2026-03-28T00:00+01:00', count: 3 };
    expect(runsOf('03:00', 'Europe/Berlin', day)).toEqual(['2026-03-28T02:00', '2026-03-29T01:00', '2026-03-30T01:00']);
    expect(runsOf('02:30', 'Europe/Berlin', day)).toEqual(['2026-03-28T01:30', '2026-03-29T01:30', '2026-03-30T00:30']);
    expect(runsOf('00:00', 'America/Santiago', { after: '2026-09-05T12:00Z', count: 2 })).toEqual(['2026-09-06T04:00', '2026-09-07T03:00']);
  });

  it('keeps its time when the clock is put back, and is run once where its time comes twice', () => {
    expect(runsOf('02:30', 'Europe/Berlin', { after: '2026-10-24T12:00Z', count: 2 })).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    expect(runsOf('02:30', 'Europe/Berlin', { after: '2026-10-25T01:10Z', count: 1 })).toEqual(['2026-10-26T01:30']);
    expect(runsOf('03:00', 'Europe/Berlin', { after: '2026-10-24T12:00Z', count: 2 })).toEqual(['2026-10-25T02:00', '2026-10-26T02:00']);
  });

  it('that takes too long is left out, and one that failed is tried again before', () => {
    vi.stubEnv('TZ', 'UTC');
    const job = { kind: 'every', dailyAt: '00:00' } as const;
    expect(after(job, 'done', 2 * 86_400_000)).toEqual({ failures: 0, dueAt: 3 * 86_400_000 });
    expect(after({ ...job, retries: 1 }, 'failed')).toEqual({ failures: 1, dueAt: 2_100 });
    expect(after({ ...job, retries: 1, failures: 1 }, 'failed')).toEqual({ failures: 0, dueAt: 86_400_000 });
  });
});
