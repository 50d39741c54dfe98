/** `subako compose up`: in the background, or with what the services say, until Ctrl-C. */
import { once } from 'node:events';
import { Command } from 'commander';
import type { ProjectReply } from '../../api/project-types.ts';
import { composeOptionsOf, projectPath } from '../compose-options.ts';
import { composeUp, projectText } from '../compose-up.ts';
import type { UpOptions } from '../compose-up.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { followContainers } from '../follow-containers.ts';

interface Options extends UpOptions {
  readonly detach?: boolean;
  readonly domain?: string;
  readonly service?: string;
}

/** What `subako up -f` takes, too. */
export function withUpOptions(command: Command): Command {
  return command
    .option('--build', 'build images though they are here')
    .option('--force-recreate', 'also containers that are as they should be')
    .option('--remove-orphans', 'containers of services that the file has no more go')
    .option('--domain <domain>', 'one service becomes this site; the others sleep and wake with it')
    .option('--service <name>', 'which that is (default: the one with a published port)');
}

export function composeUpCommand(): Command {
  return withUpOptions(new Command('up'))
    .description('make and start the services, or those whose description changed')
    .argument('[service...]', 'those, and what they need; all, where none is named')
    .option('-d, --detach', 'go on in the background')
    .option('--no-start', 'make them, and start nothing')
    .addHelpText(
      'after',
      '\nWithout -d it shows what they say, and Ctrl-C ends them.\n\nExamples:\n  subako compose up -d\n  subako compose up -d --build --remove-orphans\n  subako compose up -d --domain shop.localhost --service web',
    )
    .action(async (services: string[], options: Options, command: Command) => {
      const context = contextOf(command);
      const { domain, service } = options;
      const project = await composeUp({ compose: composeOptionsOf(command), wish: { services, domain, service }, options }, context);
      if (options.detach === true || options.start === false || context.output.json) {
        context.output.show(project, () => projectText(project));
        return;
      }
      await followUntilAsked(project, context);
    });
}

/** Ctrl-C ends what was brought up; or everything has ended by itself. */
async function followUntilAsked(project: ProjectReply, context: Context): Promise<void> {
  const { client, output } = context;
  const stopping = new AbortController();
  const speakers = project.services.flatMap(({ service, containers }) =>
    containers.map(({ id, name }) => ({ container: id, label: containers.length > 1 ? name : service })),
  );
  const asked = Promise.race([once(process, 'SIGINT', stopping), once(process, 'SIGTERM', stopping)]).then(() => stopping.abort());
  asked.catch(() => undefined); // everything ended by itself
  output.show(project, () => projectText(project));
  await followContainers(speakers, { follow: true, signal: stopping.signal }, context);
  if (!stopping.signal.aborted) return stopping.abort();
  await client.work(projectPath(project.name, '/stop'), { services: [] }, output.progress);
}
