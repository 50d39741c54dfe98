/** `subako inspect`, `stats`, `port`: what is known of containers of images. */
import { Command } from 'commander';
import type { ContainerReply, StatsRow } from '../../api/container-types.ts';
import { formatSize } from '../../lib/units.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../output.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('everything that is known of containers, as JSON; their variables included')
    .argument('<container...>')
    .addHelpText('after', '\nExamples:\n  subako inspect web')
    .action(async (names: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const found = await Promise.all(names.map((name) => client.get<ContainerReply>(containerPath(name))));
      output.show(found, () => JSON.stringify(found, null, 2));
    });
}

/** Between two looks, for the share of a core. */
const SAMPLE_MS = 500;

export function statsCommand(): Command {
  return new Command('stats')
    .description('what containers use now')
    .argument('[container...]', 'default: all that are up')
    .addHelpText('after', '\nExamples:\n  subako stats\n  subako stats web --json')
    .action(async (names: string[], _options: unknown, command: Command) => {
      const context = contextOf(command);
      const ids = await Promise.all(names.map(async (name) => (await context.client.get<ContainerReply>(containerPath(name))).id));
      await showStats(names.length === 0 ? undefined : new Set(ids), context);
    });
}

/** @param wanted ids; undefined: of all that are up */
export async function showStats(wanted: ReadonlySet<string> | undefined, { client, output }: Context): Promise<void> {
  await client.get('/v1/containers/stats');
  await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  const rows = (await client.get<StatsRow[]>('/v1/containers/stats')).filter(({ id }) => wanted?.has(id) ?? true);
  output.show(rows, () =>
    table(
      ['CONTAINER', 'CPU%', 'MEMORY', 'LIMIT', 'PROCESSES'],
      rows.map((row) => [row.container, row.cpuPercent.toFixed(1), formatSize(row.memoryBytes), formatSize(row.memoryLimitBytes), String(row.processes)]),
    ),
  );
}

export function portCommand(): Command {
  return new Command('port')
    .description('which ports of this machine lead to a container')
    .argument('<container>')
    .addHelpText('after', '\nExamples:\n  subako port web')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const { ports } = await client.get<ContainerReply>(containerPath(name));
      output.show(ports, () => ports.join('\n'));
    });
}
