/** `subako login-link`: into wp-admin without a password, once. */
import { Command } from 'commander';
import type { LoginLinkReply } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';

export function loginLinkCommand(): Command {
  return new Command('login-link')
    .description('a link that logs in to a WordPress site, once and within ten minutes')
    .argument('<domain>')
    .option('--user <name>', 'who is logged in (default: the first administrator)')
    .addHelpText(
      'after',
      '\nWho opens the link sees a button; pressing it uses the link up. A second factor that a plugin asks for is not asked.\n\nExamples:\n  subako login-link blog.localhost\n  subako login-link blog.localhost --user mia',
    )
    .action(async (domain: string, options: { user?: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const link = await client.post<LoginLinkReply>(sitePath(domain, '/login-link'), options.user === undefined ? {} : { user: options.user });
      output.show(link, () => link.url);
    });
}
