/** `subako job`: commands in a site's container, once, by the clock, or always. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { JobReply } from '../../api/types.ts';
import { SubakoError } from '../../domain/errors.ts';
import type { JobKind } from '../../domain/job.ts';
import { formatAge, formatDuration, parseDuration } from '../../lib/units.ts';
import { sitePath } from '../client.ts';
import type { Client } from '../client.ts';
import { contextOf } from '../context.ts';
import { endWhenUnread, table } from '../output.ts';
import type { Output } from '../output.ts';
import { roleOption } from '../role-option.ts';

interface JobOptions {
  readonly role: string;
  readonly deadline?: number;
  readonly retries?: number;
  readonly detach?: boolean;
}

type Every = Pick<JobReply, 'everyMs' | 'dailyAt'>;

interface Asked extends Every {
  readonly kind: JobKind;
  /** Unless it is said. */
  readonly deadlineMs: number;
}

const HOUR_MS = 3_600_000;
const LOOK_EVERY_MS = 200;

export function jobCommand(): Command {
  return new Command('job')
    .description("commands in a site's container: once, by the clock, or always")
    .enablePositionalOptions()
    .addCommand(runCommand())
    .addCommand(everyCommand())
    .addCommand(keepCommand())
    .addCommand(lsCommand())
    .addCommand(showCommand())
    .addCommand(logsCommand())
    .addCommand(rmCommand());
}

function runCommand(): Command {
  return withRunOptions(new Command('run'))
    .description('run a command, keep its output and its exit code, and try it again where it fails')
    .argument('<domain>')
    .argument('<command...>', 'after --')
    .option('-d, --detach', 'do not wait for it')
    .addHelpText(
      'after',
      '\nThe exit code is that of the last run. Ctrl-C leaves the job running.\n\nExamples:\n  subako job run blog.localhost -- php8.4 -v\n  subako job run --retries 3 --deadline 10m -d blog.localhost -- /bin/sh /srv/wordpress/wp-content/import.sh',
    )
    .action(async (domain: string, words: string[], options: JobOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const job = await add(client, domain, { words, options, asked: { kind: 'once', everyMs: 0, deadlineMs: HOUR_MS } });
      if (options.detach === true) return output.show(job, () => job.id);
      process.exitCode = await follow(client, job, output);
    });
}

function everyCommand(): Command {
  return withRunOptions(new Command('every'))
    .description('run a command again and again')
    .argument('<time>', 'from the beginning of one run to the next: 15m, 1h; or when, each day, by the machine’s clock: 03:00', parseEvery)
    .argument('<domain>')
    .argument('<command...>', 'after --')
    .addHelpText(
      'after',
      '\nA sleeping site is woken for it. Two runs of one job never overlap.\n\nExamples:\n  subako job every 1h blog.localhost -- /bin/sh /srv/wordpress/wp-content/report.sh\n  subako job every --retries 5 03:00 blog.localhost -- php8.4 /srv/wordpress/wp-content/nightly.php',
    )
    .action(async (...[every, domain, words, options, command]: [Every, string, string[], JobOptions, Command]) => {
      const { client, output } = contextOf(command);
      const job = await add(client, domain, { words, options, asked: { kind: 'every', ...every, deadlineMs: HOUR_MS } });
      output.show(job, () => job.id);
    });
}

function keepCommand(): Command {
  return new Command('keep')
    .description('keep a worker running: it is started again whenever it ends, and its site stays awake')
    .argument('<domain>')
    .argument('<command...>', 'after --')
    .addOption(roleOption('which container of the site; only admin may write').default('admin'))
    .passThroughOptions()
    .addHelpText('after', '\nExamples:\n  subako job keep blog.localhost -- php8.4 /srv/wordpress/wp-content/worker.php\n  subako job rm ID     ends it')
    .action(async (domain: string, words: string[], options: JobOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const job = await add(client, domain, { words, options, asked: { kind: 'always', everyMs: 0, deadlineMs: 0 } });
      output.show(job, () => job.id);
    });
}

function lsCommand(): Command {
  return new Command('ls')
    .alias('list')
    .description('jobs of all sites, or of one')
    .argument('[domain]')
    .addHelpText('after', '\nExamples:\n  subako job ls\n  subako job ls blog.localhost --json')
    .action(async (domain: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const jobs = await client.get<JobReply[]>(domain === undefined ? '/v1/jobs' : `/v1/jobs?site=${encodeURIComponent(domain)}`);
      output.show(jobs, () => table(['ID', 'SITE', 'WHEN', 'STATE', 'LAST', 'COMMAND'], jobs.map(cells)));
    });
}

function showCommand(): Command {
  return new Command('show')
    .description('a job and its last runs')
    .argument('<id>')
    .addHelpText('after', '\nExamples:\n  subako job show skq7m2xa\n  subako job show skq7m2xa --json')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const job = await client.get<JobReply>(`/v1/jobs/${encodeURIComponent(id)}`);
      const rows = job.runs.map(({ id: run, startedAt, endedAt, outcome, code, why }) => [
        run,
        `${formatAge(Date.now() - startedAt)} ago`,
        endedAt === undefined ? '-' : `${endedAt - startedAt} ms`,
        outcome ?? 'running',
        String(code ?? '-'),
        why ?? '',
      ]);
      output.show(job, () => `${cells(job).join('  ')}\n${table(['RUN', 'BEGAN', 'TOOK', 'OUTCOME', 'CODE', 'WHY'], rows)}`);
    });
}

function logsCommand(): Command {
  return new Command('logs')
    .description('what the last run of a job said')
    .argument('<id>')
    .argument('[run]', 'another run (see job show)')
    .option('-f, --follow', 'go on until it ends')
    .addHelpText('after', '\nExamples:\n  subako job logs skq7m2xa\n  subako job logs skq7m2xa -f')
    .action(async (id: string, run: string | undefined, options: { follow?: boolean }, command: Command) => {
      const { client } = contextOf(command);
      const query = new URLSearchParams({ ...(run === undefined ? {} : { run }), ...(options.follow === true ? { follow: '1' } : {}) });
      endWhenUnread();
      await print(client, `/v1/jobs/${encodeURIComponent(id)}/output?${query.toString()}`);
    });
}

function rmCommand(): Command {
  return new Command('rm')
    .alias('remove')
    .description('remove a job and what its runs said; ends one that runs')
    .argument('<id>')
    .addHelpText('after', '\nExamples:\n  subako job rm skq7m2xa')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const reply = await client.delete<{ removed: string }>(`/v1/jobs/${encodeURIComponent(id)}`);
      output.show(reply, () => `removed ${reply.removed}`);
    });
}

function withRunOptions(command: Command): Command {
  return command
    .addOption(roleOption('which container of the site; only admin may write').default('admin'))
    .option('--retries <count>', 'how often a failed run is tried again (default 0)', parseCount)
    .option('--deadline <time>', 'how long a run may take; never for any time (default 1h)', parseTimeOrNever)
    .passThroughOptions();
}

function add(client: Client, domain: string, { words, options, asked }: { words: readonly string[]; options: JobOptions; asked: Asked }): Promise<JobReply> {
  const { deadlineMs, ...when } = asked;
  const command = words[0] === '--' ? words.slice(1) : words;
  if (domain.startsWith('-') || command[0]?.startsWith('-') !== false) {
    throw new SubakoError('bad_usage', 'options come before the domain, and then the command', {
      hint: 'write it like subako job run --retries 3 DOMAIN -- CMD',
    });
  }
  const { role, retries = 0, deadline = deadlineMs } = options;
  return client.post<JobReply>(sitePath(domain, '/jobs'), { ...when, command, role, retries, deadlineMs: deadline });
}

/** Prints what each run says; the exit code of the last. */
async function follow(client: Client, { id }: JobReply, output: Output): Promise<number> {
  let followed = '';
  for (;;) {
    const job = await client.get<JobReply>(`/v1/jobs/${id}`);
    const [last] = job.runs;
    if (last !== undefined && last.id !== followed) {
      followed = last.id;
      await print(client, `/v1/jobs/${id}/output?run=${last.id}&follow=1`);
    } else if (last?.endedAt !== undefined && job.dueAt === null && !job.running) {
      if (last.why !== undefined) output.progress(last.why);
      return last.code ?? 1;
    } else await sleep(LOOK_EVERY_MS);
  }
}

async function print(client: Client, path: string): Promise<void> {
  for await (const chunk of await client.stream('GET', path)) process.stdout.write(chunk as Buffer);
}

function cells({ id, site, kind, everyMs, dailyAt, dueAt, running, runs, command }: JobReply): string[] {
  const when = kind !== 'every' ? kind : dailyAt === undefined ? `every ${formatDuration(everyMs)}` : `daily at ${dailyAt}`;
  const state = running ? 'running' : dueAt === null ? 'ended' : `due in ${formatAge(Math.max(0, dueAt - Date.now()))}`;
  const last = runs.find(({ outcome }) => outcome !== undefined);
  return [
    id,
    site,
    when,
    state,
    last === undefined ? '-' : `${last.outcome}${last.code === undefined ? '' : ` (${last.code})`}`,
    command.join(' ').slice(0, 60),
  ];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 100) throw new InvalidArgumentError('it is a number from 0 to 100.');
  return count;
}

function parseTimeOrNever(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('a time is written like 90s, 15m or 1h.');
  return ms;
}

function parseEvery(text: string): Every {
  if (/^(?:[01]?\d|2[0-3]):[0-5]\d$/u.test(text)) return { everyMs: 0, dailyAt: text.padStart(5, '0') };
  const everyMs = parseDuration(text);
  if (everyMs === undefined) throw new InvalidArgumentError('it is written like 15m or 1h, or for a time of each day like 03:00.');
  if (everyMs < 1_000) throw new InvalidArgumentError('it is 1s or more.');
  return { everyMs };
}
