/** `subako health`: is a WordPress site in order. */
import { Command } from 'commander';
import type { HealthReply } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function healthCommand(): Command {
  return new Command('health')
    .description('what is right and wrong with a WordPress site; it changes nothing')
    .argument('<domain>')
    .addHelpText('after', '\nThe exit code is 1 when something fails.\n\nExamples:\n  subako health blog.localhost\n  subako health blog.localhost --json')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const health = await client.get<HealthReply>(sitePath(domain, '/health'));
      output.show(health, () =>
        table(
          ['CHECK', 'STATE', 'WHAT'],
          health.checks.map(({ name, state, said }) => [name, state, said]),
        ),
      );
      if (!health.ok) process.exitCode = 1;
    });
}
