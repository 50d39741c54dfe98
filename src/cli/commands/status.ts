/** `subako status`: how the platform is. */
import { Command } from 'commander';
import type { StatusReply } from '../../api/types.ts';
import { formatAge } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { facts } from '../output.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('how the platform is: ports, sites by state, tools')
    .addHelpText('after', '\nExamples:\n  subako status\n  subako status --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const status = await client.get<StatusReply>('/v1/status');
      const { sites, edge, toolbox } = status;
      output.show(status, () =>
        facts([
          ['version', status.version],
          ['up since', `${formatAge(Date.now() - status.startedAt)} (pid ${status.pid})`],
          ['edge', `http ${edge.http}, https ${edge.https}${edge.pid === null ? ' — DOWN' : ''}`],
          ['database', status.database.pid === null ? 'DOWN' : `running (pid ${status.database.pid})`],
          ['sites', `${sites.total}: ${sites.running} running, ${sites.frozen} frozen, ${sites.checkpointed} checkpointed, ${sites.cold} cold`],
          ['waiting', `${status.waiting} requests, ${status.queuedBoots} boots queued`],
          ['spares', status.noSpares ?? `${status.spares.waiting} of ${status.spares.wanted} wait`],
          ['state', status.state],
          ['run', status.run],
          [
            'toolbox',
            Object.entries(toolbox)
              .map((pair) => pair.join(' '))
              .join(', '),
          ],
        ]),
      );
    });
}
