/** `subako start`: the newcomer's first run — platform up, a first site, a cold visit, a warm one, and what to type next. */
import { Command } from 'commander';
import { parsePort } from './up.ts';
import type { ContainerReply } from '../../api/container-types.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { clearProgress, formatEvent } from '../output.ts';
import { choosePorts, whoHolds } from '../../main/ports.ts';
import { SubakoError } from '../../domain/errors.ts';
import { tour } from '../tour.ts';

interface StartOptions {
  readonly http?: number;
  readonly https?: number;
}

export function startCommand(): Command {
  return new Command('start')
    .description('first run: start the platform, make a site, let it sleep, visit it, show the figures; then stay. With names: start containers')
    .argument('[container...]', 'made by create, or ended')
    .option('--http <port>', 'port for http (default: 80, or 8080 where 80 is taken)', parsePort)
    .option('--https <port>', 'port for https (default: 443, or 8443 where 443 is taken)', parsePort)
    .addHelpText(
      'after',
      '\nThe same as npm start. A second start keeps the site.\n\nExamples:\n  subako start\n  subako start --http 8080 --https 8443\n  subako start web queue',
    )
    .action(async (containers: string[], options: StartOptions, command: Command) => {
      const { dirs, client, output } = contextOf(command);
      if (containers.length > 0) return startContainers(containers, contextOf(command));
      if (await client.isUp())
        throw new SubakoError('already_running', 'the platform is running already', { hint: 'subako status shows it, subako down ends it' });
      // The daemon is many modules: no other command waits for them.
      const [{ loadConfig }, { runDaemon }] = await Promise.all([import('../../config/config.ts'), import('../../main/daemon.ts')]);
      const wanted = loadConfig({ ...dirs, ...options });
      const config = loadConfig({ ...dirs, ...(await choosePorts(wanted)), ...options });
      const taken = await whoHolds(wanted);
      if (taken !== undefined) process.stderr.write(`${taken}: using ${config.http} and ${config.https} (--http and --https choose others)\n`);
      await runDaemon(config, {
        progress: (text) => output.progress(text),
        onStarted: ({ events }) => {
          void tour(client, config, (text) => output.progress(text))
            .then((story) => {
              clearProgress();
              output.show(story.facts, () => story.text);
              events.follow((event) => process.stdout.write(`${formatEvent(event)}\n`));
            })
            .catch((error: unknown) => {
              clearProgress();
              process.stderr.write(
                `subako: the first visit failed: ${error instanceof Error ? error.message : String(error)} — the platform goes on; see subako events\n`,
              );
            });
        },
      });
    });
}

async function startContainers(names: readonly string[], { client, output }: Context): Promise<void> {
  const started: ContainerReply[] = [];
  for (const name of names) started.push(await client.work<ContainerReply>(containerPath(name, '/start'), {}, output.progress));
  output.show(started, () => started.map(({ name }) => name).join('\n'));
}
