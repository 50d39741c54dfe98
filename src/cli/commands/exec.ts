/** `subako exec`: a command inside a site's container. */
import { Command } from 'commander';
import { SubakoError } from '../../domain/errors.ts';
import { ROLES } from '../../domain/role.ts';
import { variableOf } from '../../config/variables.ts';
import { sitePath } from '../client.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import { roleOption } from '../role-option.ts';
import { variables } from '../env-file.ts';
import { runHere } from '../run-here.ts';
import { siteOrContainer } from '../site-or-container.ts';
import { collect } from '../collect.ts';

export function execCommand(): Command {
  return new Command('exec')
    .description('run a command in a site’s container, which is woken first, or in a container of an image; with the container’s user, limits and filters')
    .argument('<site|container>')
    .argument('<command...>', 'after --')
    .addOption(roleOption('which container of the site; only admin may write').default('admin'))
    .option('-i, --interactive', 'as with docker; input is passed on in any case')
    .option('-t, --tty', 'as with docker; your terminal is passed on in any case where there is one')
    .option('-u, --user <user[:group]>', 'user of the command; in a container of an image only')
    .option('-w, --workdir <dir>', 'working directory; in a container of an image only')
    .option('-e, --env <name=value>', 'a variable; in a container of an image only', collect, [])
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe exit code is the command’s own. The site stays awake while it runs.\n\nExamples:\n  subako exec blog.localhost -- php8.4 -v\n  subako exec blog.localhost -- sh\n  subako exec -it web sh',
    )
    .action(async (domain: string, words: string[], options: ExecOptions, command: Command) => {
      const { role, argv } = commandOf(words, options.role);
      const { client } = contextOf(command);
      const tty = [process.stdin, process.stdout].every((stream) => stream.isTTY);
      const { user, workdir, env } = options;
      const session = await siteOrContainer(
        () => client.stream('POST', sitePath(domain, '/exec'), { command: argv, tty, role }),
        () => client.stream('POST', containerPath(domain, '/exec'), { command: argv, tty, user, cwd: workdir, env: variables(env, variableOf) }),
      );
      process.exitCode = await runHere(session);
    });
}

interface ExecOptions {
  readonly role: string;
  readonly user?: string;
  readonly workdir?: string;
  readonly env: readonly string[];
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
