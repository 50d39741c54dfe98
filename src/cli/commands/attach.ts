/** `subako attach`: the streams of a detached container, as they go on. */
import { Command } from 'commander';
import type { AttachReply, WaitReply } from '../../api/container-types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { start } from '../../lib/exec.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import { DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts';
import { exitOf } from '../exit-of.ts';

interface AttachOptions {
  readonly detachKeys: string;
  readonly stdin: boolean;
}

export function attachCommand(): Command {
  return new Command('attach')
    .description('be at the streams of a container that was started in the background, until it ends or the detach keys are typed')
    .argument('<container>')
    .option('--detach-keys <keys>', 'what leaves it, where it has a terminal', DETACH_KEYS)
    .option('--no-stdin', 'nothing goes in')
    .addHelpText(
      'after',
      '\nIts exit code is that of the container; 0 where it was left.\n\nExamples:\n  subako run -dit --name shell debian:13 && subako attach shell',
    )
    .action(async (name: string, { detachKeys, stdin }: AttachOptions, command: Command) => {
      const { client } = contextOf(command);
      const { argv, terminal, ended } = await client.post<AttachReply>(containerPath(name, '/attach'), { input: stdin, keys: parseDetachKeys(detachKeys) });
      if (terminal && !process.stdin.isTTY)
        throw new SubakoError('bad_usage', `${name} has a terminal, and we have none to give it`, { hint: 'subako logs -f shows what it says' });
      // A terminal's keys are the container's; without one, signals of ours are passed on.
      const child = start(argv, { stdio: 'inherit' });
      const passOn = (signal: string): unknown => (terminal ? undefined : client.post(containerPath(name, '/kill'), { signal }).catch(() => undefined));
      const code = await exitOf(child, passOn);
      if (code !== ended) return void (process.exitCode = code);
      const { exitCode } = await client.get<WaitReply>(containerPath(name, '/wait')).catch((): WaitReply => ({ exitCode: null })); // it may be gone with its end
      process.exitCode = exitCode ?? 0;
    });
}
