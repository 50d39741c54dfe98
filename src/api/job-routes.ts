/** API: jobs of sites. */
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { ROLES } from '../domain/role.ts';
import type { Job, JobRun } from '../domain/job.ts';
import { poll } from '../lib/deadline.ts';
import { followFile } from '../lib/follow-file.ts';
import type { NewJob } from '../job/jobs.ts';
import type { ApiPlatform } from './platform.ts';
import { closed } from './schemas.ts';
import type { JobReply } from './types.ts';

const WEEK_MS = 7 * 24 * 3_600_000;
const YEAR_MS = 52 * WEEK_MS;
const LOOK_EVERY_MS = 200;
const ALL_LINES = 1_000_000;

const JOB = {
  kind: { enum: ['once', 'every', 'always'] },
  command: { type: 'array', minItems: 1, maxItems: 1000, items: { type: 'string', maxLength: 100_000, pattern: '^[^\\u0000]*$' } },
  role: { enum: [...ROLES] },
  everyMs: { type: 'integer', minimum: 0, maximum: YEAR_MS },
  retries: { type: 'integer', minimum: 0, maximum: 100 },
  deadlineMs: { type: 'integer', minimum: 0, maximum: WEEK_MS },
};
const TIME_OF_DAY = { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' };

interface OutputQuery {
  readonly run?: string;
  readonly follow?: string;
}

export function jobRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  const { jobs } = platform;
  const body = closed({ ...JOB, dailyAt: TIME_OF_DAY }, Object.keys(JOB));
  api.post<{ Params: { domain: string }; Body: NewJob }>('/v1/sites/:domain/jobs', body, async (request) =>
    platform.describeJob(await jobs.add(await platform.site(request.params.domain), request.body)),
  );
  api.get<{ Querystring: { site?: string } }>('/v1/jobs', async (request): Promise<JobReply[]> => {
    const { site } = request.query;
    const all = await platform.jobsOf(site === undefined ? undefined : await platform.site(site));
    return Promise.all(all.map((job) => platform.describeJob(job)));
  });
  api.get<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => platform.describeJob(await jobs.get(request.params.id)));
  api.delete<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => {
    await jobs.remove(request.params.id);
    return { removed: request.params.id };
  });

  api.get<{ Params: { id: string }; Querystring: OutputQuery }>('/v1/jobs/:id/output', async (request, reply) => {
    const job = await jobs.get(request.params.id);
    const run = await jobs.run(job, request.query.run);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    const stop = new AbortController();
    void once(reply.raw, 'close').then(() => stop.abort());
    const write = (text: string): void => void reply.raw.write(text);
    const isOver = async (): Promise<boolean> => stop.signal.aborted || (await hasEnded(job, run));
    if (request.query.follow === undefined || (await isOver())) stop.abort();
    else void poll(isOver, { timeoutMs: WEEK_MS, everyMs: LOOK_EVERY_MS }).then(() => stop.abort());
    await followFile(jobs.outputPath(job, run.id), { lines: ALL_LINES, write, signal: stop.signal });
    reply.raw.end();
  });

  /** Also when it is forgotten, or its job removed. */
  async function hasEnded(job: Job, { id }: JobRun): Promise<boolean> {
    return (await jobs.run(job, id).catch(() => undefined))?.endedAt !== undefined || !jobs.isRunning(job.id);
  }
}
