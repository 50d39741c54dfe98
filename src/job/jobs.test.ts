import { expect, it } from 'vitest';
import type { Job } from '../domain/job.ts';
import { poll } from '../lib/deadline.ts';
import { Jobs } from './jobs.ts';
import type { JobsDeps } from './jobs.ts';

const WORKERS = 300;

function job(id: string, kind: Job['kind'], dueAt: number): Job {
  return { id, siteId: id, kind, command: ['true'], role: 'admin', everyMs: 0, retries: 0, deadlineMs: 0, createdAt: 0, dueAt, failures: 0 };
}

it('begins what is due however many workers run', async () => {
  const all = [...Array.from({ length: WORKERS }, (_, n) => job(`w${n}`, 'always', n)), job('late', 'once', WORKERS)];
  const begun = new Set<string>();
  const isOver = Promise.withResolvers<undefined>();
  const cmdb = {
    openRuns: async () => [],
    dueJobs: async (_: number, limit: number) => all.slice(0, limit),
    // It runs until then.
    site: (id: string) => {
      begun.add(id);
      return isOver.promise;
    },
  };
  const jobs = new Jobs({ cmdb, now: () => WORKERS } as unknown as JobsDeps);
  await jobs.start();
  await poll(() => begun.has('late'), { timeoutMs: 5_000, everyMs: 10 });
  isOver.resolve(undefined);
  await jobs.stop();
  expect([begun.size, begun.has('late')]).toEqual([WORKERS + 1, true]);
});
