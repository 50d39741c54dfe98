/** `subako stop`, `restart`, `kill`, `rm`, `pause`, `unpause`, `wait`: containers of images, one after the other. */
import { Command } from 'commander';
import type { ContainerReply, WaitReply } from '../../api/container-types.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { toNumber } from '../run-options.ts';

export function stopCommand(): Command {
  return forEach(
    new Command('stop')
      .description('ask containers to end, and kill those that do not')
      .option('-t, --time <seconds>', 'until it is killed (default: its own, 10)', toNumber)
      .addHelpText('after', '\nExamples:\n  subako stop web\n  subako stop -t 60 queue worker'),
    ({ client }, name, { time }: { time?: number }) => client.post<ContainerReply>(containerPath(name, '/stop'), { time }),
  );
}

export function restartCommand(): Command {
  return forEach(
    new Command('restart')
      .description('stop containers and start them again')
      .option('-t, --time <seconds>', 'until it is killed (default: its own, 10)', toNumber)
      .addHelpText('after', '\nExamples:\n  subako restart web'),
    ({ client, output }, name, { time }: { time?: number }) => client.work<ContainerReply>(containerPath(name, '/restart'), { time }, output.progress),
  );
}

export function killCommand(): Command {
  return forEach(
    new Command('kill')
      .description('send a signal to the first process of containers')
      .option('-s, --signal <signal>', 'its name or number', 'KILL')
      .addHelpText('after', '\nExamples:\n  subako kill web\n  subako kill -s HUP web'),
    ({ client }, name, { signal }: { signal: string }) => client.post<ContainerReply>(containerPath(name, '/kill'), { signal }),
  );
}

export function removeCommand(): Command {
  return forEach(
    new Command('rm')
      .description('remove containers, with what they changed and said')
      .option('-f, --force', 'also those that are up')
      .option('-v, --volumes', 'with their volumes that have no name')
      .addHelpText('after', '\nNamed volumes stay.\n\nExamples:\n  subako rm web\n  subako rm -fv web queue'),
    async ({ client }, name, { force, volumes }: { force?: boolean; volumes?: boolean }) => {
      const query = new URLSearchParams({ ...(force === true ? { force: '1' } : {}), ...(volumes === true ? { volumes: '1' } : {}) });
      const { removed } = await client.delete<{ removed: string }>(containerPath(name, `?${query.toString()}`));
      return { name: removed };
    },
  );
}

export function pauseCommand(): Command {
  return forEach(
    new Command('pause').description('stop every process of containers where it is').addHelpText('after', '\nExamples:\n  subako pause web'),
    ({ client }, name) => client.post<ContainerReply>(containerPath(name, '/pause')),
  );
}

export function unpauseCommand(): Command {
  return forEach(
    new Command('unpause').description('let paused containers go on').addHelpText('after', '\nExamples:\n  subako unpause web'),
    ({ client }, name) => client.post<ContainerReply>(containerPath(name, '/unpause')),
  );
}

export function waitCommand(): Command {
  return new Command('wait')
    .description('wait until containers have ended, and print their exit codes')
    .argument('<container...>')
    .addHelpText('after', '\nExamples:\n  subako wait job')
    .action(async (names: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const codes = await Promise.all(names.map((name) => client.get<WaitReply>(containerPath(name, '/wait'))));
      output.show(codes, () => codes.map(({ exitCode }) => String(exitCode ?? '?')).join('\n'));
    });
}

/* eslint-disable typescript/no-unnecessary-type-parameters -- commander does not know what it parsed; each command does */
/** What was done is printed as it is done: one that fails does not hide those before it. */
function forEach<Options>(command: Command, work: (context: Context, name: string, options: Options) => Promise<{ readonly name: string }>): Command {
  return command.argument('<container...>').action(async (names: string[], options: Options, self: Command) => {
    const context = contextOf(self);
    const done: { readonly name: string }[] = [];
    for (const name of names) {
      done.push(await work(context, name, options));
      if (!context.output.json) process.stdout.write(`${done.at(-1)?.name}\n`);
    }
    if (context.output.json) context.output.show(done, () => '');
  });
}
