/**
 * Runs jobs in the containers of their sites: as the site's user, with its limits and filters. A site is woken for its job and stays awake
 * for as long as that runs.
 *
 * At least once: a run that the daemon's end cut short counts as failed, and is tried again like one.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import type { Job, JobRun } from '../domain/job.ts';
import type { Site } from '../domain/site.ts';
import type { ExecResult } from '../lib/exec.ts';
import { endOrphans } from '../lifecycle/end-orphans.ts';
import { hold } from '../lifecycle/hold.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SiteContexts } from '../site/site-context.ts';
import { sitePaths } from '../site/site-paths.ts';
import type { PlatformDirs } from '../site/site-paths.ts';
import { keepOutputs, openOutput, outputPath } from './job-output.ts';
import { afterRun, firstDue } from './next-due.ts';

export type NewJob = Pick<Job, 'kind' | 'command' | 'role' | 'everyMs' | 'dailyAt' | 'retries' | 'deadlineMs'>;

export interface JobsDeps {
  readonly cmdb: Pick<Cmdb, 'site' | 'putJob' | 'job' | 'jobs' | 'dueJobs' | 'deleteJob' | 'putRun' | 'runs' | 'openRuns'>;
  readonly lifecycle: Pick<Lifecycle, 'wake' | 'live' | 'touch' | 'allLive'>;
  readonly runtime: Pick<Runtime, 'exec' | 'processes'>;
  readonly contexts: Pick<SiteContexts, 'roleMeant'>;
  readonly dirs: PlatformDirs;
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

const LOOK_EVERY_MS = 500;
/** Of all sites; workers are not counted. */
const AT_ONCE = 8;
const MOST_OF_A_SITE = 100;
/** Of those that do not run. */
const LOOK_AT = 200;

export class Jobs {
  readonly #deps: JobsDeps;
  readonly #running = new Map<string, { readonly work: Promise<void>; readonly stop: AbortController; readonly kind: Job['kind'] }>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /** Runs that an earlier daemon left are ended, and counted as lost. */
  async start(): Promise<void> {
    const { cmdb, lifecycle, runtime, now } = this.#deps;
    for (const run of await cmdb.openRuns()) {
      const job = await cmdb.job(run.jobId);
      for (const live of lifecycle.allLive()) if (live.site.id === job?.siteId && live.role === job.role) await endOrphans(live, runtime);
      if (job !== undefined) await this.#finish(job, { ...run, endedAt: now(), outcome: 'lost', why: 'the daemon ended' });
    }
    this.#loop = this.#watch();
  }

  /** What runs is ended, and tried again after the next start like what failed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ work }) => work));
  }

  /** @throws SubakoError `bad_usage` when the command is none, `conflict` when the site has too many */
  async add(site: Site, job: NewJob): Promise<Job> {
    const { cmdb, contexts, now } = this.#deps;
    // The runtime would take it for an option of its own.
    if (job.command[0]?.startsWith('-') !== false) throw new SubakoError('bad_usage', 'a command begins with a program', { hint: 'such as php8.4 or /bin/sh' });
    if ((await cmdb.jobs(site.id)).length >= MOST_OF_A_SITE) {
      throw new SubakoError('conflict', `${site.domain} has ${MOST_OF_A_SITE} jobs`, { hint: `subako job ls ${site.domain}, and subako job rm what is done` });
    }
    const at = now();
    const added: Job = {
      ...job,
      role: contexts.roleMeant(site, job.role),
      id: newId(8),
      siteId: site.id,
      createdAt: at,
      dueAt: firstDue(job, at),
      failures: 0,
    };
    await cmdb.putJob(added);
    return added;
  }

  /** @throws SubakoError `not_found` */
  async get(id: string): Promise<Job> {
    const job = await this.#deps.cmdb.job(id);
    if (job === undefined) throw new SubakoError('not_found', `there is no job ${id}`, { hint: 'subako job ls shows them' });
    return job;
  }

  /** Ends what runs of it. @throws SubakoError `not_found` */
  async remove(id: string): Promise<void> {
    const { cmdb } = this.#deps;
    const job = await this.get(id);
    await cmdb.deleteJob(id);
    const running = this.#running.get(id);
    running?.stop.abort();
    await running?.work;
    await this.#keepOutputs(job.siteId);
  }

  /** A run of a job, by default the last. @throws SubakoError `not_found` */
  async run({ id }: Pick<Job, 'id'>, runId?: string): Promise<JobRun> {
    const run = (await this.#deps.cmdb.runs(id)).find((one) => runId === undefined || one.id === runId);
    if (run === undefined)
      throw new SubakoError('not_found', `the job ${id} has no ${runId === undefined ? 'run yet' : `run ${runId}`}`, { hint: `subako job show ${id}` });
    return run;
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  outputPath({ siteId }: Pick<Job, 'siteId'>, runId: string): string {
    return outputPath(this.#outputDir(siteId), runId);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().catch(() => undefined); // at the next look, perhaps
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { cmdb, now } = this.#deps;
    // What runs is due until it ends, and so comes first.
    for (const job of await cmdb.dueJobs(now(), LOOK_AT + this.#running.size)) {
      const others = [...this.#running.values()].filter(({ kind }) => kind !== 'always').length;
      if (this.#running.has(job.id) || (job.kind !== 'always' && others >= AT_ONCE)) continue;
      const stop = new AbortController();
      const work = this.#work(job, stop.signal)
        .catch(() => undefined) // a full disk; it stays due
        .finally(() => this.#running.delete(job.id));
      this.#running.set(job.id, { work, stop, kind: job.kind });
    }
  }

  async #work(job: Job, signal: AbortSignal): Promise<void> {
    const { cmdb, now } = this.#deps;
    const site = await cmdb.site(job.siteId);
    if (site?.phase !== 'ready') return;
    const run: JobRun = { id: newId(12), jobId: job.id, startedAt: now() };
    await cmdb.putRun(run);
    const end = await this.#execute(site, { job, run, signal }).catch((error: unknown): Partial<JobRun> => ({
      outcome: 'failed',
      why: asSubakoError(error).message,
    }));
    await this.#finish(job, { ...run, ...(signal.aborted ? { outcome: 'lost' as const } : end), endedAt: now() });
  }

  async #execute(site: Site, { job, run, signal }: { job: Job; run: JobRun; signal: AbortSignal }): Promise<Partial<JobRun>> {
    const { lifecycle, runtime } = this.#deps;
    await using output = await openOutput(this.#outputDir(site.id), run.id);
    const { live, release } = await hold(lifecycle, { site, role: job.role, isWorker: job.kind === 'always' }, 'job');
    try {
      const limits = job.deadlineMs === 0 ? {} : { timeoutMs: job.deadlineMs };
      return endOf(await runtime.exec(live.instance.id, job.command, { ...limits, signal, onLine: output.line }));
    } finally {
      release();
    }
  }

  async #finish(job: Job, run: JobRun & { readonly endedAt: number }): Promise<void> {
    const { cmdb, emit } = this.#deps;
    await cmdb.putRun(run);
    const site = await cmdb.site(job.siteId);
    // It may have been removed meanwhile.
    if (site === undefined || (await cmdb.job(job.id)) === undefined) return;
    const { outcome = 'failed', startedAt, endedAt, code, why } = run;
    await cmdb.putJob({ ...job, ...afterRun(job, { startedAt, endedAt, outcome }) });
    const facts = { job: job.id, run: run.id, outcome, ...(code === undefined ? {} : { code }), ms: endedAt - startedAt };
    emit({ type: outcome === 'done' ? 'job.ran' : 'job.failed', site: site.domain, ...(why === undefined ? {} : { cause: why }), facts });
    await this.#keepOutputs(job.siteId).catch(() => undefined); // the next run's end does it
  }

  async #keepOutputs(siteId: string): Promise<void> {
    const { cmdb } = this.#deps;
    const runs = await Promise.all((await cmdb.jobs(siteId)).map(({ id }) => cmdb.runs(id)));
    await keepOutputs(this.#outputDir(siteId), new Set(runs.flat().map(({ id }) => id)));
  }

  #outputDir(siteId: string): string {
    return join(sitePaths(this.#deps.dirs, siteId).log, 'jobs');
  }
}

function endOf({ code, signal, timedOut }: ExecResult): Partial<JobRun> {
  if (timedOut) return { outcome: 'late', why: 'it took too long' };
  if (code === null) return { outcome: 'failed', why: `died of ${signal}` };
  return { outcome: code === 0 ? 'done' : 'failed', code };
}
