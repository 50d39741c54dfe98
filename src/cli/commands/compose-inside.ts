/** `subako compose logs`, `exec`, `run`: what services say, and commands in them. */
import { Command } from 'commander';
import type { ProjectReply } from '../../api/project-types.ts';
import { variableOf } from '../../config/variables.ts';
import { SubakoError } from '../../domain/errors.ts';
import { startTimeOf } from '../../lib/proc.ts';
import { sitePath } from '../client.ts';
import { collect } from '../collect.ts';
import { projectNameOf } from '../compose-project.ts';
import { composeOptionsOf, projectPath } from '../compose-options.ts';
import { serviceOf } from '../compose-services.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import { containerOf } from './compose-containers.ts';
import { variables } from '../env-file.ts';
import { followContainers } from '../follow-containers.ts';
import { endWhenUnread } from '../output.ts';
import { runContainerHere } from '../run-container-here.ts';
import { runHere } from '../run-here.ts';

export function composeLogsCommand(): Command {
  return new Command('logs')
    .description('what the services said; the site’s service has logs of its own: subako logs DOMAIN')
    .argument('[service...]', 'all, where none is named')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --tail <count>', 'how many of the last lines of each')
    .option('-t, --timestamps', 'when it was said')
    .addHelpText('after', '\nExamples:\n  subako compose logs\n  subako compose logs -f --tail 10 db')
    .action(async (services: string[], options: { follow?: boolean; tail?: string; timestamps?: boolean }, command: Command) => {
      const context = contextOf(command);
      const project = await context.client.get<ProjectReply>(projectPath(await projectNameOf(composeOptionsOf(command))));
      const meant = services.length === 0 ? project.services : services.map((name) => serviceOf(project, name));
      const speakers = meant.flatMap(({ service, containers }) =>
        containers.map(({ id, name }) => ({ container: id, label: containers.length > 1 ? name : service })),
      );
      endWhenUnread();
      const { follow = false, tail, timestamps = false } = options;
      await followContainers(speakers, { follow, timestamps, ...(tail === undefined || tail === 'all' ? {} : { lines: tail }) }, context);
    });
}

interface InsideOptions {
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly index?: string;
  readonly entrypoint?: string;
}

function withInsideOptions(command: Command): Command {
  return command
    .argument('<service>')
    .argument('[command...]')
    .option('-e, --env <name=value>', 'a variable; without a value, that of this shell', collect, [])
    .option('-u, --user <user[:group]>')
    .option('-w, --workdir <dir>')
    .option('-T, --no-tty', 'no terminal, though we have one')
    .passThroughOptions();
}

export function composeExecCommand(): Command {
  return withInsideOptions(new Command('exec'))
    .description('run a command in a service that runs; the site’s is woken for it')
    .option('--index <number>', 'in which of several containers', '1')
    .addHelpText('after', '\nThe exit code is the command’s own.\n\nExamples:\n  subako compose exec db mariadb\n  subako compose exec -T web cat /etc/hosts')
    .action(async (name: string, words: string[], options: InsideOptions & { tty: boolean }, command: Command) => {
      const { client } = contextOf(command);
      const project = await client.get<ProjectReply>(projectPath(await projectNameOf(composeOptionsOf(command))));
      const { isSite } = serviceOf(project, name);
      if (words.length === 0) throw new SubakoError('bad_usage', 'there is no command to run', { hint: 'write it after the service' });
      const tty = options.tty && hasTerminal();
      if (isSite) {
        process.exitCode = await runHere(await client.stream('POST', sitePath(project.site?.domain ?? '', '/exec'), { command: words, tty, role: 'public' }));
        return;
      }
      const container = containerOf(project, name, options.index ?? '1');
      const { user, workdir: cwd } = options;
      const body = { command: words, tty, user, cwd, env: variables(options.env, variableOf) };
      process.exitCode = await runHere(await client.stream('POST', containerPath(container.id, '/exec'), body));
    });
}

export function composeRunCommand(): Command {
  return withInsideOptions(new Command('run'))
    .description('run a command in a new container of a service, which goes when it ends; the project must be there (compose up)')
    .option('--entrypoint <program>', 'in the place of the image’s; empty: none')
    .option('--rm', 'as it is in any case')
    .addHelpText('after', '\nIts ports are not published.\n\nExamples:\n  subako compose run web npm test\n  subako compose run -e DEBUG=1 web sh')
    .action(async (service: string, words: string[], options: InsideOptions & { tty: boolean }, command: Command) => {
      const { client } = contextOf(command);
      const name = await projectNameOf(composeOptionsOf(command));
      const tty = options.tty && hasTerminal();
      const { user, workdir, entrypoint } = options;
      const wish = {
        service,
        command: words,
        env: variables(options.env, variableOf),
        user,
        workdir,
        tty,
        interactive: true,
        ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
      };
      const us = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
      const session = await client.stream('POST', projectPath(name, '/run-here'), { ...wish, client: us });
      const exitCode = await runContainerHere(session, wish, (id, code) => client.post(containerPath(id, '/ended'), { exitCode: code }));
      // At once: a read of our input that nobody waits for any more would keep this process.
      process.exit(exitCode);
    });
}

function hasTerminal(): boolean {
  return [process.stdin, process.stdout].every((stream) => stream.isTTY);
}
