/** `subako plugin`: plugins of a WordPress site. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { PluginReply } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import type { Output } from '../output.ts';
import { table } from '../output.ts';

export function pluginCommand(): Command {
  return new Command('plugin')
    .description('plugins of a WordPress site')
    .addCommand(list())
    .addCommand(act('activate', 'switch a plugin on'))
    .addCommand(act('deactivate', 'switch a plugin off, also one that keeps the site from starting'))
    .addCommand(install())
    .addCommand(remove());
}

function list(): Command {
  return new Command('ls')
    .description('which there are, and which are active')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako plugin ls blog.localhost')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const plugins = await client.get<PluginReply[]>(sitePath(domain, '/plugins'));
      const rows = plugins.map(({ plugin, active, version, name }) => [plugin, active ? 'yes' : 'no', version, name]);
      output.show(plugins, () => table(['PLUGIN', 'ACTIVE', 'VERSION', 'NAME'], rows));
    });
}

function act(name: 'activate' | 'deactivate', description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<domain>')
    .argument('<plugin>', 'as plugin ls calls it')
    .addHelpText('after', `\nExamples:\n  subako plugin ${name} blog.localhost akismet`)
    .action(async (domain: string, plugin: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      show(await client.post<PluginReply>(sitePath(domain, `/plugins/${encodeURIComponent(plugin)}/${name}`)), output);
    });
}

interface InstallOptions {
  readonly replace?: boolean;
  readonly activate?: boolean;
}

function install(): Command {
  return new Command('install')
    .description('install a plugin from a zip file')
    .argument('<domain>')
    .argument('<file>', 'its zip file')
    .option('--replace', 'in place of the same plugin, if it is there')
    .option('--activate', 'and switch it on')
    .addHelpText(
      'after',
      '\nExamples:\n  subako plugin install blog.localhost contact-form.zip --activate\n  subako plugin install blog.localhost contact-form-2.zip --replace',
    )
    .action(async (domain: string, file: string, { replace = false, activate = false }: InstallOptions, command: Command) => {
      const { client, output } = contextOf(command);
      output.progress(`installing ${file}`);
      const installed = await client.post<PluginReply>(sitePath(domain, '/plugins'), { file: resolve(file), replace });
      if (!activate) return show(installed, output);
      return show(await client.post<PluginReply>(sitePath(domain, `/plugins/${encodeURIComponent(installed.plugin)}/activate`)), output);
    });
}

function remove(): Command {
  return new Command('rm')
    .description('remove a plugin that is not active, with what it kept, if it cleans up')
    .argument('<domain>')
    .argument('<plugin>')
    .addHelpText('after', '\nExamples:\n  subako plugin rm blog.localhost hello')
    .action(async (domain: string, plugin: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const removed = await client.delete<PluginReply>(sitePath(domain, `/plugins/${encodeURIComponent(plugin)}`));
      output.show(removed, () => `removed ${removed.plugin} ${removed.version}`);
    });
}

function show(plugin: PluginReply, output: Output): void {
  output.show(plugin, () => `${plugin.plugin} ${plugin.version} is ${plugin.active ? 'active' : 'not active'}`);
}
