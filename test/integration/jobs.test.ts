/** Jobs in the container of a site: once, by the clock, always. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'jobs.localhost';
/** No other process has it among its arguments. */
const MARK = `mark-86396.${process.pid}`;
const CONTENT = '/srv/wordpress/wp-content';
let platform: TestPlatform;
let id: string;

const ONCE = { kind: 'once', role: 'admin', everyMs: 0, retries: 0, deadlineMs: 60_000 } as const;
const sh = (script: string): string[] => ['/bin/sh', '-c', script];
const add = (job: object): Promise<JobReply> => platform.api.post<JobReply>(`/v1/sites/${SITE}/jobs`, { ...ONCE, ...job });
const job = (one: string): Promise<JobReply> => platform.api.get<JobReply>(`/v1/jobs/${one}`);
const said = (one: string): Promise<string> => platform.api.text(`/v1/jobs/${one}/output`);

async function until(one: string, is: (reply: JobReply) => boolean): Promise<JobReply> {
  const reply = await poll(async () => [await job(one)].find(is), { timeoutMs: 60_000, everyMs: 100 });
  if (reply === undefined) throw new Error(`it is still ${JSON.stringify(await job(one))}`);
  return reply;
}

const ended = (one: string): Promise<JobReply> => until(one, ({ dueAt, running }) => dueAt === null && !running);
const untilMarked = async (wanted: boolean): Promise<void> => {
  const is = async (): Promise<boolean> => ((await execAny(['pgrep', '-f', MARK])).code === 0) === wanted;
  expect(await poll(is, { timeoutMs: 60_000, everyMs: 100 }), `a process ${wanted ? 'is not there' : 'is left'}`).toBe(true);
};

beforeAll(async () => {
  platform = await TestPlatform.start();
  ({ id } = await platform.createSite(SITE));
});
afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a job', () => {
  it('wakes its site, is run with the site’s powers alone, and gives its output and exit code', async () => {
    const script = `id -u; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; cat ${platform.state}/cmdb.sqlite; echo here; printf no-end; exit 3`;
    const result = await platform.cli(['job', 'run', SITE, '--', ...sh(script)]);
    expect(result.code).toBe(3);
    expect(result.stdout).toMatch(/^33\nCapEff:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2\n/u);
    expect(result.stdout).toContain('No such file');
    expect(result.stdout).toContain('here\n');
    expect(result.stdout).toContain('no-end\n');
    expect((await platform.row(SITE, 'admin')).why).toBe('job');
    const [listed] = await platform.json<JobReply[]>('job', 'ls', SITE);
    expect(listed).toMatchObject({ site: SITE, kind: 'once', dueAt: null, runs: [{ outcome: 'failed', code: 3 }] });
  });

  it('that fails is tried again, as often as it says', async () => {
    const { id: lucky } = await add({ retries: 5, command: sh(`echo try; test -e ${CONTENT}/tried || { touch ${CONTENT}/tried; exit 1; }`) });
    expect((await ended(lucky)).runs.map(({ outcome }) => outcome)).toEqual(['done', 'failed']);
    const { id: luckless } = await add({ retries: 1, command: sh('exit 9') });
    expect((await ended(luckless)).runs.map(({ code }) => code)).toEqual([9, 9]);
    const events = (await platform.events(SITE)).filter(({ facts }) => facts?.['job'] === luckless);
    expect(events.map(({ type }) => type)).toEqual(['job.failed', 'job.failed']);
  });

  it('that takes too long is ended, also one that will not hear of it', async () => {
    const { id: late } = await add({ deadlineMs: 1_000, command: sh(`echo begun; trap "" TERM; while :; do sleep 1; done # ${MARK}`) });
    expect((await ended(late)).runs).toMatchObject([{ outcome: 'late', why: 'it took too long' }]);
    expect(await said(late)).toBe('begun\n');
    await untilMarked(false);
  });

  it('by the clock is run again and again, each run with its output, until it is removed', async () => {
    const { id: clock } = await add({ kind: 'every', everyMs: 1_000, command: sh('echo tick') });
    const { runs } = await until(clock, (reply) => reply.runs.filter(({ outcome }) => outcome === 'done').length >= 3);
    expect(await platform.api.text(`/v1/jobs/${clock}/output?run=${runs[1]?.id}`)).toBe('tick\n');
    await platform.api.delete(`/v1/jobs/${clock}`);
    await expect(job(clock)).rejects.toMatchObject({ code: 'not_found' });
    const files = await readdir(join(platform.state, 'sites', id, 'log', 'jobs'));
    expect(files.filter((name) => runs.some((run) => name.startsWith(run.id)))).toEqual([]);
  });

  it('at a time of each day is due when the clock shows it next', async () => {
    const daily = (await platform.cli(['job', 'every', '3:05', SITE, '--', '/bin/true'])).stdout.trim();
    const { everyMs, dailyAt, dueAt } = await job(daily);
    expect([everyMs, dailyAt, new Date(dueAt ?? 0).toTimeString().slice(0, 8)]).toEqual([0, '03:05', '03:05:00']);
    expect((dueAt ?? 0) - Date.now()).toBeLessThanOrEqual(25 * 3_600_000);
    expect((await platform.cli(['job', 'ls', SITE])).stdout).toMatch(new RegExp(`^${daily} .* daily at 03:05 +due in`, 'mu'));
    await platform.api.delete(`/v1/jobs/${daily}`);
  });

  it('is refused where it could not be meant', async () => {
    for (const bad of [
      { command: [] },
      { command: ['--console-socket=/x'] },
      { command: ['/bin/true', 'zero\0'] },
      { kind: 'never' },
      { role: 'root' },
      { retries: -1 },
      { kind: 'every', dailyAt: '24:00' },
    ])
      await expect(add({ command: ['/bin/true'], ...bad })).rejects.toMatchObject({ code: 'bad_usage' });
    await expect(platform.api.post('/v1/sites/nobody.localhost/jobs', { ...ONCE, command: ['/bin/true'] })).rejects.toMatchObject({ code: 'not_found' });
    expect((await platform.cli(['job', 'run', SITE, '--', '--console-socket=/x'])).code).toBe(2);
    expect((await platform.cli(['job', 'every', '1d', '--retries', '5', SITE, '--', '/bin/true'])).code).toBe(2);
    const { id: missing } = await add({ command: ['/no/such/program'] });
    expect((await ended(missing)).runs[0]).toMatchObject({ outcome: 'failed' });
  });
});

describe('a worker', () => {
  it('keeps its site awake, is started again when it ends, and ends when it is removed', async () => {
    await platform.set(SITE, 'idle=2s', 'freeze=1s');
    const { id: worker } = await add({ kind: 'always', deadlineMs: 0, command: sh(`echo works; while :; do sleep 0.5; done # ${MARK}`) });
    await untilMarked(true);
    await until(worker, ({ runs }) => Date.now() - (runs[0]?.startedAt ?? Date.now()) > 4_000);
    expect((await platform.row(SITE, 'admin')).state).toBe('running');
    await platform.sleep(SITE, 'cold', 'admin');
    await until(worker, ({ runs, running }) => running && runs.length === 2);
    await untilMarked(true);
    await platform.api.delete(`/v1/jobs/${worker}`);
    await untilMarked(false);
    await poll(async () => (await platform.api.get<JobReply[]>('/v1/jobs')).every(({ running }) => !running), { timeoutMs: 60_000, everyMs: 100 });
  });

  it('that a killed daemon left is ended, and one is started by the next', async () => {
    const { id: worker } = await add({ kind: 'always', deadlineMs: 0, command: sh(`while :; do sleep 0.5; done # ${MARK}`) });
    await untilMarked(true);
    await platform.killDaemon();
    await platform.up();
    const { runs } = await until(worker, (reply) => reply.running && reply.runs.length === 2);
    expect(runs[1]).toMatchObject({ outcome: 'lost' });
    const count = async (): Promise<number> => Number((await execAny(['pgrep', '-c', '-f', `^/bin/sh -c .*${MARK}`])).stdout);
    expect(await poll(async () => (await count()) === 1, { timeoutMs: 30_000, everyMs: 200 }), `${await count()} of them run`).toBe(true);
    await platform.api.delete(`/v1/jobs/${worker}`);
    await untilMarked(false);
  });
});
