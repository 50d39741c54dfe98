/** `subako domain`: names of sites. */
import { Command } from 'commander';
import { contextOf } from '../context.ts';
import { domainPrimaryCommand } from './domain-primary.ts';
import { table } from '../output.ts';

interface NameReply {
  readonly name: string;
  readonly domain: string;
  readonly redirect: boolean;
}

export function domainCommand(): Command {
  return new Command('domain').description('names of sites').addCommand(add()).addCommand(remove()).addCommand(list()).addCommand(domainPrimaryCommand());
}

function add(): Command {
  return new Command('add')
    .description('give a site another name; with --redirect, visitors of that name are sent to the domain')
    .argument('<domain>', 'the site')
    .argument('<name>', 'its further name')
    .option('--redirect', 'answer with a redirect to the domain instead of the page')
    .addHelpText(
      'after',
      '\nA name that the site has already is changed to what you ask for.\n\nExamples:\n  subako domain add blog.example.org www.blog.example.org --redirect\n  subako domain add blog.localhost other.localhost',
    )
    .action(async (domain: string, name: string, { redirect = false }: { redirect?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const added = await client.post<NameReply>('/v1/domains', { domain, name, redirect });
      output.show(added, () => `${added.name} ${added.redirect ? 'sends its visitors to' : 'is now a name of'} ${added.domain}`);
    });
}

function remove(): Command {
  return new Command('rm')
    .alias('remove')
    .description('take a further name away')
    .argument('<name>')
    .addHelpText('after', '\nExamples:\n  subako domain rm www.blog.example.org')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const removed = await client.delete<NameReply>(`/v1/domains/${encodeURIComponent(name)}`);
      output.show(removed, () => `removed ${removed.name} from ${removed.domain}`);
    });
}

function list(): Command {
  return new Command('ls')
    .alias('list')
    .description('all names, of one site or of all')
    .argument('[domain]', 'the site')
    .addHelpText('after', '\nExamples:\n  subako domain ls\n  subako domain ls blog.example.org --json')
    .action(async (domain: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const names = await client.get<NameReply[]>(`/v1/domains${domain === undefined ? '' : `?domain=${encodeURIComponent(domain)}`}`);
      output.show(names, () =>
        table(
          ['NAME', 'SITE', 'IS'],
          names.map(({ name, domain: site, redirect }) => [name, site, name === site ? 'domain' : redirect ? 'redirect' : 'alias']),
        ),
      );
    });
}
