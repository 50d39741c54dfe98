/** `subako exec`: a command inside a site's container. */
import { Command } from 'commander';
import { SubakoError } from '../../domain/errors.ts';
import { ROLES } from '../../domain/role.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { roleOption } from '../role-option.ts';
import { runHere } from '../run-here.ts';

export function execCommand(): Command {
  return new Command('exec')
    .description("run a command inside a site's container, with its user, limits and filters; wakes it first")
    .argument('<domain>')
    .argument('<command...>', 'after --')
    .addOption(roleOption('which container of the site; only admin may write').default('admin'))
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe exit code is the command’s own. The site stays awake while it runs.\n\nExamples:\n  subako exec blog.localhost -- php8.4 -v\n  subako exec blog.localhost -- sh',
    )
    .action(async (domain: string, words: string[], options: { role: string }, command: Command) => {
      const { role, argv } = commandOf(words, options.role);
      const { client } = contextOf(command);
      const tty = [process.stdin, process.stdout].every((stream) => stream.isTTY);
      process.exitCode = await runHere(await client.stream('POST', sitePath(domain, '/exec'), { command: argv, tty, role }));
    });
}

/** Options of ours may also stand between the domain and the command: `exec DOMAIN --role public -- CMD`. @throws SubakoError `bad_usage` */
function commandOf(words: readonly string[], role: string): { role: string; argv: readonly string[] } {
  const [first = '', ...rest] = words;
  if (first === '--') return { role, argv: rest };
  if (first !== '--role' && !first.startsWith('--role=')) return { role, argv: words };
  const [value = '', ...others] = first === '--role' ? rest : [first.slice('--role='.length), ...rest];
  if (!ROLES.some((one) => one === value) || others.length === 0) {
    throw new SubakoError('bad_usage', `--role takes one of ${ROLES.join(', ')}, and then comes the command`, {
      hint: 'write it like subako exec DOMAIN --role public -- CMD',
    });
  }
  return commandOf(others, value);
}
