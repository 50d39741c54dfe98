/** `subako theme`: themes of a WordPress site. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { ThemeReply } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import type { Output } from '../output.ts';
import { table } from '../output.ts';

export function themeCommand(): Command {
  return new Command('theme').description('themes of a WordPress site').addCommand(list()).addCommand(activate()).addCommand(install());
}

function list(): Command {
  return new Command('ls')
    .description('which there are, and which is active')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako theme ls blog.localhost')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const themes = await client.get<ThemeReply[]>(sitePath(domain, '/themes'));
      const rows = themes.map(({ theme, active, version, name, error }) => [theme, active ? 'yes' : 'no', version, error ?? name]);
      output.show(themes, () => table(['THEME', 'ACTIVE', 'VERSION', 'NAME'], rows));
    });
}

function activate(): Command {
  return new Command('activate')
    .description('give the site this theme')
    .argument('<domain>')
    .argument('<theme>', 'as theme ls calls it')
    .addHelpText('after', '\nExamples:\n  subako theme activate blog.localhost twentytwentyfive')
    .action(async (domain: string, theme: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      show(await client.post<ThemeReply>(sitePath(domain, `/themes/${encodeURIComponent(theme)}/activate`)), output);
    });
}

interface InstallOptions {
  readonly replace?: boolean;
  readonly activate?: boolean;
}

function install(): Command {
  return new Command('install')
    .description('install a theme from a zip file')
    .argument('<domain>')
    .argument('<file>', 'its zip file')
    .option('--replace', 'in place of the same theme, if it is there')
    .option('--activate', 'and give it to the site')
    .addHelpText('after', '\nExamples:\n  subako theme install blog.localhost my-theme.zip --activate')
    .action(async (domain: string, file: string, { replace = false, activate: wanted = false }: InstallOptions, command: Command) => {
      const { client, output } = contextOf(command);
      output.progress(`installing ${file}`);
      const installed = await client.post<ThemeReply>(sitePath(domain, '/themes'), { file: resolve(file), replace });
      if (!wanted) return show(installed, output);
      return show(await client.post<ThemeReply>(sitePath(domain, `/themes/${encodeURIComponent(installed.theme)}/activate`)), output);
    });
}

function show(theme: ThemeReply, output: Output): void {
  output.show(theme, () => `${theme.theme} ${theme.version} is ${theme.active ? 'active' : 'not active'}`);
}
