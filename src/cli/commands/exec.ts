/** `subako exec`: a command inside a site's container. */
import { Command } from 'commander';
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
    .action(async (domain: string, words: string[], { role }: { role: string }, command: Command) => {
      const argv = words[0] === '--' ? words.slice(1) : words;
      const { client } = contextOf(command);
      const tty = [process.stdin, process.stdout].every((stream) => stream.isTTY);
      process.exitCode = await runHere(await client.stream('POST', sitePath(domain, '/exec'), { command: argv, tty, role }));
    });
}
