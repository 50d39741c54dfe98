/** `subako up`: starts the platform. */
import { Command, InvalidArgumentError } from 'commander';
import type { ComposeOptions } from '../compose-files.ts';
import { withComposeOptions } from '../compose-options.ts';
import { composeUp, projectText } from '../compose-up.ts';
import type { UpOptions as ComposeUpOptions } from '../compose-up.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { withUpOptions } from './compose-up.ts';
import { formatEvent } from '../output.ts';
import { startDetached } from '../start-detached.ts';
import type { StatusReply } from '../../api/types.ts';

interface UpOptions {
  readonly http?: number;
  readonly https?: number;
  readonly detach?: boolean;
  readonly config?: string;
}

interface ProjectOptions extends ComposeUpOptions {
  readonly domain?: string;
  readonly service?: string;
}

export function upCommand(): Command {
  const command = new Command('up')
    .description('start the platform: database, edge and dispatcher; sites wake when someone visits. With -f: bring up a compose file, in the background')
    .option('--http <port>', 'port for http (default 80)', parsePort)
    .option('--https <port>', 'port for https (default 443)', parsePort)
    .option('--config <file>', 'the definition file (or SUBAKO_CONFIG; default: the one in the state directory)')
    .option('-d, --detach', 'go on in the background');
  return withUpOptions(withComposeOptions(command))
    .addHelpText(
      'after',
      `
What an earlier daemon left running is taken over; sites do not notice.

Examples:
  subako up                              in the foreground; Ctrl-C stops everything
  subako up --detach                     in the background; stop it with subako down
  subako up --http 8080 --https 8443     on other ports
  subako up --config /etc/subako/subako.config.ts
  subako up -f compose.yaml --domain shop.localhost     a project, one service of it as a site (docs/compose.md)
  subako up --state /srv/a --run /run/a --http 8081 --https 8444 -d     a second platform beside the first`,
    )
    .action(async (options: UpOptions & ComposeOptions & ProjectOptions, command: Command) => {
      if (options.file.length > 0) return upProject(options, contextOf(command));
      const { dirs, client, output } = contextOf(command);
      // What becomes a daemon, or starts one, is many modules: no other command waits for them.
      const { loadConfig } = await import('../../config/config.ts');
      const config = loadConfig({ ...dirs, ...options });
      if (options.detach === true) {
        await startDetached(config, (text) => output.progress(text));
        const status = await client.get<StatusReply>('/v1/status');
        output.show(status, () => `up: http port ${status.edge.http}, https port ${status.edge.https}, ${status.sites.total} sites (pid ${status.pid})`);
        return;
      }
      const { runDaemon } = await import('../../main/daemon.ts');
      await runDaemon(config, {
        progress: (text) => output.progress(text),
        onStarted: ({ events }) => {
          output.show(
            { http: config.http, https: config.https, pid: process.pid },
            () => `up: http port ${config.http}, https port ${config.https} — Ctrl-C stops everything`,
          );
          if (!output.json) events.follow((event) => process.stdout.write(`${formatEvent(event)}\n`));
        },
      });
    });
}

async function upProject(options: ComposeOptions & ProjectOptions, context: Context): Promise<void> {
  const { domain, service } = options;
  const { reply } = await composeUp({ compose: options, wish: { services: [], domain, service }, options }, context);
  context.output.show(reply, () => projectText(reply));
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('a port is a number from 1 to 65535.');
  return port;
}
