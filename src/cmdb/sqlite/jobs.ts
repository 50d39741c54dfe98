/** Jobs and their newest runs, as rows. What each does, says the port. */
import { MAX_RUNS } from '../../domain/job.ts';
import type { Job, JobRun } from '../../domain/job.ts';
import { recordOf } from './rows.ts';
import type { Statements } from './statements.ts';

export class Jobs {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  put(job: Job): void {
    const { id, siteId, createdAt, dueAt } = job;
    this.#sql.run(
      `INSERT INTO jobs (id, site_id, created_at, due_at, record) SELECT :id, sites.id, :createdAt, :dueAt, :record FROM sites WHERE sites.id = :siteId
         ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, record = excluded.record`,
      { id, siteId, createdAt, dueAt, record: JSON.stringify(job) },
    );
  }

  get(id: string): Job | undefined {
    const row = this.#sql.get('SELECT record FROM jobs WHERE id = :id', { id });
    return row === undefined ? undefined : (recordOf(row) as Job);
  }

  all(siteId?: string): Job[] {
    return this.#sql
      .all('SELECT record FROM jobs WHERE :siteId IS NULL OR site_id = :siteId ORDER BY created_at, id', { siteId: siteId ?? null })
      .map((row) => recordOf(row) as Job);
  }

  due(now: number, limit: number): Job[] {
    return this.#sql.all('SELECT record FROM jobs WHERE due_at <= :now ORDER BY due_at, id LIMIT :limit', { now, limit }).map((row) => recordOf(row) as Job);
  }

  delete(id: string): void {
    this.#sql.run('DELETE FROM jobs WHERE id = :id', { id });
  }

  putRun(run: JobRun): void {
    const { id, jobId } = run;
    this.#sql.run(
      `INSERT INTO job_runs (id, job_id, is_open, record) SELECT :id, jobs.id, :isOpen, :record FROM jobs WHERE jobs.id = :jobId
       ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, record = excluded.record`,
      { id, jobId, isOpen: run.endedAt === undefined ? 1 : 0, record: JSON.stringify(run) },
    );
    this.#sql.run(
      `DELETE FROM job_runs WHERE job_id = :jobId AND seq NOT IN (SELECT seq FROM job_runs WHERE job_id = :jobId ORDER BY seq DESC LIMIT ${MAX_RUNS})`,
      { jobId },
    );
  }

  runs(jobId: string): JobRun[] {
    return this.#sql.all('SELECT record FROM job_runs WHERE job_id = :jobId ORDER BY seq DESC', { jobId }).map((row) => recordOf(row) as JobRun);
  }

  openRuns(): JobRun[] {
    return this.#sql.all('SELECT record FROM job_runs WHERE is_open = 1 ORDER BY seq').map((row) => recordOf(row) as JobRun);
  }
}
