/** `subako config`: the definition file, looked at without starting anything. */
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { nameOf } from '../../hooks/hook.ts';
import type { Hook } from '../../hooks/hook.ts';
import { contextOf } from '../context.ts';
import { facts } from '../output.ts';

export function configCommand(): Command {
  return new Command('config')
    .description('the definition file: settings, sites’ policies and hooks')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  subako config check                       the file that up would read\n  subako config check ./subako.config.ts\n  subako config show --json',
    );
}

function checkCommand(): Command {
  return new Command('check')
    .description('whether up would take it; says the line where not')
    .argument('[file]', 'the definition file (default: the one in the state directory)')
    .addHelpText(
      'after',
      '\nA file in TypeScript is run for it. Nothing is started or changed.\n\nExamples:\n  subako config check\n  subako config check ./subako.config.ts',
    )
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { output } = contextOf(command);
      const config = await load(file, command);
      const found = { file: config.definition ?? null, hooks: config.hooks.map(nameOf), sites: Object.keys(config.sites) };
      output.show({ ok: true, ...found }, () =>
        found.file === null
          ? 'ok: there is no definition file, so everything is at its default'
          : `ok: ${found.file} (hooks: ${found.hooks.length}, sites: ${found.sites.length})`,
      );
    });
}

function showCommand(): Command {
  return new Command('show')
    .description('all that is set, defaults included')
    .argument('[file]', 'the definition file (default: the one in the state directory)')
    .addHelpText('after', '\nDurations are in milliseconds, sizes in bytes.\n\nExamples:\n  subako config show\n  subako config show --json')
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { output } = contextOf(command);
      const { definition, hooks, ...settings } = await load(file, command);
      const shown = { file: definition ?? null, ...settings, hooks: hooks.map(shownHook) };
      output.show(shown, () => facts(Object.entries(shown).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])));
    });
}

async function load(file: string | undefined, command: Command): Promise<Config> {
  const [{ loadConfig }, { refuseBadPolicies }] = await Promise.all([import('../../config/config.ts'), import('../../main/site-defaults.ts')]);
  const config = loadConfig({ ...contextOf(command).dirs, config: file });
  refuseBadPolicies(config);
  return config;
}

function shownHook({ index: _index, run, ...hook }: Hook): Record<string, unknown> {
  return { ...hook, run: typeof run === 'function' ? 'a function' : run };
}
