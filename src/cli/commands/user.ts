/** `subako user`: who may log in to a WordPress site. */
import { Command } from 'commander';
import type { UserReply, UsersReply, UserWithPassword } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { facts, table } from '../output.ts';

export function userCommand(): Command {
  return new Command('user').description('users of a WordPress site').addCommand(list()).addCommand(create()).addCommand(resetPassword());
}

function list(): Command {
  return new Command('ls')
    .description('who may log in')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako user ls blog.localhost\n  subako user ls blog.localhost --json')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const { total, users } = await client.get<UsersReply>(sitePath(domain, '/users'));
      output.show(
        users,
        () => `${table(['USER', 'E-MAIL', 'ROLES', 'SINCE'], users.map(row))}${total > users.length ? `\n… and ${total - users.length} more` : ''}`,
      );
    });
}

function row({ user, email, roles, registered }: UserReply): string[] {
  return [user, email, roles.join(', '), registered.slice(0, 10)];
}

function create(): Command {
  return new Command('create')
    .description('make a user; the password is shown once and not kept')
    .argument('<domain>')
    .argument('<user>')
    .requiredOption('--email <address>')
    .option('--role <role>', 'administrator, editor, author, contributor, subscriber, or one of the site’s own', 'subscriber')
    .addHelpText('after', '\nExamples:\n  subako user create blog.localhost mia --email mia@example.org --role editor')
    .action(async (domain: string, user: string, { email, role }: { email: string; role: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const made = await client.post<UserWithPassword>(sitePath(domain, '/users'), { user, email, role });
      output.show(made, () => passwordOf(made));
    });
}

function resetPassword(): Command {
  return new Command('reset-password')
    .description('give a user a new password and end what is open; shown once and not kept')
    .argument('<domain>')
    .argument('<user>', 'name or e-mail address')
    .addHelpText('after', '\nTo get in once without changing the password: subako login-link\n\nExamples:\n  subako user reset-password blog.localhost admin')
    .action(async (domain: string, user: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const changed = await client.post<UserWithPassword>(sitePath(domain, '/users/password'), { user });
      output.show(changed, () => passwordOf(changed));
    });
}

function passwordOf({ user, email, roles, password }: UserWithPassword): string {
  return facts([
    ['user', user],
    ['e-mail', email],
    ['roles', roles.join(', ')],
    ['password', password],
  ]);
}
