/** `subako sleep`: down the ladder. */
import { Command, Option } from 'commander';
import type { Transition } from '../../lifecycle/lifecycle.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { roleOption } from '../role-option.ts';
import { showTransition } from './wake.ts';

export function sleepCommand(): Command {
  return new Command('sleep')
    .description('put a site to sleep; running requests end first')
    .argument('<domain>')
    .addOption(new Option('--to <state>', 'how deep').choices(['frozen', 'checkpointed', 'cold']).default('cold'))
    .addOption(roleOption('which container; default: both'))
    .addHelpText(
      'after',
      `
frozen        stays in memory and stops; the quickest to wake
checkpointed  out of memory, into files of its own
cold          out of memory; wakes from its image's template

Examples:
  subako sleep blog.localhost --to frozen
  subako sleep blog.localhost --to cold`,
    )
    .action(async (domain: string, options: { to: string; role?: string }, command: Command) => {
      const { client, output } = contextOf(command);
      showTransition(await client.post<Transition>(sitePath(domain, '/sleep'), options), output);
    });
}
