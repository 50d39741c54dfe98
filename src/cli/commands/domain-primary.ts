/** `subako domain primary`: another name for a site. */
import { Command } from 'commander';
import type { RenamedReply } from '../../site/primary-domain.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';

export function domainPrimaryCommand(): Command {
  return new Command('primary')
    .description('give a site another name, and change its addresses all over its database')
    .argument('<domain>', 'the name it has')
    .argument('<new>', 'the name it gets')
    .addHelpText(
      'after',
      '\nThe old name stays, and sends its visitors on. If it fails, all is as before.\n\nExamples:\n  subako domain primary old.example.org www.example.org',
    )
    .action(async (domain: string, wanted: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const renamed = await client.work<RenamedReply>(sitePath(domain, '/primary'), { domain: wanted }, output.progress);
      output.show(renamed, () => `${renamed.from} is ${renamed.url} now; ${renamed.replaced.values} values of its database were changed`);
    });
}
